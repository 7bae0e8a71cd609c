/** @file The way of a gradient through a graph: only what leads to something wanted, every use counted, nothing silent. */

import { expect, test } from "vitest";
import { addDims, size } from "../graph/dim.ts";
import { graphOf } from "../graph/graph.ts";
import * as g from "../graph/ops.ts";
import { printGraph } from "../graph/print.ts";
import type { Tensor } from "../graph/tensor.ts";
import { verifyGraph } from "../graph/verify.ts";
import { referenceRuntime } from "../runtime/reference/interpreter.ts";
import type { Values } from "../runtime/runtime.ts";
import { gradients, upstreamName, vjp } from "./gradients.ts";

const b = size("b");
const x = g.input("x", [b, 3]);

async function evaluate(tensor: Tensor, feeds: Record<string, number[]>): Promise<number[]> {
  const fed: Values = Object.fromEntries(
    graphOf({ tensor }).inputs.map(({ attributes: { name }, shape }) => {
      const data = Float64Array.from(feeds[name]!);
      return [name, { data, shape: shape.length === 2 ? [data.length / 3, 3] : shape.map(() => data.length) }];
    }),
  );
  const session = await referenceRuntime().open(graphOf({ tensor }), new Map());
  return [...(await session.run(fed)).tensor!.data].map(Number);
}

/** Two layers and their squared error. */
function network() {
  const first = { weight: g.weight("first.weight", [4, 3]), bias: g.weight("first.bias", [4]) };
  const second = { weight: g.weight("second.weight", [1, 4]), bias: g.weight("second.bias", [1]) };
  const hidden = g.tanh(g.linear(x, first.weight, first.bias));
  const error = g.sub(g.linear(hidden, second.weight, second.bias), g.input("target", [b, 1]));
  return { first, second, loss: g.mean(g.mul(error, error), [0, 1]) };
}

test("behind what is wanted nothing is built: the first layer is frozen", () => {
  const { second, loss } = network();
  const graph = graphOf({ gradient: gradients(loss, [second.weight]).get(second.weight)! });
  verifyGraph(graph);
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "%0 = constant(values=[1]) : f32[]
    %1 = extent(of=b) : f32[]
    %2 = div(%0, %1) : f32[]
    %3 = reshape(%2) : f32[1, 1]
    %4 = expand(%3, shape=[b 1]) : f32[b, 1]
    %5 = input(x) : f32[b, 3]
    %6 = weight(first.weight) : f32[4, 3]
    %7 = weight(first.bias) : f32[4]
    %8 = linear(%5, %6, %7) : f32[b, 4]
    %9 = tanh(%8) : f32[b, 4]
    %10 = weight(second.weight) : f32[1, 4]
    %11 = weight(second.bias) : f32[1]
    %12 = linear(%9, %10, %11) : f32[b, 1]
    %13 = input(target) : f32[b, 1]
    %14 = sub(%12, %13) : f32[b, 1]
    %15 = mul(%4, %14) : f32[b, 1]
    %16 = mul(%4, %14) : f32[b, 1]
    %17 = add(%15, %16) : f32[b, 1]
    %18 = matmul(%17, %9, transposeA=true, transposeB=false) : f32[1, 4]
    return gradient = %18"
  `);
});

test("through a frozen layer to a wanted one: no gradient of the frozen weights", () => {
  const { first, loss } = network();
  const graph = graphOf({ gradient: gradients(loss, [first.bias]).get(first.bias)! });
  verifyGraph(graph);
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "%0 = constant(values=[1]) : f32[]
    %1 = extent(of=b) : f32[]
    %2 = div(%0, %1) : f32[]
    %3 = reshape(%2) : f32[1, 1]
    %4 = expand(%3, shape=[b 1]) : f32[b, 1]
    %5 = input(x) : f32[b, 3]
    %6 = weight(first.weight) : f32[4, 3]
    %7 = weight(first.bias) : f32[4]
    %8 = linear(%5, %6, %7) : f32[b, 4]
    %9 = tanh(%8) : f32[b, 4]
    %10 = weight(second.weight) : f32[1, 4]
    %11 = weight(second.bias) : f32[1]
    %12 = linear(%9, %10, %11) : f32[b, 1]
    %13 = input(target) : f32[b, 1]
    %14 = sub(%12, %13) : f32[b, 1]
    %15 = mul(%4, %14) : f32[b, 1]
    %16 = mul(%4, %14) : f32[b, 1]
    %17 = add(%15, %16) : f32[b, 1]
    %18 = matmul(%17, %10, transposeA=false, transposeB=false) : f32[b, 4]
    %19 = constant(values=[1]) : f32[]
    %20 = mul(%9, %9) : f32[b, 4]
    %21 = sub(%19, %20) : f32[b, 4]
    %22 = mul(%18, %21) : f32[b, 4]
    %23 = sum(%22, axes=[0], keepDims=false) : f32[4]
    return gradient = %23"
  `);
});

test("tensors of one weight are one parameter, and every use counts", async () => {
  const uses = [g.weight("w", [3]), g.weight("w", [3])] as const;
  const loss = g.sum(g.add(g.mul(x, uses[0]), g.mul(g.mul(x, x), uses[1])), [0, 1]);
  const found = gradients(loss, [uses[0], uses[1]]);
  expect(found.get(uses[0])).toBe(found.get(uses[1]));
  expect(await evaluate(found.get(uses[0])!, { x: [1, 2, 3, 10, 20, 30] })).toEqual([112, 426, 942]);
});

