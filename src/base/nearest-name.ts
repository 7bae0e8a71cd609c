/** @file What someone who mistyped a name most likely meant. */

/** The name with the fewest changes, in letters of either case; the first of several, and none where more than a third of what was typed is wrong. */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
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
export function changesBetween(a: string, b: string): number {
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
