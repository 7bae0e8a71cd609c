/** @file The generators against PyTorch 2 on x86 and an independent Philox, bit for bit: `scripts/goldens/noise.py`. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mersenneTwister } from "./mersenne-twister.ts";
import { philoxGenerator } from "./philox.ts";
import { torchGenerator } from "./torch.ts";

type Large = { head: string; tail: string; samples: [number, string][]; sum: number; sumOfSquares: number };
type TorchCase = { seed: string; shape: number[] } & ({ values: string } | Large);
type Fixture = {
  torch: TorchCase[];
  torchSequence: { seed: string; shapes: number[][]; values: string[] };
  torchIntegers: Record<string, string>;
  philox: { seed: string; count: number; values: string; second: string }[];
};

const fixture: Fixture = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/noise.json", import.meta.url), "utf8"),
);

/** Float32 bit patterns, eight hexadecimal digits each. */
function patterns(hex: string): number[] {
  return Array.from({ length: hex.length / 8 }, (_, i) => Number.parseInt(hex.slice(8 * i, 8 * i + 8), 16));
}

function bitsOf(values: Float32Array): number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
}

const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

test("the generator's integers are PyTorch's, bit for bit", () => {
  for (const [seed, hex] of Object.entries(fixture.torchIntegers)) {
    const next = mersenneTwister(Number(BigInt(seed) & 0xffffffffn));
    expect(patterns(hex).map(() => next())).toEqual(patterns(hex));
  }
});

test.each(fixture.torch)("torch.randn, seed $seed, shape $shape", (wanted) => {
  const values = torchGenerator(BigInt(wanted.seed)).randn(size(wanted.shape));
  if ("values" in wanted) {
    expect(bitsOf(values)).toEqual(patterns(wanted.values));
    return;
  }
  expect(bitsOf(values.slice(0, 16))).toEqual(patterns(wanted.head));
  expect(bitsOf(values.slice(-16))).toEqual(patterns(wanted.tail));
  for (const [index, hex] of wanted.samples) {
    expect(bitsOf(values.slice(index, index + 1))).toEqual(patterns(hex));
  }
  // The same numbers, summed in another order: 1e5 roundings of a double.
  expect(values.reduce((sum, v) => sum + v, 0)).toBeCloseTo(wanted.sum, 8);
  expect(values.reduce((sum, v) => sum + v * v, 0)).toBeCloseTo(wanted.sumOfSquares, 7);
});

test("several calls on one generator", () => {
  const { seed, shapes, values } = fixture.torchSequence;
  const generator = torchGenerator(BigInt(seed));
  for (const [i, shape] of shapes.entries()) {
    expect(bitsOf(generator.randn(size(shape)))).toEqual(patterns(values[i]!));
  }
});

test.each(fixture.philox)(
  "Philox, seed $seed, $count numbers and the call after",
  ({ seed, count, values, second }) => {
    const generator = philoxGenerator(BigInt(seed));
    expect(bitsOf(generator.randn(count))).toEqual(patterns(values));
    expect(bitsOf(generator.randn(8))).toEqual(patterns(second));
  },
);
