/** @file A run whose previews fail: what was learnt stays. */

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IllustriousError } from "../base/error.ts";
import { createLearner } from "../training/learner/learner.ts";
import type { Lesson } from "./lesson.ts";
import { type RunEvent, type RunOptions, runLesson } from "./run.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "run-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function lesson(examine: Lesson["examine"]): Lesson {
  const weight = { name: "w", shape: [2], values: new Float32Array(2), group: "all" };
  const learner = createLearner([weight], {
    optimiser: { kind: "adamw" },
    groups: { all: { kind: "constant", peak: 0.1 } },
  });
  return {
    learner,
    batch: async () => ({
      gradients: new Map([["w", Float32Array.of(1, -1)]]),
      figures: { loss: 1 },
      pictures: 1,
    }),
    saveModel: async () => [],
    ...(examine && { examine }),
    release: async () => {},
  };
}

async function eventsOf(name: string, one: Lesson, own: Partial<RunOptions> = {}): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const options = {
    folder: join(root, name),
    steps: 4,
    saveEvery: 0,
    examineEvery: 2,
    recipe: "",
    ...own,
  };
  for await (const event of runLesson(one, options)) events.push(event);
  return events;
}

test("a preview that fails is told, and the run ends with its checkpoint", async () => {
  const failing = lesson(async () => {
    throw new IllustriousError("bad_option", "no such sampler", "Name another.");
  });
  const events = await eventsOf("failing", failing);
  expect(events.map(({ type }) => type)).toEqual(["step", "step", "finding", "step", "step", "saved", "finding"]);
  expect(events.at(-1)).toMatchObject({
    finding: {
      code: "preview_failed",
      message: "the previews of step 4 failed: no such sampler",
      hint: "Name another.",
    },
  });
  expect(await readdir(join(root, "failing"))).toEqual(["step-00000004"]);
});

test("what is wrong with the program itself is thrown, after what was learnt is saved", async () => {
  const broken = lesson(async (step) => {
    if (step === 4) throw new TypeError("undefined is not a function");
    return { figures: {}, previews: [] };
  });
  await expect(eventsOf("broken", broken)).rejects.toThrow(TypeError);
  expect(await readdir(join(root, "broken"))).toEqual(["step-00000004"]);
});

test("what falls on epochs' ends does so at each of them, though an epoch is no whole number of updates", async () => {
  const looked: number[] = [];
  const one = lesson(async (step) => {
    looked.push(step);
    return { figures: {}, previews: [] };
  });
  // Ten batches an epoch, three to an update; and epochs that are shorter than an update.
  await eventsOf("epochs", one, { steps: 20, examineEvery: 10 / 3 });
  expect(looked).toEqual([4, 7, 10, 14, 17, 20]);
  looked.length = 0;
  await eventsOf("short", lesson(one.examine), { steps: 3, examineEvery: 0.5 });
  expect(looked).toEqual([1, 2, 3]);
});
