/** @file What is judged is what `generate` draws: the same options, seeds and model give the same pixels both ways. */

import { join } from "node:path";
import { expect, test } from "vitest";
import type { RgbImage } from "../../pipeline/image.ts";
import { generateInEngine } from "../generate-in-engine.ts";
import { cellsOf } from "./cells.ts";
import { type DrawEvent, drawInEngine } from "./draw-in-engine.ts";
import { optionsOf } from "./engine-source.ts";

const model = join(import.meta.dirname, "../../../test/fixtures/nano-bootstrap");
const [cell] = cellsOf.sizes({ quick: true, seeds: 1 });
// Few steps of the smallest size: each is a step of the same walk.
const options = { ...optionsOf(model, cell!, cell!.shots[0]!.prompt), steps: 4, threads: 1 };

async function drawn(seeds: readonly number[], traced: boolean) {
  const events: DrawEvent[] = [];
  for await (const event of drawInEngine({ options, seeds, traced })) events.push(event);
  return events.filter((event) => event.type === "drawn");
}

/** A batch adds the same numbers in another order, and a value between two bytes may fall to either side. */
function difference(a: RgbImage, b: RgbImage): number {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  return Math.max(...a.rgb.map((value, i) => Math.abs(value - b.rgb[i]!)));
}

test("pictures are generate's, also of seeds that do not follow each other", async () => {
  const theirs = new Map<number, RgbImage>();
  for (const seed of [3, 8]) {
    for await (const event of generateInEngine({ ...options, seed }, new AbortController().signal)) {
      if (event.type === "picture") theirs.set(event.seed, event.image);
    }
  }
  const ours = await drawn([3, 8], false);
  expect(ours.map(({ seed }) => seed)).toEqual([3, 8]);
  for (const { seed, drawn } of ours) {
    expect(difference(drawn.image as RgbImage, theirs.get(seed)!)).toBeLessThanOrEqual(1);
    expect(drawn.trace).toBeUndefined();
  }
});

test("a trace has the first step's guess: with one step in all, that is the picture", async () => {
  const events: DrawEvent[] = [];
  for await (const event of drawInEngine({ options: { ...options, steps: 1 }, seeds: [1], traced: true })) {
    events.push(event);
  }
  const [only] = events.filter((event) => event.type === "drawn");
  const { image, trace } = only!.drawn;
  // Euler's last step ends on the guess itself.
  expect(difference(trace!.first as RgbImage, image as RgbImage)).toBe(0);
  expect(trace!.largest).toEqual([trace!.lastLargest]);
  const [more] = await drawn([1], true);
  const { largest, lastLargest } = more!.drawn.trace!;
  expect(largest).toHaveLength(options.steps);
  // The last step ends on its guess here, too, and the one before is another.
  expect(largest.at(-1)).toBe(lastLargest);
  expect(largest.at(-2)).not.toBe(lastLargest);
  expect(difference(more!.drawn.trace!.first as RgbImage, more!.drawn.image as RgbImage)).toBeGreaterThan(8);
});

test("a model that answers as another type is told of, once a drawing", async () => {
  const heard: string[] = [];
  const wrong = { ...options, steps: 2, prediction: "eps" as const, zeroSnr: "off" as const };
  for await (const event of drawInEngine({ options: wrong, seeds: [1, 2], traced: false })) {
    if (event.type === "warning") heard.push(event.message);
  }
  expect(heard.filter((message) => message.includes("answers like a model that predicts v"))).toHaveLength(1);
});
