/** @file Steps in segments against the same step whole: any cuts, what is shared between segments, what is left out. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { mulDims, size } from "../../graph/dim.ts";
import { graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { verifyGraph } from "../../graph/verify.ts";
import { referenceRuntime } from "../../runtime/reference/interpreter.ts";
import type { Runtime, Value } from "../../runtime/runtime.ts";
import { stepGraph } from "../learner/step-graph.ts";
import { openStep } from "./open-step.ts";
import { openSegments } from "./segment-sessions.ts";
import { type Segmented, segmented } from "./segmented.ts";

const [b, h] = [size("batch"), size("height")];
const WIDTH = 4;

/** Every parameter is an input, as where all is trained; sizes inside are expressions in the inputs' own. */
function network(): { outputs: { loss: Tensor; losses: Tensor }; tensors: Tensor[] } {
  const parameter = (name: string, shape: number[]) => g.input(name, shape);
  const x = g.input("x", [b, WIDTH, h, h]);
  const context = g.linear(g.input("text", [b, WIDTH]), parameter("embed", [WIDTH, WIDTH]));
  const geometry = { stride: 2, padding: [1, 1, 1, 1] as const };
  const shift = (of: Tensor) => g.reshape(g.silu(of), [b, WIDTH, 1, 1]);
  const first = g.add(g.conv2d(x, parameter("in", [WIDTH, WIDTH, 3, 3]), undefined, geometry), shift(context));
  const [, , height, across] = first.shape;
  const tokens = g.tokensOf(g.groupNorm(first, parameter("scale", [WIDTH]), parameter("bias", [WIDTH]), 2, 1e-5));
  const shared = parameter("shared", [WIDTH, WIDTH]);
  const q = g.linear(tokens, shared);
  const seen = g.add(g.attention(q, tokens, g.linear(tokens, parameter("v", [WIDTH, WIDTH])), 2), tokens);
  const back = g.add(g.imageOf(g.linear(seen, shared), height!, across!), shift(context));
  const up = g.resizeNearest(g.concat([back, first], 1), h, h);
  const last = g.conv2d(up, parameter("out", [WIDTH, 2 * WIDTH, 3, 3]), undefined, { ...geometry, stride: 1 });
  const error = g.sub(last, g.input("target", x.shape));
  const losses = g.mean(g.mul(error, error), [1, 2, 3]);
  const loss = g.mean(losses, [0]);
  return { outputs: { loss, losses }, tensors: graphOf({ loss }).tensors.filter(({ inputs }) => inputs.length > 0) };
}

const PARAMETERS = ["embed", "in", "scale", "bias", "shared", "v", "out"];
const { outputs, tensors } = network();
const wave = (shape: readonly number[], k: number): Value => {
  const length = shape.reduce((product, n) => product * n, 1);
  return { data: Float64Array.from({ length }, (_, i) => Math.cos(0.7 * i + k)), shape };
};
const inputs = graphOf(outputs).inputs;
const feeds = Object.fromEntries(
  inputs.map(({ attributes: { name }, shape }, k) => {
    const known = shape.map((dim) => (typeof dim === "number" ? dim : dim.key === "batch" ? 2 : 5));
    return [name, wave(known, k)];
  }),
);

const stepOf = (trained: readonly string[], cuts: readonly Tensor[]) => stepGraph(outputs, () => false, trained, cuts);

/** Sums in another order differ in float64's last bits. */
function compare(found: Record<string, Value>, right: Record<string, Value>): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(right).sort());
  for (const [name, { data, shape }] of Object.entries(right)) {
    expect(found[name]!.shape, name).toEqual(shape);
    const largest = Math.max(...Array.from(data as Float64Array, Math.abs));
    for (const [i, v] of data.entries()) {
      expect(Math.abs(Number(found[name]!.data[i]) - Number(v)), name).toBeLessThanOrEqual(1e-12 * largest);
    }
  }
}

const verified = (whole: Segmented): Segmented => {
  for (const { forward, backward } of whole.segments) {
    if (forward) verifyGraph(forward);
    if (backward) verifyGraph(backward);
  }
  return whole;
};

