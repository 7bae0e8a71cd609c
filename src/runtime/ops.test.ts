/** @file Every op: ONNX Runtime's kernels against the float64 interpreter, on shapes that a run decides. */

import { describe, expect, test } from "vitest";
import type { DType } from "../base/dtype.ts";
import { decompositions } from "../graph/decompose.ts";
import { addDims, type Dim, evaluateShape, floorDiv, mulDims, size } from "../graph/dim.ts";
import { graphOf } from "../graph/graph.ts";
import * as g from "../graph/ops.ts";
import type { OpName, Tensor } from "../graph/tensor.ts";
import { verifyGraph } from "../graph/verify.ts";
import { onnxRuntime } from "./onnx/session.ts";
import { referenceRuntime } from "./reference/interpreter.ts";
import { int64, type Values } from "./runtime.ts";

const fast = onnxRuntime({ threads: 1 });
const exact = referenceRuntime();
const none = new Map();

/** Reproducible values that are neither round nor equal, in about -2 … 2. */
function wave(count: number, phase: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 2 * Math.sin(phase + i * 1.7) * Math.cos(i * 0.3 + phase * 2));
}

function positive(count: number, phase: number): Float32Array {
  return wave(count, phase).map((v) => 0.2 + v * v);
}

const h = size("h");
const w = size("w");
const sizes: Record<string, number> = { b: 2, h: 5, w: 7, s: 6, t: 9 };
const b = size("b");
const s = size("s");
const t = size("t");

type Feed = (count: number, phase: number) => Float32Array;
type Case = { build: (x: (shape: Dim[], dtype?: DType) => Tensor) => Tensor; feed?: Feed; bound?: number };

function transposed(y: Tensor, kernel: Tensor, stride: number, padding: [number, number, number, number], to: Dim[]) {
  return g.convTranspose2d(y, kernel, { stride, padding, height: to[0]!, width: to[1]! });
}

const image = [b, 8, h, w];
const wide = [b, 32, h, w];
const tokens = [b, s, 8];

