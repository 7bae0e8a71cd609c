import { expect, test } from "vitest";
import { addDims, size } from "./dim.ts";
import { graphOf } from "./graph.ts";
import * as g from "./ops.ts";
import { printGraph } from "./print.ts";
import type { Tensor } from "./tensor.ts";
import { verifyGraph } from "./verify.ts";

const b = size("batch");
const h = size("height");
const w = size("width");

test("a graph prints as text", () => {
  const x = g.input("x", [b, 4, h, w]);
  const down = g.conv2d(x, g.weight("conv.weight", [8, 4, 3, 3]), g.weight("conv.bias", [8]), {
    stride: 2,
    padding: [1, 1, 1, 1],
  });
  const tokens = g.tokensOf(g.silu(down));
  const y = g.imageOf(g.attention(tokens, tokens, tokens, 2), down.shape[2]!, down.shape[3]!);
  const graph = graphOf({ y: g.resizeNearest(y, h, w), middle: tokens });
  verifyGraph(graph);
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "%0 = input(x) : f32[batch, 4, height, width]
    %1 = weight(conv.weight) : f32[8, 4, 3, 3]
    %2 = weight(conv.bias) : f32[8]
    %3 = conv2d(%0, %1, %2, stride=2, padding=[1 1 1 1]) : f32[batch, 8, floor((height+1)/2), floor((width+1)/2)]
    %4 = silu(%3) : f32[batch, 8, floor((height+1)/2), floor((width+1)/2)]
    %5 = reshape(%4) : f32[batch, 8, floor((height+1)/2)*floor((width+1)/2)]
    %6 = transpose(%5, order=[0 2 1]) : f32[batch, floor((height+1)/2)*floor((width+1)/2), 8]
    %7 = attention(%6, %6, %6, heads=2, causal=false) : f32[batch, floor((height+1)/2)*floor((width+1)/2), 8]
    %8 = transpose(%7, order=[0 2 1]) : f32[batch, 8, floor((height+1)/2)*floor((width+1)/2)]
    %9 = reshape(%8) : f32[batch, 8, floor((height+1)/2), floor((width+1)/2)]
    %10 = resizeNearest(%9, height=height, width=width) : f32[batch, 8, height, width]
    return y = %10
    return middle = %6"
  `);
});

test("a network deeper than the call stack is put in order", () => {
  let x = g.input("x", [b]);
  for (let i = 0; i < 50_000; i++) x = g.neg(x);
  expect(graphOf({ x }).tensors).toHaveLength(50_001);
});

const x = g.input("x", [b, 4, h, w]);

test.each<[string, () => Tensor]>([
  ["add: [batch, 4, height, width] and [3, 1, 1] do not broadcast", () => g.add(x, g.weight("v", [3, 1, 1]))],
  [
    "reshape: [batch, 4, height, width] to [batch, height, width]: 4*batch*height*width and batch*height*width elements",
    () => g.reshape(x, [b, h, w]),
  ],
  [
    "conv2d: [batch, 4, height, width] with kernel [8, 3, 3, 3]",
    () => g.conv2d(x, g.weight("k", [8, 3, 3, 3]), undefined, { stride: 1, padding: [1, 1, 1, 1] }),
  ],
  ["linear: [batch, 4, height, width] with weight [8, 5]", () => g.linear(x, g.weight("m", [8, 5]))],
  [
    "groupNorm: 3 groups do not divide the channels of [batch, 4, height, width]",
    () => g.groupNorm(x, g.weight("s", [4]), g.weight("b", [4]), 3, 1e-5),
  ],
  [
    "concat: [batch, 4, height, width] and [batch, 4, width, height] on axis 1",
    () => g.concat([x, g.transpose(x, [0, 1, 3, 2])], 1),
  ],
  [
    "matmul: [batch, 4, height, width] transposed × [4, 3]",
    () => g.matmul(x, g.weight("m", [4, 3]), { transposeA: true }),
  ],
  ["pad: [batch, 4, height, width] by [1, 1] and [1, 1]", () => g.pad(x, [1, 1], [1, 1])],
  ["expand: [batch, 4, height, width] to [4, height, width]", () => g.expand(x, [4, h, w])],
  [
    "scatterRows: values [batch, 4, height, width] by ids [batch, 5]",
    () => g.scatterRows(g.input("ids", [b, 5], "i64"), x, 9),
  ],
  [
    "convTranspose2d: [batch, 4, height, width] with kernel [4, 8, 3, 3] to [height, 2*width]",
    () =>
      g.convTranspose2d(x, g.weight("k", [4, 8, 3, 3]), {
        stride: 2,
        padding: [1, 1, 1, 1],
        height: h,
        width: addDims(w, w),
      }),
  ],
  ["gather: ids must be i64, got f32", () => g.gather(g.weight("t", [9, 2]), x)],
  ["transpose: order [0, 1, 1, 2] for [batch, 4, height, width]", () => g.transpose(x, [0, 1, 1, 2])],
  ["sum: axis 4 of [batch, 4, height, width]", () => g.sum(x, [4])],
  [
    "attention: 3 heads in [batch, width*height, 4]".replace("width*height", "height*width"),
    () => g.attention(g.tokensOf(x), g.tokensOf(x), g.tokensOf(x), 3),
  ],
])("%s", (message, build) => {
  expect(build).toThrow(message);
});

test("two inputs of one name, or one weight in two shapes, are refused", () => {
  const twin = g.input("x", [b]);
  expect(() => graphOf({ a: g.neg(x), b: g.neg(twin) })).toThrow(
    "two inputs are named x: [batch, 4, height, width] and [batch]",
  );
  const [v, u] = [g.weight("v", [4]), g.weight("v", [2])];
  expect(() => graphOf({ a: g.neg(v), b: g.neg(u) })).toThrow(
    expect.objectContaining({ code: "bad_graph", message: "two weights are named v: [4] and [2]" }),
  );
});

test("the verifier finds a pass that broke a shape, an order or a size", () => {
  const y = g.neg(x);
  const graph = graphOf({ y });
  const broken = { ...y, shape: [b, 5, h, w] } as Tensor;
  expect(() => verifyGraph({ ...graph, tensors: [x, broken], outputs: new Map([["y", broken]]) })).toThrow(
    "neg [batch, 5, height, width] says f32[batch, 5, height, width], its rule says f32[batch, 4, height, width]",
  );
  expect(() => verifyGraph({ ...graph, tensors: [y, x] })).toThrow(
    expect.objectContaining({
      code: "bad_graph",
      message: expect.stringContaining("uses input before it is computed"),
    }),
  );
  const unbound = g.input("z", [addDims(size("q"), 1)]);
  expect(() => verifyGraph(graphOf({ y: g.neg(unbound) }))).toThrow("size q is no axis of any input");
  expect(() => verifyGraph(graphOf({ y: g.extent(size("q")) }))).toThrow("size q is no axis of any input");
  expect(() => verifyGraph(graphOf({ y: g.neg(g.constant([1, 2, 3], [2])) }))).toThrow("has 3 values");
});
