/** @file A crew of several threads does what one thread does, and nothing twice. */

import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { shared } from "../../src/base/shared.ts";
import { loadsOf, type Task, thisThread } from "../../src/training/crew/crew.ts";
import { openCrew } from "../../src/training/crew/threads.ts";

const entry = new URL("../../dist/training/crew/crew-thread.js", import.meta.url);
const wave = (length: number, phase: number) =>
  shared(Float32Array.from({ length }, (_, i) => Math.sin(0.37 * i * i + phase)));

/** One long tensor and several short ones, as a network has them. */
const lengths = [3, 70_001, 1, 640, 0, 25_000];
const tasks = (): Task[] =>
  lengths.flatMap((length, i): Task[] => [
    {
      kernel: "mean",
      arrays: [wave(length, i), wave(length, i + 0.5), wave(length, i + 0.7)],
      numbers: [0.5, 0.3, 0.2],
    },
    { kernel: "squares", arrays: [wave(length, i + 0.1)], numbers: [] },
    { kernel: "ema", arrays: [wave(length, i + 0.2), wave(length, i + 0.3)], numbers: [0.9] },
    {
      kernel: "adamw",
      arrays: [wave(length, 1), wave(length, 2), wave(length, 3), wave(length, 4).map(Math.abs), wave(length, 5)].map(
        shared,
      ),
      numbers: [0.999, 1e-3, 0.9, 0.99, 1.1, 1e-8, 0.5, 0.99],
    },
  ]);

test("every number of every task is in one load, and loads differ by one number at most", () => {
  const all = tasks();
  for (const threads of [1, 2, 3, 7]) {
    const loads = loadsOf(all, threads);
    const sizes = loads.map((load) => load.reduce((sum, { start, end }) => sum + end - start, 0));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    const covered = all.map(({ arrays }) => new Uint8Array(arrays[0]!.length));
    for (const { task, start, end } of loads.flat()) for (let k = start; k < end; k++) covered[task]![k]!++;
    expect(covered.every((counts) => counts.every((count) => count === 1))).toBe(true);
  }
});

test("three threads compute the same bits as one", async () => {
  const crew = openCrew(3, entry);
  const [alone, together] = [tasks(), tasks()];
  for (let step = 0; step < 3; step++) {
    const [one, three] = [thisThread.run(alone), crew.run(together)];
    // Sums of parts, in another order than the whole's.
    for (const [i, sum] of three.entries()) expect(sum).toBeCloseTo(one[i]!, 6);
  }
  for (const [i, { arrays }] of alone.entries()) expect(together[i]!.arrays).toEqual(arrays);
  await crew.release();
});

test("a load that fails in another thread is told, and so is every load after it", async () => {
  const crew = openCrew(2, entry);
  // The first half is this thread's, the second the other's.
  const good: Task = { kernel: "squares", arrays: [wave(60_000, 0)], numbers: [] };
  const bad = { ...good, kernel: "none" as "squares" };
  expect(() => crew.run([good, bad])).toThrow("a thread that helps with the optimiser's step failed");
  expect(() => crew.run([good, good])).toThrow("a thread that helps with the optimiser's step has ended");
  await crew.release();
});

test("a thread lets go of arrays that are gone: a run whose arrays change does not fill the memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const crew = openCrew(2, entry);
  const MEBIBYTES = 32;
  const round = () => {
    const array = shared(new Float32Array((MEBIBYTES * 2 ** 20) / 4).fill(1));
    expect(crew.run([{ kernel: "squares", arrays: [array], numbers: [] }])).toEqual([array.length]);
  };
  let before = 0;
  const ROUNDS = 24;
  for (let i = 0; i < ROUNDS; i++) {
    if (i === ROUNDS / 3) before = process.memoryUsage.rss();
    round();
    collect();
    // What a collection found lost is told in a turn of its own.
    await setImmediate();
  }
  const kept = (process.memoryUsage.rss() - before) / 2 ** 20;
  expect(kept).toBeLessThan((MEBIBYTES * ROUNDS) / 3);
  await crew.release();
});
