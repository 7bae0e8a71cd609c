/** @file A run whose previews fail, or whose numbers do: what was learnt stays. */

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

/** @param isLost whether a batch's gradient is no number */
function lesson(examine: Lesson["examine"], isLost: (batch: number) => boolean = () => false): Lesson {
  const weight = { name: "w", shape: [2], values: new Float32Array(2), group: "all" };
  const learner = createLearner([weight], {
    optimiser: { kind: "adamw" },
    groups: { all: { kind: "constant", peak: 0.1 } },
  });
  return {
    learner,
    batch: async (index) => ({
      gradients: new Map([["w", Float32Array.of(isLost(index) ? Number.NaN : 1, -1)]]),
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

test("a run that diverges is told of once, keeps its good checkpoints and ends", async () => {
  const events: RunEvent[] = [];
  const folder = join(root, "diverged");
  const options = { folder, steps: 200, saveEvery: 1, examineEvery: 1, recipe: "" };
  const looked: number[] = [];
  const examine = async (step: number) => {
    looked.push(step);
    return { figures: {}, previews: [] };
  };
  const run = async () => {
    for await (const event of runLesson(
      lesson(examine, (batch) => batch >= 2),
      options,
    ))
      events.push(event);
  };
  await expect(run()).rejects.toMatchObject({
    code: "diverged",
    message: expect.stringMatching(/^since step 3 .*\(learning rate: all 0\.1\)$/),
    hint: expect.stringContaining(`${join(folder, "step-00000002")}.`),
  });
  expect(events.filter(({ type }) => type === "step")).toHaveLength(52);
  const findings = events.flatMap((event) => (event.type === "finding" ? [event.finding.message] : []));
  expect(findings).toEqual(["the gradient of step 3 is not finite"]);
  expect(looked).toEqual([1, 2]);
  expect(await readdir(folder)).toEqual(["step-00000001", "step-00000002"]);
});

test("a run in which nothing ever moves ends as diverged, though it is short", async () => {
  await expect(
    eventsOf(
      "still",
      lesson(undefined, () => true),
    ),
  ).rejects.toMatchObject({ code: "diverged" });
});

test("updates skipped here and there end nothing, and older checkpoints go once a saved step has moved", async () => {
  const one = lesson(undefined, (batch) => batch % 2 === 1);
  await eventsOf("now and then", one, { steps: 121, saveEvery: 33 });
  expect(await readdir(join(root, "now and then"))).toEqual(["step-00000099", "step-00000121"]);
});
