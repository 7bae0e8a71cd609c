/** @file Pairs beside layers against the same network with their product in the weight, in float64. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { size } from "../graph/dim.ts";
import { graphOf } from "../graph/graph.ts";
import * as g from "../graph/ops.ts";
import { substitute } from "../graph/substitute.ts";
import type { Tensor } from "../graph/tensor.ts";
import { verifyGraph } from "../graph/verify.ts";
import { referenceRuntime } from "../runtime/reference/interpreter.ts";
import type { Value } from "../runtime/runtime.ts";
import { gradientName, stepGraph } from "../training/learner/step-graph.ts";
import { initialLoraValues, type LoraShape, loraName, withLora } from "./lora.ts";

const strength = g.input("strength", []);

/** All weights as inputs, so that nothing needs a file. */
const asInputs = (outputs: Record<string, Tensor>) =>
  substitute(outputs, (t) => (t.op === "weight" ? g.input(t.attributes.name, t.shape) : undefined));

function values(shape: readonly number[], seed: number): Value {
  const length = shape.reduce((product, n) => product * n, 1);
  return { data: Float64Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) * seed)), shape };
}

/** W + strength * alpha/rank * up × (middle ×) down, as the networks that merge LoRAs compute it. */
function merged(weight: Tensor, { rank, alpha, middle }: LoraShape, name: string): Tensor {
  const [o, c, kh = 1, kw = 1] = weight.shape as [number, number, number?, number?];
  const conv = weight.shape.length === 4;
  const taps = kh * kw;
  const input = (role: "down" | "up" | "middle", shape: number[]) => g.input(`m ${loraName(name, role)}`, shape);
  const up = g.reshape(input("up", conv ? [o, rank, 1, 1] : [o, rank]), [o, rank]);
  const downShape = middle ? [rank, c, 1, 1] : conv ? [rank, c, kh, kw] : [rank, c];
  let product: Tensor;
  if (middle) {
    // [o, r] × [r, r' taps] gives [o, r', taps]; its taps first, × [r', c].
    const core = g.matmul(up, g.reshape(input("middle", [rank, rank, kh, kw]), [rank, rank * taps]));
    const byTap = g.transpose(g.reshape(core, [o, rank, taps]), [0, 2, 1]);
    const whole = g.matmul(byTap, g.reshape(input("down", downShape), [rank, c]));
    product = g.transpose(whole, [0, 2, 1]);
  } else product = g.matmul(up, g.reshape(input("down", downShape), [rank, c * taps]));
  const scale = g.mul(strength, g.scalar(alpha / rank));
  return g.add(weight, g.mul(scale, g.reshape(product, weight.shape)));
}

const x = g.input("x", [size("b"), 5, 7, 6]);
const tokens = g.input("tokens", [size("b"), 3, 4]);
const bias = g.weight("bias", [3]);
const layers: Record<string, Tensor> = {
  "linear, with a bias": g.linear(tokens, g.weight("w.weight", [3, 4]), bias),
  "two layers of one weight": g.linear(
    g.silu(g.linear(tokens, g.weight("w.weight", [4, 4]))),
    g.weight("w.weight", [4, 4]),
  ),
  "3x3": g.conv2d(x, g.weight("w.weight", [3, 5, 3, 3]), bias, { stride: 1, padding: [1, 1, 1, 1] }),
  "3x3 that halves": g.conv2d(x, g.weight("w.weight", [3, 5, 3, 3]), bias, { stride: 2, padding: [0, 0, 1, 1] }),
  "1x1": g.conv2d(x, g.weight("w.weight", [3, 5, 1, 1]), bias, { stride: 1, padding: [0, 0, 0, 0] }),
};

test.each(
  Object.entries(layers).flatMap(([name, y]) =>
    [false, true].filter((middle) => !middle || name.includes("x")).map((middle) => [name, middle, y] as const),
  ),
)("%s: a pair beside the layer is its product in the weight (middle: %s)", async (_name, middle, y) => {
  const shape: LoraShape = { rank: 2, alpha: 1.5, middle };
  const beside = withLora({ y }, new Map([["w.weight", shape]]), { strength });
  const graph = graphOf(asInputs(beside.outputs));
  verifyGraph(graph);
  const inside = graphOf(
    asInputs(
      substitute({ y }, (t) =>
        t.op === "weight" && t.attributes.name === "w.weight" ? merged(t, shape, "w.weight") : undefined,
      ),
    ),
  );
  const feeds: Record<string, Value> = { strength: { data: Float64Array.of(0.7), shape: [] } };
  for (const [i, { attributes, shape: own }] of graph.inputs.entries()) {
    const sizes = own.map((dim) => (typeof dim === "number" ? dim : 2));
    feeds[attributes.name] ??= values(sizes, i + 1);
    feeds[`m ${attributes.name}`] = feeds[attributes.name]!;
  }
  // The weights that are trained are leaves of one name in one graph and another in the other.
  const runtime = referenceRuntime();
  const [ours, theirs] = await Promise.all(
    [graph, inside].map(async (one) => (await (await runtime.open(one, new Map())).run(feeds)).y!.data),
  );
  const [our, their] = [Float64Array.from(ours as Float64Array), Float64Array.from(theirs as Float64Array)];
  const largest = Math.max(...their.map(Math.abs));
  // Sums of at most 50 products in float64, in another order.
  for (const [i, value] of their.entries()) expect(Math.abs(value - our[i]!)).toBeLessThan(1e-13 * largest);
});