/** One or more graphs an op. A new op without a case fails below. */
const cases: Record<Exclude<OpName, "input" | "weight">, Case[]> = {
  constant: [{ build: (x) => g.add(x(tokens), g.constant([1, 2, 3, 4, 5, 6, 7, 8])) }],
  extent: [{ build: (x) => g.mul(x(tokens), g.extent(mulDims(h, addDims(w, 1)))) }],
  neg: [{ build: (x) => g.neg(x(tokens)) }],
  exp: [{ build: (x) => g.exp(x(tokens)) }],
  log: [{ build: (x) => g.log(x(tokens)), feed: positive }],
  sqrt: [{ build: (x) => g.sqrt(x(tokens)), feed: positive }],
  sin: [{ build: (x) => g.sin(x(tokens)) }],
  cos: [{ build: (x) => g.cos(x(tokens)) }],
  erf: [{ build: (x) => g.erf(x(tokens)) }],
  tanh: [{ build: (x) => g.tanh(x(tokens)) }],
  sigmoid: [{ build: (x) => g.sigmoid(x(tokens)) }],
  add: [{ build: (x) => g.add(x(image), x([8, 1, 1])) }],
  sub: [{ build: (x) => g.sub(x([h, 1]), x([b, 1, w])) }],
  mul: [
    { build: (x) => g.mul(x(image), x([b, 8, 1, 1])) },
    {
      // Both of one kernel.
      build: (x) => {
        const one = x([b, s, t]);
        return g.mul(g.standardise(one, 1e-3), g.inverseDeviation(one, 1e-3));
      },
    },
  ],
  div: [{ build: (x) => g.div(x(image), x(image)), feed: positive }],
  sum: [{ build: (x) => g.sum(x(image), [1, 3]) }, { build: (x) => g.sum(x(image), [0], true) }],
  mean: [{ build: (x) => g.mean(x(tokens), [2], true) }, { build: (x) => g.mean(x(image), [2, 3]) }],
  max: [{ build: (x) => g.max(x(image), [2], true) }],
  reshape: [
    { build: (x) => g.reshape(x(image), [b, 4, mulDims(2, h, w)]) },
    { build: (x) => g.reshape(x([b, 8, mulDims(h, w)]), image) },
  ],
  transpose: [{ build: (x) => g.transpose(x(image), [0, 2, 3, 1]) }],
  concat: [{ build: (x) => g.concat([x(image), x([b, 3, h, w])], 1) }],
  slice: [
    { build: (x) => g.slice(x(tokens), 2, 4, 8) },
    { build: (x) => g.slice(x(image), 2, floorDiv(h, 2), addDims(h, -1)) },
  ],
  pad: [
    { build: (x) => g.pad(x(tokens), [0, 2, 0], [0, 1, 3]) },
    { build: (x) => g.pad(x(image), [0, 0, -1, addDims(h, -4)], [0, -3, addDims(w, -6), 0]) },
  ],
  expand: [{ build: (x) => g.expand(x([8, 1, w]), image) }, { build: (x) => g.expand(x([]), tokens) }],
  gather: [{ build: (x) => g.gather(x([11, 4]), x([b, s], "i64")) }],
  scatterRows: [
    { build: (x) => g.scatterRows(x([b, s], "i64"), x(tokens), 11) },
    { build: (x) => g.scatterRows(x([t], "i64"), x([t]), mulDims(b, s)) },
    { build: (x) => g.scatterRows(x([b, s, t], "i64"), x([b, s, t, 3]), 11) },
  ],
  resizeNearest: [
    { build: (x) => g.doubled(x(image)) },
    { build: (x) => g.resizeNearest(x(image), addDims(mulDims(2, h), -1), addDims(w, w, 1)) },
    { build: (x) => g.resizeNearest(x(image), h, w) },
  ],
  matmul: [
    { build: (x) => g.matmul(x([b, 3, s, 4]), x([b, 3, 4, t])) },
    { build: (x) => g.matmul(x([b, s, 4]), x([t, 4]), { transposeB: true }) },
    { build: (x) => g.matmul(x([b, s, 4]), x([b, t, 4]), { transposeB: true }) },
    { build: (x) => g.matmul(x([b, 4, s]), x([b, 4, t]), { transposeA: true }) },
    { build: (x) => g.matmul(x([b, 1, 4, s]), x([3, t, 4]), { transposeA: true, transposeB: true }) },
  ],
  conv2d: [
    { build: (x) => g.conv2d(x(image), x([6, 8, 3, 3]), x([6]), { stride: 1, padding: [1, 1, 1, 1] }) },
    { build: (x) => g.conv2d(x(image), x([6, 8, 3, 3]), x([6]), { stride: 2, padding: [1, 1, 1, 1] }) },
    { build: (x) => g.conv2d(x(image), x([6, 8, 3, 3]), undefined, { stride: 2, padding: [0, 0, 1, 1] }) },
    { build: (x) => g.conv2d(x(image), x([4, 8, 1, 1]), x([4]), { stride: 1, padding: [0, 0, 0, 0] }) },
    // Channels that blocks of 8 and of 16 divide; sums of 288 products.
    { build: (x) => g.conv2d(x(wide), x([16, 32, 3, 3]), x([16]), { stride: 1, padding: [1, 1, 1, 1] }), bound: 5e-5 },
    {
      build: (x) => g.conv2d(x(wide), x([48, 32, 3, 3]), undefined, { stride: 2, padding: [0, 0, 1, 1] }),
      bound: 5e-5,
    },
    { build: (x) => g.conv2d(x(wide), x([16, 32, 1, 1]), x([16]), { stride: 1, padding: [0, 0, 0, 0] }) },
  ],
  convTranspose2d: [
    { build: (x) => transposed(x(image), x([8, 6, 3, 3]), 1, [1, 1, 1, 1], [h, w]) },
    { build: (x) => transposed(x(wide), x([32, 48, 3, 3]), 1, [1, 1, 1, 1], [h, w]), bound: 5e-5 },
    { build: (x) => transposed(x(wide), x([32, 16, 1, 1]), 1, [0, 0, 0, 0], [h, w]) },
    {
      build: (x) =>
        transposed(x([b, 8, floorDiv(addDims(h, 1), 2), w]), x([8, 6, 3, 1]), 2, [1, 0, 1, 0], [h, addDims(w, w)]),
    },
    { build: (x) => transposed(x([b, 8, h, w]), x([8, 6, 3, 3]), 2, [1, 1, 1, 1], [addDims(h, h), addDims(w, w, -1)]) },
    { build: (x) => transposed(x([b, 8, h, w]), x([8, 6, 3, 3]), 2, [0, 0, 1, 1], [addDims(h, h), addDims(w, w, 1)]) },
  ],
  linear: [{ build: (x) => g.linear(x(tokens), x([5, 8]), x([5])) }, { build: (x) => g.linear(x([b, 8]), x([5, 8])) }],
  silu: [{ build: (x) => g.silu(x(image)) }],
  gelu: [{ build: (x) => g.gelu(x(tokens)) }],
  quickGelu: [{ build: (x) => g.quickGelu(x(tokens)) }],
  softmax: [{ build: (x) => g.softmax(x(tokens)) }],
  standardise: [{ build: (x) => g.standardise(x(tokens), 1e-5) }, { build: (x) => g.standardise(x([b, h, t]), 1e-3) }],
  inverseDeviation: [{ build: (x) => g.inverseDeviation(x(tokens), 1e-5) }],
  layerNorm: [{ build: (x) => g.layerNorm(x(tokens), x([8]), x([8]), 1e-5) }],
  groupNorm: [
    { build: (x) => g.groupNorm(x(image), x([8]), x([8]), 4, 1e-6) },
    { build: (x) => g.groupNorm(x([b, 8, s]), x([8]), x([8]), 2, 1e-6) },
  ],
  attention: [
    { build: (x) => g.attention(x([b, s, 8]), x([b, t, 8]), x([b, t, 8]), 2) },
    { build: (x) => g.attention(x([b, 6, 8]), x([b, 6, 8]), x([b, 6, 8]), 4, true) },
    { build: (x) => g.attention(x([b, s, 8]), x([b, s, 8]), x([b, s, 8]), 1) },
  ],
};