test("what the loss does not depend on has no entry, and an inner tensor can be wanted", async () => {
  const inner = g.mul(x, x);
  const beside = g.exp(x);
  const loss = g.sum(g.mul(inner, inner), [0, 1]);
  const found = gradients(loss, [inner, beside, g.weight("elsewhere", [3]), loss]);
  expect([...found.keys()]).toEqual([inner, loss]);
  expect(await evaluate(found.get(inner)!, { x: [1, 2, 3] })).toEqual([2, 8, 18]);
  expect(await evaluate(found.get(loss)!, {})).toEqual([1]);
});

test("a gradient is a graph and has a gradient: the second derivative of x³", async () => {
  const slope = gradients(g.sum(g.mul(g.mul(x, x), x), [0, 1]), [x]).get(x)!;
  const curvature = gradients(g.sum(slope, [0, 1]), [x]).get(x)!;
  expect(await evaluate(curvature, { x: [1, -2, 0.5] })).toEqual([6, -12, 3]);
});

test("pieces of a split come back side by side, without zeros", () => {
  const table = g.input("table", [b, 6]);
  const [value, gate] = g.split(table, 1, 2) as [Tensor, Tensor];
  const whole = gradients(g.sum(g.mul(value, g.sin(gate)), [0, 1]), [table]).get(table)!;
  expect(whole.op).toBe("concat");
  expect(graphOf({ whole }).tensors.filter(({ op }) => op === "pad")).toEqual([]);
  const part = gradients(g.sum(g.mul(value, value), [0, 1]), [table]).get(table)!;
  expect(part.op).toBe("pad");
});

test("overlapping slices are added, not joined", async () => {
  const parts = [g.slice(x, 1, 0, 2), g.slice(x, 1, 1, 3)] as const;
  const loss = g.sum(g.mul(parts[0], g.mul(parts[1], parts[1])), [0, 1]);
  // Of x₀ x₁² + x₁ x₂².
  expect(await evaluate(gradients(loss, [x]).get(x)!, { x: [2, 3, 5] })).toEqual([9, 12 + 25, 30]);
});

test("two segments run one after the other give the gradient of the whole", async () => {
  const cut = g.input("cut", [b, 3]);
  const segments = [(t: Tensor) => g.mul(g.sin(t), t), (t: Tensor) => g.sum(g.exp(g.mul(t, t)), [0, 1])] as const;
  const feeds = { x: [0.3, -0.7, 1.1] };
  const whole = await evaluate(gradients(segments[1](segments[0](x)), [x]).get(x)!, feeds);

  const middle = await evaluate(segments[0](x), feeds);
  const last = await evaluate(gradients(segments[1](cut), [cut]).get(cut)!, { cut: middle });
  const first = vjp(new Map([["y", segments[0](x)]]), [x]);
  expect([...first.upstream.values()].map(({ attributes }) => attributes)).toEqual([{ name: "gradient of y" }]);
  const found = await evaluate(first.gradients.get(x)!, { ...feeds, [upstreamName("y")]: last });
  // The same operations in the same order, so not even rounding differs.
  expect(found).toEqual(whole);
});

test("one tensor under two names gets both gradients", async () => {
  const y = g.mul(x, g.scalar(3));
  const both = new Map([
    ["one", y],
    ["two", y],
  ]);
  const d = vjp(both, [x]).gradients.get(x)!;
  expect(await evaluate(d, { "gradient of one": [1, 2, 3], "gradient of two": [10, 20, 30] })).toEqual([33, 66, 99]);
});

test("a network deeper than the call stack", () => {
  let y = x;
  for (let i = 0; i < 20_000; i++) y = g.neg(y);
  expect(graphOf({ d: gradients(g.sum(y, [0, 1]), [x]).get(x)! }).tensors.length).toBeGreaterThan(20_000);
});

const ids = g.input("ids", [b], "i64");
const image = g.input("image", [b, 1, size("h"), size("w")]);
const total = (y: Tensor) =>
  g.sum(
    y,
    y.shape.map((_, axis) => axis),
  );

test.each<[string, Tensor, Tensor, string]>([
  ["bad_shape", x, x, "a loss must be a scalar, got [b, 3]"],
  ["unsupported", total(g.max(g.exp(x), [1])), x, "max [b] has no gradient: it serves only to keep softmax in range"],
  ["unsupported", total(g.gather(x, ids)), ids, "input [b] has no gradient: it is i64"],
  [
    "unsupported",
    total(g.resizeNearest(image, size("h"), addDims(size("w"), 3))),
    image,
    "resizeNearest from [b, 1, h, w] to [b, 1, h, w+3] has no gradient",
  ],
])("%s", (code, loss, wanted, message) => {
  expect(() => gradients(loss, [wanted])).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});

test("an op without a gradient is no hindrance where nothing wanted lies behind it", async () => {
  const raised = g.mul(g.max(g.exp(g.input("other", [b, 3])), [1], true), x);
  expect(gradients(total(raised), [x]).get(x)!.shape).toEqual([b, 3]);
});
