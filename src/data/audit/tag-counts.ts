/** @file How often each tag occurs, of captions that are tags with commas between. */

export type TagCounter = {
  add(caption: string): void;
  /** All that are remembered, the most frequent first; equal ones by name. */
  counts(): (readonly [tag: string, images: number])[];
};

/** Longer parts are sentences. */
const MOST_LETTERS = 40;

/** So many tags are remembered; then the rarest are forgotten, and may be counted too low if they come again. */
const MOST_TAGS = 500_000;

export function tagCounter(mostTags: number = MOST_TAGS): TagCounter {
  let counts = new Map<string, number>();
  return {
    add(caption) {
      // Further lines tell the same picture in other words.
      const parts = caption.split("\n", 1)[0]!.split(",");
      const tags = new Set(parts.map((part) => part.trim()).filter((tag) => tag !== "" && tag.length <= MOST_LETTERS));
      for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
      for (let least = 1; counts.size > mostTags; least *= 2) {
        counts = new Map([...counts].filter(([, images]) => images > least));
      }
    },
    counts: () => [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)),
  };
}
