/** @file Every gradient against central differences in float64, and on ONNX Runtime against the interpreter. */

import { describe, expect, test } from "vitest";
import type { DType } from "../base/dtype.ts";
import { addDims, type Dim, evaluateShape, floorDiv, mulDims, size } from "../graph/dim.ts";
import { type Graph, graphOf } from "../graph/graph.ts";
import * as g from "../graph/ops.ts";
import type { OpName, Tensor, TensorOf } from "../graph/tensor.ts";
import { verifyGraph } from "../graph/verify.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { referenceRuntime } from "../runtime/reference/interpreter.ts";
import { int64, type Runtime, type Value } from "../runtime/runtime.ts";
import { upstreamName, vjp } from "./gradients.ts";
import { gradientRules } from "./rules.ts";

const [b, h, w, s, t] = ["b", "h", "w", "s", "t"].map(size) as [Dim, Dim, Dim, Dim, Dim];
type Sides = readonly [number, number, number, number];
const image = [b, 4, h, w];
const tokens = [b, s, 6];
const half = (dim: Dim) => floorDiv(addDims(dim, 1), 2);
const around: Sides = [1, 1, 1, 1];
const below: Sides = [0, 0, 1, 1];

type Inputs = (shape: readonly Dim[], dtype?: DType) => Tensor;
type Case = (x: Inputs) => Tensor;
/** Away from 0, where log, sqrt and division have no bounded slope. */
const positive = (x: Tensor) => g.add(g.mul(x, x), g.scalar(0.3));

function transposed(x: Inputs, from: Dim[], kernel: number[], stride: number, padding: Sides, to: Dim[]) {
  return g.convTranspose2d(x([b, kernel[0]!, ...from]), x(kernel), { stride, padding, height: to[0]!, width: to[1]! });
}

