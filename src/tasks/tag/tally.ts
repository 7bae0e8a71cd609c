/** @file What has been done so far, and what there is to tell of it, between the work and whoever follows it. */

import type { LeftReason, TagCounts, TagEvent } from "./events.ts";

export type Tally = {
  counts(): TagCounts;
  image(tokens: readonly string[]): void;
  change(caption: string, image: string, before: string | undefined, after: string | undefined): void;
  same(): void;
  /** @param message none where there may be many that nobody has to look at */
  left(reason: LeftReason, path: string, message?: string): void;
  tell(event: TagEvent): void;
  /** Events since the last call. */
  told(): TagEvent[];
};

/** Captions left that are told one by one; all are counted. */
const MOST_LEFT = 1000;

/** @param show changes to tell one by one */
export function newTally(show: number): Tally {
  const counts = { images: 0, changed: 0, created: 0, removed: 0, unchanged: 0 };
  const left: Partial<Record<LeftReason, number>> = {};
  const tokens: Record<string, number> = {};
  let events: TagEvent[] = [];
  let told = 0;
  return {
    counts: () => ({ ...counts, left: { ...left }, tokens: { ...tokens } }),
    image(own) {
      counts.images++;
      for (const token of own) tokens[token] = (tokens[token] ?? 0) + 1;
    },
    change(caption, image, before, after) {
      if (counts.changed++ < show) {
        events.push({ type: "change", caption, image, before: before ?? null, after: after ?? null });
      }
      if (before === undefined) counts.created++;
      if (after === undefined) counts.removed++;
    },
    same() {
      counts.unchanged++;
    },
    left(reason, path, message) {
      left[reason] = (left[reason] ?? 0) + 1;
      if (message !== undefined && told++ < MOST_LEFT) events.push({ type: "left", path, reason, message });
    },
    tell(event) {
      events.push(event);
    },
    told() {
      const given = events;
      events = [];
      return given;
    },
  };
}
