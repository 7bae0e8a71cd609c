/** @file A run whose previews fail, or whose numbers do: what was learnt stays. */

import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IllustriousError } from "../base/error.ts";
import { createLearner } from "../training/learner/learner.ts";
import { checkpointName, removeOld } from "./checkpoints.ts";
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

const every = (n: number) => (step: number) => step % n === 0;

async function eventsOf(name: string, one: Lesson, own: Partial<RunOptions> = {}): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const options = {
    folder: join(root, name),
    steps: 4,
    examineDue: every(2),
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

test("a run that diverges is told of once, keeps its good checkpoints and ends", async () => {
  const events: RunEvent[] = [];
  const folder = join(root, "diverged");
  const options = { folder, steps: 200, saveDue: every(1), examineDue: every(1), recipe: "" };
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
  await eventsOf("now and then", one, { steps: 121, saveDue: every(33) });
  expect(await readdir(join(root, "now and then"))).toEqual(["step-00000099", "step-00000121"]);
});

test("what was saved on schedule stays so when the recipe asks for another interval; what a stop saved does not", async () => {
  const folder = join(root, "wider");
  await eventsOf("wider", lesson(undefined), { saveDue: every(2), keep: { last: 9 } });
  const stop = new AbortController();
  for await (const event of runLesson(lesson(undefined), { folder, steps: 9, recipe: "", signal: stop.signal })) {
    if (event.type === "step" && event.step === 5) stop.abort();
  }
  expect(await readdir(folder)).toEqual([2, 4, 5].map(checkpointName));
  await mkdir(join(folder, checkpointName(50)));
  await removeOld(folder, { last: 9 }, every(50));
  expect(await readdir(folder)).toEqual([2, 4, 50].map(checkpointName));
});

test.each([
  // Due every 20 steps, stopped at 25, 37 and 47.
  [{ steps: 40 }, [20, 25, 37, 40, 47], [20, 40, 47]],
  [{ steps: 40 }, [20, 40, 47, 60, 80], [40, 60, 80]],
  [{ last: 2 }, [20, 40, 60, 67, 73], [40, 60, 73]],
  [{ last: 3 }, [20, 40, 47, 60, 80], [40, 60, 80]],
  [{ last: 2 }, [3, 7], [7]],
])("of %o and checkpoints of %o stay %o", async (keep, steps, stay) => {
  const folder = await mkdtemp(join(root, "kept-"));
  for (const step of steps) await mkdir(join(folder, checkpointName(step)));
  await removeOld(folder, keep, every(20));
  expect(await readdir(folder)).toEqual(stay.map(checkpointName));
});
