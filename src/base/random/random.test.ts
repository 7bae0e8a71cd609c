import { expect, test } from "vitest";
import { mersenneTwister } from "./mersenne-twister.ts";
import { noiseFor, noiseSource } from "./noise.ts";
import { philoxGenerator } from "./philox.ts";
import { torchGenerator } from "./torch.ts";

/** Published to four decimals, so agreement to half of the last one is all that they can show. */
function expectPrinted(values: Float32Array, printed: readonly number[]): void {
  printed.forEach((p, i) => {
    expect(Math.abs(values[i]! - p)).toBeLessThanOrEqual(5.1e-5);
  });
}

test("the 10,000th integer from seed 5489 is the one that the C++ standard demands of mt19937", () => {
  const next = mersenneTwister(5489);
  for (let i = 0; i < 9_999; i++) next();
  expect(next()).toBe(4123659995);
});

test("fewer than 16 normals: torch.randn after torch.manual_seed(0)", () => {
  const six = [1.541, -0.2934, -2.1788, 0.5684, -1.0845, -1.3986];
  expectPrinted(torchGenerator(0).randn(6), six);
  // Odd counts keep the sine for the next call, so any split gives the same numbers.
  const generator = torchGenerator(0);
  expectPrinted(Float32Array.of(...generator.randn(1), ...generator.randn(3), ...generator.randn(2)), six);
});

test("16 normals and more: blocks of 16", () => {
  expectPrinted(
    torchGenerator(0).randn(16),
    [
      -1.1258, -1.1524, -0.2506, -0.4339, 0.8487, 0.692, -0.316, -2.1152, 0.3223, -1.2633, 0.35, 0.3081, 0.1198, 1.2377,
      1.1168, -0.2473,
    ],
  );
  expectPrinted(torchGenerator(42).randn(16), [1.9269, 1.4873, 0.9007, -2.1055, 0.6784, -1.2345]);
});

test("a tail shorter than 16 redraws the last 16", () => {
  const values = torchGenerator(7).randn(37);
  expectPrinted(values, [-0.8201]);
  expectPrinted(values.slice(-6), [0.26, -1.637, 0.1577, 0.3957, -1.3677, -0.1007]);
});

test("Philox: the numbers in the A1111 web UI's documentation for seed 0", () => {
  const values = philoxGenerator(0).randn(4);
  [-0.92466259, -0.42534415, -2.6438457, 0.14518388].forEach((p, i) => {
    expect(values[i]).toBe(Math.fround(p));
  });
});

test("picture i of a batch is the picture of seed + i, in the first noise and in those after it", () => {
  for (const origin of ["cpu", "nv"] as const) {
    const batch = noiseSource(origin, 40, [3, 4, 2, 3]);
    const alone = noiseSource(origin, 42, [1, 4, 2, 3]);
    for (let call = 0; call < 3; call++) expect(batch().subarray(48)).toEqual(alone());
  }
});

test("seeds of 64 bits: PyTorch uses the low 32, Philox all; negative ones wrap", () => {
  const shape = [1, 4, 4, 4];
  expect(noiseFor("cpu", 2n ** 32n + 5n, shape)).toEqual(noiseFor("cpu", 5, shape));
  expect(noiseFor("nv", 2n ** 32n + 5n, shape)).not.toEqual(noiseFor("nv", 5, shape));
  expect(noiseFor("nv", -1, shape)).toEqual(noiseFor("nv", 2n ** 64n - 1n, shape));
});

test.each([1.5, 2 ** 53, 2n ** 64n, Number.NaN])("seed %s is refused by value", (seed) => {
  expect(() => torchGenerator(seed)).toThrow(`seed ${seed}`);
});

test("moments of a million normals", () => {
  // Standard errors of mean, variance and fourth moment at n = 2^20 are 0.001, 0.0014 and 0.0096; four of each.
  for (const origin of ["cpu", "nv"] as const) {
    const n = 2 ** 20;
    const values = noiseFor(origin, 1, [1, n]);
    const moment = (power: number) => values.reduce((sum, v) => sum + v ** power, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(0.004);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.0056);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.04);
  }
});

test.each([[[]], [[0, 4]], [[2, 2.5]]])("noise of shape %j is refused", (shape) => {
  expect(() => noiseFor("cpu", 1, shape)).toThrow(`noise of shape [${shape.join(", ")}]`);
});