const cases: { readonly [Op in Exclude<OpName, "input" | "weight" | "constant" | "extent" | "max">]: readonly Case[] } =
  {
    neg: [(x) => g.neg(x(tokens))],
    exp: [(x) => g.exp(x(tokens))],
    log: [(x) => g.log(positive(x(tokens)))],
    sqrt: [(x) => g.sqrt(positive(x(tokens)))],
    sin: [(x) => g.sin(x(tokens))],
    cos: [(x) => g.cos(x(tokens))],
    erf: [(x) => g.erf(x(tokens))],
    tanh: [(x) => g.tanh(x(tokens))],
    sigmoid: [(x) => g.sigmoid(x(tokens))],
    add: [(x) => g.add(x(image), x([4, 1, 1])), (x) => g.add(x([]), x(tokens))],
    sub: [(x) => g.sub(x([h, 1]), x([b, 1, w]))],
    mul: [
      (x) => g.mul(x(image), x([b, 4, 1, 1])),
      (x) => {
        const twice = x(tokens);
        return g.mul(twice, twice);
      },
    ],
    div: [(x) => g.div(x([b, 1, 6]), positive(x(tokens)))],
    sum: [(x) => g.sum(x(image), [1, 3]), (x) => g.sum(x(image), [0, 2], true)],
    mean: [(x) => g.mean(x(tokens), [2]), (x) => g.mean(x(image), [0, 2, 3], true)],
    reshape: [(x) => g.reshape(x(image), [mulDims(2, b), 2, mulDims(h, w)])],
    transpose: [(x) => g.transpose(x(image), [2, 0, 3, 1])],
    concat: [
      (x) => g.concat([x(image), x([b, 3, h, w])], 1),
      (x) => g.concat([x([b, s, 2]), x([b, t, 2]), x([b, 1, 2])], 1),
    ],
    slice: [
      (x) => g.slice(x(tokens), 2, 1, 4),
      (x) => g.slice(x(image), 2, floorDiv(h, 2), addDims(h, -1)),
      (x) => {
        const [value, gate] = g.split(x(tokens), 2, 2) as [Tensor, Tensor];
        return g.mul(g.sin(value), gate);
      },
    ],
    pad: [(x) => g.pad(x(image), [0, 1, -1, h], [2, 0, 1, -2])],
    expand: [(x) => g.expand(x([4, 1, w]), image)],
    gather: [(x) => g.gather(x([5, 3]), x([b, s], "i64")), (x) => g.gather(x([mulDims(b, h), 2]), x([t], "i64"))],
    scatterRows: [(x) => g.scatterRows(x([b, s], "i64"), x(tokens), 5)],
    resizeNearest: [
      (x) => g.doubled(x(image)),
      (x) => g.resizeNearest(x([b, 2, half(h), half(w)]), h, w),
      (x) => g.resizeNearest(x(image), h, addDims(w, w, -1)),
      (x) => g.resizeNearest(x([b, 2, 4, 1]), 7, 2),
    ],
    matmul: [
      (x) => g.matmul(x([b, 3, s, 4]), x([b, 3, 4, t])),
      (x) => g.matmul(x([b, s, 4]), x([t, 4]), { transposeB: true }),
      (x) => g.matmul(x([b, s, 4]), x([4, t])),
      (x) => g.matmul(x([s, 4]), x([b, 4, t])),
      (x) => g.matmul(x([b, 4, s]), x([4, t]), { transposeA: true }),
      (x) => g.matmul(x([b, 1, 4, s]), x([3, t, 4]), { transposeA: true, transposeB: true }),
    ],
    conv2d: [
      (x) => g.conv2d(x(image), x([3, 4, 3, 3]), x([3]), { stride: 1, padding: around }),
      (x) => g.conv2d(x(image), x([3, 4, 3, 3]), x([3]), { stride: 2, padding: around }),
      (x) => g.conv2d(x(image), x([3, 4, 3, 3]), undefined, { stride: 2, padding: below }),
      (x) => g.conv2d(x(image), x([3, 4, 1, 1]), x([3]), { stride: 1, padding: [0, 0, 0, 0] }),
      (x) => g.conv2d(x(image), x([3, 4, 2, 3]), undefined, { stride: 3, padding: [1, 0, 2, 1] }),
      (x) => g.conv2d(x(image), x([3, 4, 1, 1]), undefined, { stride: 2, padding: [0, 0, 0, 0] }),
    ],
    convTranspose2d: [
      (x) => transposed(x, [h, w], [4, 3, 3, 3], 1, around, [h, w]),
      (x) => transposed(x, [half(h), half(w)], [4, 3, 3, 3], 2, around, [h, w]),
      (x) => transposed(x, [floorDiv(h, 2), floorDiv(w, 2)], [4, 3, 3, 3], 2, below, [h, w]),
    ],
    linear: [(x) => g.linear(x(tokens), x([5, 6]), x([5])), (x) => g.linear(x([b, 6]), x([5, 6]))],
    silu: [(x) => g.silu(x(image))],
    gelu: [(x) => g.gelu(x(tokens))],
    quickGelu: [(x) => g.quickGelu(x(tokens))],
    softmax: [(x) => g.softmax(x(tokens))],
    standardise: [(x) => g.standardise(x([b, h, t]), 1e-2)],
    inverseDeviation: [(x) => g.inverseDeviation(x([b, h, t]), 1e-2)],
    layerNorm: [(x) => g.layerNorm(x(tokens), x([6]), x([6]), 1e-2)],
    groupNorm: [
      (x) => g.groupNorm(x(image), x([4]), x([4]), 2, 1e-2),
      (x) => g.groupNorm(x([b, 6, s]), x([6]), x([6]), 3, 1e-2),
      (x) => g.groupNorm(x([b, 6]), x([6]), x([6]), 2, 1e-2),
    ],
    attention: [
      (x) => g.attention(x([b, s, 8]), x([b, t, 8]), x([b, t, 8]), 2),
      (x) => g.attention(x([b, 5, 8]), x([b, 5, 8]), x([b, 5, 8]), 4, true),
      (x) => {
        const own = x(tokens);
        return g.attention(own, own, own, 1);
      },
    ],
  };

/** Odd and even sides, which strides, halves and copies treat differently. */
const runs = [
  { b: 2, h: 5, w: 4, s: 3, t: 7 },
  { b: 1, h: 4, w: 7, s: 5, t: 2 },
];

const exact = referenceRuntime();
const fast = onnxRuntime({ threads: 1 });
const none = new Map();

/** Reproducible numbers in -2 … 2, neither round nor equal; rounded to float32, so that both runtimes see the same. */
function wave(count: number, phase: number): Float64Array {
  const at = (i: number) => Math.fround(2 * Math.sin(phase + i * 1.7) * Math.cos(i * 0.3 + phase * 2));
  return Float64Array.from({ length: count }, (_, i) => at(i));
}

type Feeds = Record<string, { data: Float64Array; shape: readonly number[] } | Value>;