// Seconds where the processor is free.
test("wherever a network is cut and whatever of it is trained, gradients are those of the whole", {
  timeout: 300_000,
}, async () => {
  const runtime = referenceRuntime();
  const cases = fc.record({
    cuts: fc.array(fc.constantFrom(...tensors), { maxLength: 6 }),
    trained: fc.subarray([...PARAMETERS, "x"], { minLength: 1 }),
    // With the least memory every segment is opened for each run.
    memory: fc.constantFrom(1, 1e9),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ cuts, trained, memory }) => {
      const step = stepOf(trained, cuts);
      const session = openSegments(runtime, verified(segmented(step)), new Map(), memory);
      const right = await (await runtime.open(step.graph, new Map())).run(feeds);
      compare(await session.run(feeds), right);
      compare(await session.run(feeds, ["losses"]), { losses: right.losses! });
      await session.release();
    }),
    { numRuns: 25 },
  );
});

test("segments before all that is trained are not run backwards, and the last one is not run forwards", () => {
  const { segments } = segmented(stepOf(["out"], [tensors[4]!, tensors.at(-8)!]));
  const kinds = segments.map(({ forward, backward }) => [forward !== undefined, backward !== undefined]);
  expect(kinds).toEqual([
    [true, false],
    [true, false],
    [false, true],
  ]);
});

/** Counts what is open. */
function counting(memory: { held: number }): { runtime: Runtime; opened: () => number; most: () => number } {
  const inner = referenceRuntime();
  let [open, opened, most] = [0, 0, 0];
  const runtime: Runtime = {
    ...inner,
    footprint: () => ({ opening: memory.held, open: memory.held, resting: memory.held }),
    async open(...args) {
      const session = await inner.open(...args);
      opened++;
      most = Math.max(most, ++open);
      return {
        ...session,
        async release() {
          open--;
          await session.release();
        },
      };
    },
  };
  return { runtime, opened: () => opened, most: () => most };
}

test.each([
  // [bytes of each session, all sessions opened in two runs, at once]
  [0, 5, 5],
  [1e6, 10, 1],
  // Two stay open, three are opened in both runs.
  [350, 8, 3],
])("sessions of %d bytes: %d opened, at most %d at once", async (held, opened, most) => {
  const step = stepOf(["in", "out"], [tensors[6]!, tensors.at(-8)!]);
  const counts = counting({ held });
  const session = openSegments(counts.runtime, segmented(step), new Map(), 1000);
  await session.run(feeds);
  await session.run(feeds);
  expect([counts.opened(), counts.most()]).toEqual([opened, most]);
  await session.release();
});

test("a loss alone costs the way there", async () => {
  const counts = counting({ held: 0 });
  const step = stepOf(["in", "out"], [tensors[6]!, tensors.at(-8)!]);
  const session = openSegments(counts.runtime, segmented(step), new Map(), 1000);
  await session.run(feeds, ["loss"]);
  // The last segment's way back has the loss.
  expect(counts.opened()).toBe(3);
  await session.release();
});

test.each([
  ["auto", 1e9, 1],
  ["auto", 1000, 5],
  ["on", 1e9, 5],
  ["off", 1000, 1],
] as const)("%s with %d bytes: %d sessions", async (segments, memory, sessions) => {
  const counts = counting({ held: 5000 });
  const step = stepOf(["in", "out"], [tensors[6]!, tensors.at(-8)!]);
  const session = await openStep(counts.runtime, step, new Map(), { segments, memory });
  expect(session.segments).toBe(segments === "auto" ? undefined : segments);
  const { loss } = await session.run(feeds);
  expect(loss!.data[0]).toBeGreaterThan(0);
  expect(session.segments).toBe(sessions === 1 ? "off" : "on");
  expect(counts.opened()).toBe(sessions);
  await session.release();
});

test("what does not fit is refused by the whole's own names", async () => {
  const session = openSegments(referenceRuntime(), segmented(stepOf(["out"], [tensors[4]!])), new Map());
  const target = { data: new Float64Array(8), shape: [2, 4, 1, 1] };
  await expect(session.run({ ...feeds, target })).rejects.toThrow("input target is [2, 4, 1, 1], needs");
});

test("a size that only borders mention is read from an input that the segment does not use", () => {
  const x = g.input("x", [h]);
  const wide = g.mul(g.input("wide", [b, mulDims(2, h)]), g.mul(g.concat([x, x], 0), g.input("scale", [1])));
  const border = g.mean(wide, [0]);
  const loss = g.mean(g.mul(border, border), [0]);
  const { segments } = segmented(stepGraph({ loss }, () => false, ["scale"], [border]));
  const names = segments.map(({ backward }) => backward!.inputs.map(({ attributes }) => attributes.name));
  expect(names[1]!.sort()).toEqual(["between 0", "gradient of loss", "x"]);
});
