/** @file Members of a list without an end, evenly chosen: every first, second, fourth … one, and the newest. */

export type Sample<T> = {
  readonly most: number;
  members: T[];
  every: number;
  /** How many there have been. */
  count: number;
  last: T | undefined;
};

/** @param most of those that are kept beside the newest */
export function emptySample<T>(most: number): Sample<T> {
  return { most, members: [], every: 1, count: 0, last: undefined };
}

export function take<T>(sample: Sample<T>, member: T): void {
  if (sample.count % sample.every === 0) sample.members.push(member);
  sample.count++;
  sample.last = member;
  if (sample.members.length <= sample.most) return;
  sample.members = sample.members.filter((_, i) => i % 2 === 0);
  sample.every *= 2;
}

/** The first is among them, and the newest is the last. */
export function chosen<T>({ members, every, count, last }: Sample<T>): readonly T[] {
  return count === 0 || (count - 1) % every === 0 ? members : [...members, last!];
}
