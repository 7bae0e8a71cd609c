/** @file First values by their effect: what passes through keeps its size, and branches add nothing. */

import { expect, test } from "vitest";
import { randomState } from "../random.ts";
import { initialValues } from "./initialise.ts";

const fresh = (name: string, shape: readonly number[]) => initialValues(name, shape, randomState(3));
const deviation = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

test.each([
  ["down_blocks.0.resnets.0.conv1.weight", [64, 32, 3, 3], 288],
  ["mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight", [96, 128], 128],
  ["decoder.conv_out.weight", [3, 64, 3, 3], 576],
])("%s has a deviation of one over the root of what comes in", (name, shape, fanIn) => {
  const values = fresh(name, shape);
  // Of n numbers the deviation is known to 1 / sqrt(2 n); six of those.
  expect(Math.abs(deviation(values) * Math.sqrt(fanIn) - 1)).toBeLessThan(6 / Math.sqrt(2 * values.length));
});

test.each([
  "up_blocks.1.resnets.0.conv2.weight",
  "down_blocks.1.attentions.0.proj_out.weight",
  "decoder.mid_block.attentions.0.to_out.0.weight",
  "conv_out.weight",
])("%s adds nothing at first", (name) => {
  expect(fresh(name, [8, 8, 3, 3]).every((x) => x === 0)).toBe(true);
});

test("norms are 1, biases and shifts 0, a word's row stands out beside its place's", () => {
  expect(fresh("conv_norm_out.weight", [5])).toEqual(new Float32Array(5).fill(1));
  expect(fresh("conv_norm_out.bias", [5])).toEqual(new Float32Array(5));
  expect(deviation(fresh("text_model.embeddings.token_embedding.weight", [1000, 20]))).toBeCloseTo(1, 1);
  expect(deviation(fresh("text_model.embeddings.position_embedding.weight", [77, 48]))).toBeCloseTo(0.5, 1);
});

test("what halves or doubles a picture begins near the identity", () => {
  const values = fresh("encoder.down_blocks.0.downsamplers.0.conv.weight", [4, 4, 3, 3]);
  for (let o = 0; o < 4; o++) {
    for (let c = 0; c < 4; c++) expect(values[(o * 4 + c) * 9 + 4]!).toBeCloseTo(o === c ? 1 : 0, 0);
  }
});

test("places begin so that the one before lies in the same direction from everywhere", () => {
  const [places, width] = [77, 48];
  const values = fresh("text_model.embeddings.position_embedding.weight", [places, width]);
  const row = (place: number) => values.subarray(place * width, (place + 1) * width);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
  for (const apart of [0, 1, 5]) {
    const first = dot(row(apart), row(0));
    for (let place = 1; place + apart < places; place++)
      expect(dot(row(place + apart), row(place))).toBeCloseTo(first, 4);
  }
  expect(dot(row(1), row(0))).toBeLessThan(dot(row(0), row(0)));
});
