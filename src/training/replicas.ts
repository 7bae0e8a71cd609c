/**
 * @file A batch in parts, each through a session of its own at the same time: small networks learn faster so than with all
 * threads on the whole (bench/training.md). The loss is a mean over pictures, so that the whole's gradient is the mean of the parts'.
 */

import { IllustriousError } from "../base/error.ts";
import type { Session, Value, Values } from "../runtime/runtime.ts";
import { type Crew, thisThread } from "./crew/crew.ts";

export type Range = { readonly from: number; readonly to: number };

/** `count` pictures in at most `parts` parts, none empty, the larger ones first. */
export function partsOf(count: number, parts: number): Range[] {
  const used = Math.min(count, parts);
  return Array.from({ length: used }, (_, i) => ({
    from: Math.ceil((i * count) / used),
    to: Math.ceil(((i + 1) * count) / used),
  }));
}

/** What one part gives, and which pictures it is of. */
export type Part = { readonly range: Range; readonly results: Readonly<Record<string, Value>> };

/** Each part through its session, all at once. */
export function runParts(
  sessions: readonly Session[],
  count: number,
  feedsOf: (range: Range) => Values,
): Promise<Part[]> {
  return Promise.all(
    partsOf(count, sessions.length).map(async (range, i) => ({
      range,
      results: await sessions[i]!.run(feedsOf(range)),
    })),
  );
}

/**
 * Means over all pictures (a loss, gradients), of which each part has the means over its own. They are made in the first part's
 * numbers.
 */
export function meansOf(parts: readonly Part[], names: readonly string[], crew: Crew = thisThread): Float32Array[] {
  const count = parts.at(-1)!.range.to;
  const shares = parts.map(({ range }) => (range.to - range.from) / count);
  const arrays = names.map((name) => parts.map(({ results }) => numbersOf(results, name)));
  if (parts.length > 1) crew.run(arrays.map((all) => ({ kernel: "mean", arrays: all, numbers: shares })));
  return arrays.map(([first]) => first!);
}

/** Rows of all pictures, of which each part has its own; `scaled` where they are the gradient of a part's mean. */
export function joinedRows(parts: readonly Part[], name: string, scaled: boolean): Float32Array {
  const pieces = parts.map(({ results }) => numbersOf(results, name));
  if (pieces.length === 1) return pieces[0]!;
  const joined = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  const count = parts.at(-1)!.range.to;
  let at = 0;
  for (const [i, piece] of pieces.entries()) {
    const { from, to } = parts[i]!.range;
    const share = scaled ? (to - from) / count : 1;
    for (let k = 0; k < piece.length; k++) joined[at + k] = share * piece[k]!;
    at += piece.length;
  }
  return joined;
}

function numbersOf(results: Readonly<Record<string, Value>>, name: string): Float32Array {
  const value = results[name];
  if (!value) throw new IllustriousError("internal", `internal: a step gave no ${name}`);
  return value.data as Float32Array;
}