test("a layer that is no target is kept; parameters have their layer's name", () => {
  const hidden = g.linear(tokens, g.weight("frozen.weight", [4, 4]));
  const y = g.linear(hidden, g.weight("w.weight", [3, 4]));
  const targets = new Map([
    ["w.weight", { rank: 2, alpha: 2 }],
    ["elsewhere.weight", { rank: 2, alpha: 2 }],
  ]);
  const { outputs, parameters } = withLora({ y, hidden }, targets, { asInputs: true, prefix: "a." });
  expect(outputs.hidden).toBe(hidden);
  expect(parameters).toEqual([
    { name: "a.w.lora_down.weight", shape: [2, 4], role: "down", target: "w.weight" },
    { name: "a.w.lora_up.weight", shape: [3, 2], role: "up", target: "w.weight" },
  ]);
  expect(graphOf(outputs).inputs.map(({ attributes }) => attributes.name)).toEqual([
    "tokens",
    "a.w.lora_down.weight",
    "a.w.lora_up.weight",
  ]);
});

test("a second LoRA stands beside the first", () => {
  const y = g.linear(tokens, g.weight("w.weight", [3, 4]));
  const targets = new Map([["w.weight", { rank: 1, alpha: 1 }]]);
  const once = withLora({ y }, targets, { prefix: "0." });
  const twice = withLora(once.outputs, targets, { prefix: "1." });
  expect(
    graphOf(twice.outputs)
      .weights.map(({ attributes }) => attributes.name)
      .sort(),
  ).toEqual(["0.w.lora_down.weight", "0.w.lora_up.weight", "1.w.lora_down.weight", "1.w.lora_up.weight", "w.weight"]);
});

test.each([0, -1, 1.5, Number.NaN])("rank %s is refused by its layer's name", (rank) => {
  expect(() => withLora({}, new Map([["w.weight", { rank, alpha: 1 }]]))).toThrow(`rank ${rank} for w.weight`);
});

test("first values: up is zero, down is uniform within 1/√fan-in", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 3), (r, c, k) => {
      const down = { name: "", target: "", role: "down" as const, shape: [r, c, k, k] };
      const reach = Math.fround(1 / Math.sqrt(c * k * k));
      const ends = [0, 1].map((u) => initialLoraValues(down, () => u)[0]!);
      expect(ends).toEqual([-reach, reach]);
      expect(initialLoraValues({ ...down, role: "up" }, Math.random).every((v) => v === 0)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test("a step of training has the pairs' gradients and not the weights'", async () => {
  const frozen = { stride: 2, padding: [1, 1, 1, 1] } as const;
  const h = g.conv2d(x, g.weight("conv.weight", [4, 5, 3, 3]), undefined, frozen);
  const y = g.linear(g.tokensOf(h), g.weight("w.weight", [3, 4]));
  const loss = g.mean(g.mul(y, y), [0, 1, 2]);
  const targets = new Map(["conv", "w"].map((name) => [`${name}.weight`, { rank: 2, alpha: 1 }]));
  const { outputs, parameters } = withLora({ loss }, targets);
  const step = stepGraph({ loss: outputs.loss! }, (name) => name.includes(".lora_"));
  expect([...step.parameters]).toEqual(parameters.map(({ name, shape }) => [name, shape]));
  const graph = graphOf(asInputs(Object.fromEntries(step.graph.outputs)));
  const session = await referenceRuntime().open(graph, new Map());
  const feeds = Object.fromEntries(
    graph.inputs.map(({ attributes: { name }, shape }, i) => [
      name,
      values(
        shape.map((dim) => (typeof dim === "number" ? dim : 2)),
        i + 1,
      ),
    ]),
  );
  const results = await session.run(feeds);
  for (const { name } of parameters) {
    const numbers = feeds[name]!.data as Float64Array;
    const lossWith = async (delta: number) => {
      const moved = numbers.map((value, i) => (i === 1 ? value + delta : value));
      return Number((await session.run({ ...feeds, [name]: { ...feeds[name]!, data: moved } })).loss!.data[0]);
    };
    const slope = ((await lossWith(1e-4)) - (await lossWith(-1e-4))) / 2e-4;
    const gradient = Number(results[gradientName(name)]!.data[1]);
    // A central difference of a smooth function in float64: 1e-8 of its third derivative, which is near its first.
    expect(Math.abs(gradient - slope)).toBeLessThan(1e-6 * Math.abs(slope));
  }
});
