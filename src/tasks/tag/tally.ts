/** @file What has been done so far, and what there is to tell of it, between the work and whoever follows it. */

import type { LeftReason, TagCounts, TagEvent } from "./events.ts";

export type Tally = {
  counts(): TagCounts;
  image(tokens: readonly string[]): void;
  change(caption: string, image: string, before: string | undefined, after: string | undefined): void;
  same(): void;
  /** What was counted as a change, and came to nothing. */
  takeBack(
    before: string | undefined,
    after: string | undefined,
    reason: LeftReason,
    path: string,
    message?: string,
  ): void;
  /** @param message none where there may be many that nobody has to look at */
  left(reason: LeftReason, path: string, message?: string): void;
  tell(event: TagEvent): void;
  /** Events since the last call. */
  told(): TagEvent[];
  /** For work that is done in parts. */
  inParts(count: number): PartTallies;
};

/** What a part of the work has told since it was last asked, and all of its counts. */
export type Gathered = { readonly counts: TagCounts; readonly events: readonly TagEvent[] };

/** Parts count side by side, and tell one after the other: as one that does all of the work would. */
export type PartTallies = {
  take(part: number, gathered: Gathered): void;
  end(part: number): void;
};

/** Captions left that are told one by one; all are counted. */
const MOST_LEFT = 1000;

/** @param show changes to tell one by one */
export function newTally(show: number): Tally {
  const counts = { images: 0, changed: 0, created: 0, removed: 0, unchanged: 0 };
  const left: Partial<Record<LeftReason, number>> = {};
  const tokens: Record<string, number> = {};
  let parts: TagCounts[] = [];
  let events: TagEvent[] = [];
  let shown = 0;
  let told = 0;

  function pass(event: TagEvent): void {
    if (event.type === "change" && shown++ >= show) return;
    if (event.type === "left" && told++ >= MOST_LEFT) return;
    events.push(event);
  }

  const leave: Tally["left"] = (reason, path, message) => {
    left[reason] = (left[reason] ?? 0) + 1;
    if (message !== undefined) pass({ type: "left", path, reason, message });
  };

  return {
    counts: () => parts.reduce(sum, { ...counts, left: { ...left }, tokens: { ...tokens } }),
    image(own) {
      counts.images++;
      for (const token of own) tokens[token] = (tokens[token] ?? 0) + 1;
    },
    change(caption, image, before, after) {
      counts.changed++;
      if (shown < show) pass({ type: "change", caption, image, before: before ?? null, after: after ?? null });
      if (before === undefined) counts.created++;
      if (after === undefined) counts.removed++;
    },
    same() {
      counts.unchanged++;
    },
    takeBack(before, after, ...why) {
      counts.changed--;
      if (before === undefined) counts.created--;
      if (after === undefined) counts.removed--;
      leave(...why);
    },
    left: leave,
    tell: pass,
    told() {
      const given = events;
      events = [];
      return given;
    },
    inParts(count) {
      parts = Array.from({ length: count }, () => newTally(0).counts());
      const held: TagEvent[][] = parts.map(() => []);
      const ended = parts.map(() => false);
      let first = 0;
      const passHeld = (): void => {
        for (; first < count; first++) {
          for (const event of held[first]!.splice(0)) pass(event);
          if (!ended[first]) return;
        }
      };
      return {
        take(part, gathered) {
          parts[part] = gathered.counts;
          held[part]!.push(...gathered.events);
          passHeld();
        },
        end(part) {
          ended[part] = true;
          passHeld();
        },
      };
    },
  };
}

function sum(a: TagCounts, b: TagCounts): TagCounts {
  return {
    ...{ images: a.images + b.images, changed: a.changed + b.changed, created: a.created + b.created },
    ...{ removed: a.removed + b.removed, unchanged: a.unchanged + b.unchanged },
    ...{ left: sumOfEach(a.left, b.left), tokens: sumOfEach(a.tokens, b.tokens) },
  };
}

function sumOfEach<Name extends string>(
  a: Readonly<Partial<Record<Name, number>>>,
  b: Readonly<Partial<Record<Name, number>>>,
): Record<Name, number> {
  const both = { ...a } as Record<Name, number>;
  for (const name of Object.keys(b) as Name[]) both[name] = (both[name] ?? 0) + b[name]!;
  return both;
}
