/** @file Names that a user may have mistyped: whether a sampler or a schedule is known, and which was probably meant. */

import {
  lookUpSampler,
  lookUpSchedule,
  samplerLabels,
  samplerNames,
  scheduleLabels,
  scheduleNames,
} from "../sampling/index.ts";

/** What is wrong with a sampler's name, to follow it in a sentence; undefined when it is known. */
export function samplerFault(text: string): string | undefined {
  if (isKnown(lookUpSampler, text)) return undefined;
  const labels = samplerNames.map((name) => samplerLabels[name].label);
  // Old labels end in the schedule.
  const long = labels.flatMap((label) => Object.values(scheduleLabels).map((schedule) => `${label} ${schedule}`));
  return fault(text, [...samplerNames, ...labels, ...long], `samplers are ${samplerNames.join(", ")}`);
}

/** The same of a schedule's. */
export function scheduleFault(text: string): string | undefined {
  if (isKnown(lookUpSchedule, text)) return undefined;
  const labels = Object.values(scheduleLabels);
  return fault(text, [...scheduleNames, ...labels], `schedules are ${scheduleNames.join(", ")}`);
}

function isKnown(lookUp: (text: string) => unknown, text: string): boolean {
  try {
    lookUp(text);
    return true;
  } catch {
    return false;
  }
}

function fault(text: string, names: readonly string[], all: string): string {
  const meant = nearest(text, names);
  return meant === undefined ? `unknown; ${all}` : `unknown; did you mean ${/\s/.test(meant) ? `"${meant}"` : meant}?`;
}

/** The name with the fewest changes, if they are few for its length; the first of several. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  const typed = text.trim().toLowerCase();
  // Names are short; what is much longer is none of them, and not worth comparing.
  if (typed.length > 64) return undefined;
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const name of names) {
    const changes = changesBetween(typed, name.toLowerCase());
    if (changes < fewest) [best, fewest] = [name, changes];
  }
  return best;
}

/** Letters added, left out, changed, or exchanged with their neighbour. Damerau (1964), Levenshtein (1966). */
function changesBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        changed,
        exchanged ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
