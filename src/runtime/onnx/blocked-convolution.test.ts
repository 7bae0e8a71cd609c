import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { writeOnnx } from "../../formats/onnx/write.ts";
import type { Value } from "../runtime.ts";
import { findBlock } from "./blocked-convolution.ts";
import { emitOnnx } from "./emit.ts";

const values = (...numbers: number[]): Record<string, Value> => ({
  y: { data: Float32Array.from(numbers), shape: [numbers.length] },
});

test.each([
  { right: 16, given: "with AVX-512" },
  { right: 8, given: "with AVX2" },
  { right: undefined, given: "in a layout of blocks that we do not know" },
])("the size of blocks $given is the one whose results are right", async ({ right }) => {
  const found = await findBlock(async (_graph, _feeds, n) => values(1, n === undefined || n === right ? 2 : 7));
  expect(found).toBe(right);
});

test("where the layout does not exist, there is none", async () => {
  const found = findBlock(async (_graph, _feeds, n) => {
    if (n !== undefined) throw new Error("com.microsoft.nchwc is not registered");
    return values(1, 2);
  });
  expect(await found).toBeUndefined();
});

// Every x86-64 processor of the last ten years has AVX2, and with it the layout.
test.runIf(process.arch === "x64")("this processor's size of blocks is found", async () => {
  const found = await findBlock(async (graph, feeds, n) => {
    const session = await InferenceSession.create(writeOnnx(emitOnnx(graph, new Map(), "", "folded", n)));
    const fed = Object.entries(feeds).map(([name, { data, shape }]) => [name, new Tensor("float32", data, shape)]);
    const results = await session.run(Object.fromEntries(fed));
    return Object.fromEntries(
      Object.entries(results).map(([name, { data, dims }]) => [name, { data: data as Float32Array, shape: dims }]),
    );
  });
  expect([8, 16]).toContain(found);
});