// Every named size needs an axis to be read from, whether the case uses it or not.
const anchors = Object.keys(sizes).map((name) => g.input(`size ${name}`, [size(name)]));

function graphAndFeeds({ build, feed = wave }: Case) {
  const feeds: Record<string, Values[string]> = {};
  const evaluate = (shape: readonly Dim[]) => evaluateShape(shape, new Map(Object.entries(sizes)));
  const result = build((shape, dtype = "f32") => {
    const name = `x${Object.keys(feeds).length}`;
    const extents = evaluate(shape);
    const count = extents.reduce((product, n) => product * n, 1);
    const ids = Array.from({ length: count }, (_, i) => (i * 7) % 11);
    const data = feed(count, Object.keys(feeds).length);
    feeds[name] = dtype === "i64" ? int64(ids, extents) : { data, shape: extents };
    return g.input(name, shape, dtype);
  });
  for (const [name, value] of Object.entries(sizes)) feeds[`size ${name}`] = { data: wave(value, 0), shape: [value] };
  const all: Record<string, Tensor> = { result };
  anchors.forEach((anchor, i) => {
    all[`anchor${i}`] = g.neg(anchor);
  });
  return { graph: graphOf(all), feeds };
}

function worst(ours: ArrayLike<number | bigint>, theirs: ArrayLike<number | bigint>): number {
  let error = 0;
  for (let i = 0; i < theirs.length; i++) error = Math.max(error, Math.abs(Number(ours[i]) - Number(theirs[i])));
  return error;
}

// Float32 sums of a few dozen terms of size 2: rounding stays below 1e-5.
const BOUND = 1e-5;