/** The case's result, its inputs, numbers for them, and outputs that every named size can be read from. */
function prepared(build: Case, sizes: Record<string, number>) {
  const feeds: Feeds = {};
  const feed = (name: string, shape: readonly Dim[], dtype: DType, phase: number) => {
    const extents = evaluateShape(shape, new Map(Object.entries(sizes)));
    const count = extents.reduce((product, n) => product * n, 1);
    const ids = Array.from({ length: count }, (_, i) => (i * 7) % 5);
    feeds[name] = dtype === "i64" ? int64(ids, extents) : { data: wave(count, phase), shape: extents };
    return g.input(name, shape, dtype);
  };
  const inputs: Tensor[] = [];
  const y = build((shape, dtype = "f32") => {
    inputs.push(feed(`x${inputs.length}`, shape, dtype, inputs.length));
    return inputs.at(-1)!;
  });
  feed(upstreamName("y"), y.shape, "f32", 9);
  const anchors: Record<string, Tensor> = {};
  for (const name of Object.keys(sizes))
    anchors[`anchor ${name}`] = g.neg(feed(`size ${name}`, [size(name)], "f32", 0));
  return { y, inputs, feeds, anchors };
}

async function evaluated(runtime: Runtime, graph: Graph, feeds: Feeds): Promise<Record<string, Float64Array>> {
  const session = await runtime.open(graph, none);
  const fed = graph.inputs.map(({ attributes: { name } }) => [name, feeds[name]!] as const);
  const results = await session.run(Object.fromEntries(fed));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Float64Array.from(data as Float64Array)]),
  );
}

const dot = (a: Float64Array, c: Float64Array): number => a.reduce((sum, v, i) => sum + v * c[i]!, 0);

const STEP = 1e-5;
// A third derivative of about 100 times STEP²; rounding, 1e-16 of sums of about 100, over STEP, is less.
const DIFFERENCE_BOUND = 1e-8;
// Float32 sums of a few dozen terms of size 10.
const FLOAT32_BOUND = 2e-5;

describe.each(Object.entries(cases))("%s", (op, list) => {
  test.each(list.flatMap((build, i) => runs.map((sizes) => ({ i, sizes, build }))))(
    "case $i, $sizes",
    async ({ sizes, build }) => {
      const { y, inputs, feeds, anchors } = prepared(build, sizes);
      const forward = graphOf({ y, ...anchors });
      expect(forward.tensors.some((tensor) => tensor.op === op)).toBe(true);
      const wanted = inputs.filter(({ dtype }) => dtype === "f32");
      const { gradients } = vjp(new Map([["y", y]]), wanted);
      expect([...gradients.keys()]).toEqual(wanted);
      const byName = wanted.map((x) => [`d${nameOf(x)}`, gradients.get(x)!] as const);
      const backward = graphOf({ ...Object.fromEntries(byName), ...anchors });
      verifyGraph(backward);
      const ours = await evaluated(exact, backward, feeds);
      const kernels = await evaluated(fast, backward, feeds);

      const upstream = feeds[upstreamName("y")]!.data as Float64Array;
      for (const [k, name] of wanted.map(nameOf).entries()) {
        const { data, shape } = feeds[name]! as { data: Float64Array; shape: readonly number[] };
        const direction = wave(data.length, 5 + k);
        const moved = async (step: number) => {
          const fed = { ...feeds, [name]: { data: data.map((v, i) => v + step * direction[i]!), shape } };
          return dot((await evaluated(exact, forward, fed)).y!, upstream);
        };
        const slope = ((await moved(STEP)) - (await moved(-STEP))) / (2 * STEP);
        const along = dot(ours[`d${name}`]!, direction);
        const error = Math.abs(along - slope) / Math.max(1, Math.abs(slope));
        expect(error, `${name}: ${along} against ${slope}`).toBeLessThan(DIFFERENCE_BOUND);
        const differences = kernels[`d${name}`]!.map((v, i) => Math.abs(v - ours[`d${name}`]![i]!));
        expect(Math.max(...differences), `${name} on ONNX Runtime`).toBeLessThan(FLOAT32_BOUND);
      }
    },
  );
});

function nameOf(tensor: Tensor): string {
  return (tensor as TensorOf<"input">).attributes.name;
}

test("every op has a case here, or says why it has no gradient", () => {
  const without = Object.entries(gradientRules).filter(([op]) => !(op in cases));
  expect(without.map(([op, rule]) => [op, typeof rule === "function" ? "a rule without a case" : rule.none])).toEqual([
    ["input", "nothing stands behind it"],
    ["weight", "nothing stands behind it"],
    ["constant", "nothing stands behind it"],
    ["extent", "nothing stands behind it"],
    ["max", "it serves only to keep softmax in range, which has a rule of its own"],
  ]);
});
