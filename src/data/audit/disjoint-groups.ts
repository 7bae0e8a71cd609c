/** @file Groups that grow together: for each member, another of its group, up to the group's first, which stands for itself. */

/** Each alone. */
export function singles(count: number): Uint32Array {
  const groups = new Uint32Array(count);
  for (let i = 0; i < count; i++) groups[i] = i;
  return groups;
}

/** Union-find with path halving; the smallest number stands for a group. */
export function firstOf(groups: Uint32Array, member: number): number {
  let at = member;
  while (groups[at] !== at) {
    groups[at] = groups[groups[at]!]!;
    at = groups[at]!;
  }
  return at;
}

export function join(groups: Uint32Array, a: number, b: number): void {
  const [first, second] = [firstOf(groups, a), firstOf(groups, b)];
  if (first !== second) groups[Math.max(first, second)] = Math.min(first, second);
}