describe.each(Object.entries(cases))("%s", (op, list) => {
  test.each(list.map((c, i) => [i, c] as const))("case %i", async (_i, one) => {
    const { graph, feeds } = graphAndFeeds(one);
    verifyGraph(graph);
    expect(graph.tensors.some((tensor) => tensor.op === op)).toBe(true);
    const [a, e] = await Promise.all([fast.open(graph, none), exact.open(graph, none)]);
    const ours = (await a.run(feeds, ["result"])).result!;
    const theirs = (await e.run(feeds, ["result"])).result!;
    await a.release();
    expect(ours.shape).toEqual(theirs.shape);
    expect(ours.data.length).toBeGreaterThan(0);
    expect(worst(ours.data, theirs.data)).toBeLessThan(one.bound ?? BOUND);
  });
});

describe.each(Object.keys(decompositions))("the decomposition of %s", (op) => {
  test("is its kernel's value in plain ops of the same shape", async () => {
    for (const one of cases[op as keyof typeof cases]) {
      const { graph, feeds } = graphAndFeeds(one);
      const composite = graph.outputs.get("result")!;
      expect(composite.op).toBe(op);
      const plain = expand(composite);
      const outputs = Object.fromEntries([...graph.outputs].filter(([name]) => name !== "result"));
      const decomposed = graphOf({ ...outputs, result: plain });
      verifyGraph(decomposed);
      expect(decomposed.tensors.map((tensor) => tensor.op)).not.toContain(op);
      const [kernel, parts] = await Promise.all([fast.open(graph, none), fast.open(decomposed, none)]);
      const ours = (await parts.run(feeds, ["result"])).result!;
      const theirs = (await kernel.run(feeds, ["result"])).result!;
      expect(ours.shape).toEqual(theirs.shape);
      expect(worst(ours.data, theirs.data)).toBeLessThan(BOUND);
    }
  });
});

/** The tensor with every composite in it replaced, at any depth. */
function expand(tensor: Tensor): Tensor {
  const decompose = (decompositions as Record<string, (x: Tensor) => Tensor>)[tensor.op];
  if (decompose) return expand(decompose(tensor));
  if (tensor.inputs.length === 0) return tensor;
  return g.makeTensor(tensor.op as never, tensor.inputs.map(expand), tensor.attributes as never);
}

test("a row that many ids name gets all that they add, on several threads", async () => {
  const [n, width] = [2000, 64];
  const graph = graphOf({ y: g.scatterRows(g.input("ids", [n], "i64"), g.input("values", [n, width]), 3) });
  const session = await onnxRuntime({ threads: 2 }).open(graph, none);
  const ids = Array.from({ length: n }, (_, i) => i % 3);
  const values = { data: new Float32Array(n * width).fill(1), shape: [n, width] };
  const { y } = await session.run({ ids: int64(ids, [n]), values });
  const rows = [0, 1, 2].map((row) => [...y!.data.slice(row * width, (row + 1) * width)]);
  expect(rows).toEqual([667, 667, 666].map((count) => new Array<number>(width).fill(count)));
});

test("what is fed must fit, and the message names the input and both shapes", async () => {
  const x = g.input("x", [b, 4]);
  const session = await fast.open(graphOf({ y: g.neg(x) }), none);
  const feed = (shape: number[]) => session.run({ x: { data: wave(8, 0), shape } });
  await expect(feed([4, 2])).rejects.toThrow("input x is [4, 2], needs [b, 4]");
  await expect(feed([3, 4])).rejects.toThrow("input x is [3, 4], needs [b, 4]");
  await expect(session.run({})).rejects.toThrow("input x [b, 4] is not fed");
});

test("a missing weight is named", async () => {
  const graph = graphOf({ y: g.linear(g.input("x", [b, 4]), g.weight("layer.weight", [3, 4])) });
  for (const runtime of [fast, exact]) {
    await expect(runtime.open(graph, none)).rejects.toMatchObject({
      code: "missing_weight",
      message: "the checkpoint has no layer.weight",
    });
  }
});
