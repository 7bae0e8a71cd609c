import { expect, test } from "vitest";
import { nextNormals, randomState } from "../random.ts";
import { drawNoise, type LatentShape, type NoiseOptions } from "./training-noise.ts";

const shape: LatentShape = [3, 4, 8, 6];
const plane = 8 * 6;
const size = 3 * 4 * plane;

function draw(options: NoiseOptions, x0 = new Float32Array(size), seed = 1) {
  return drawNoise(randomState(seed), shape, x0, options);
}

/** The mean of each of the twelve planes of `a - b`, and how far any number lies from its plane's. */
function planeOffsets(a: Float32Array, b: Float32Array): { means: number[]; spread: number } {
  const difference = a.map((v, k) => v - b[k]!);
  const means = Array.from({ length: 12 }, (_, i) => {
    return difference.subarray(i * plane, (i + 1) * plane).reduce((sum, v) => sum + v, 0) / plane;
  });
  const spread = Math.max(...difference.map((v, k) => Math.abs(v - means[Math.floor(k / plane)]!)));
  return { means, spread };
}

test("without options it is white noise, one array for input and target, repeated by its state", () => {
  const { noise, inputNoise } = draw({});
  expect(inputNoise).toBe(noise);
  expect(noise).toEqual(nextNormals(randomState(1), size));
});

test("an offset moves every channel of every picture by its own normal number", () => {
  const plain = draw({}).noise;
  const small = planeOffsets(draw({ offset: 0.1 }).noise, plain);
  const large = planeOffsets(draw({ offset: 0.4 }).noise, plain);
  // Float32 roundings of numbers up to 4.
  expect(small.spread).toBeLessThan(1e-6);
  small.means.forEach((mean, i) => {
    expect(large.means[i]).toBeCloseTo(4 * mean, 6);
  });
  expect(new Set(small.means).size).toBe(12);
  const squares = Array.from({ length: 60 }, (_, seed) => {
    return planeOffsets(draw({ offset: 0.1 }, undefined, seed).noise, draw({}, undefined, seed).noise).means;
  }).flat();
  // 720 squares of normals: four standard errors are 4 sqrt(2 / 720) = 21 %.
  const variance = squares.reduce((sum, m) => sum + m * m, 0) / squares.length;
  expect(Math.abs(variance / 0.01 - 1)).toBeLessThan(0.21);
});

test("an adaptive offset grows with the channel's mean, and is never negative", () => {
  const x0 = new Float32Array(size).fill(-2, 0, plane).fill(0.5, plane, 2 * plane);
  const plain = draw({}).noise;
  const offsets = (options: NoiseOptions) => planeOffsets(draw(options, x0).noise, plain).means;
  const unit = offsets({ offset: 1 });
  const grown = offsets({ offset: 0.1, adaptiveScale: 0.2 });
  // 0.1 + 0.2 |mean|: means -2, 0.5 and 0.
  [0.5, 0.2, 0.1].forEach((offset, i) => {
    expect(grown[i]! / unit[i]!).toBeCloseTo(offset, 5);
  });
  const shrunk = offsets({ offset: 0.3, adaptiveScale: -0.2 });
  [0, 0.2, 0.3].forEach((offset, i) => {
    expect(shrunk[i]! / unit[i]!).toBeCloseTo(offset, 5);
  });
});

test("random strengths are a share of the whole, one a picture", () => {
  const plain = draw({}).noise;
  const full = planeOffsets(draw({ offset: 0.5 }).noise, plain).means;
  const part = planeOffsets(draw({ offset: 0.5, offsetRandomStrength: true }).noise, plain).means;
  // The first picture's numbers come before the first share is drawn; the others' lie behind it.
  const shares = [0, 1, 2, 3].map((i) => part[i]! / full[i]!);
  for (const share of shares) expect(share).toBeCloseTo(shares[0]!, 4);
  expect(shares[0]! > 0 && shares[0]! < 1).toBe(true);
  const { noise, inputNoise } = draw({ perturbation: 0.5, perturbationRandomStrength: true });
  const deviations = [0, 1, 2].map((i) => {
    const picture = (values: Float32Array) => values.subarray(i * 4 * plane, (i + 1) * 4 * plane);
    const added = picture(inputNoise).map((v, k) => v - picture(noise)[k]!);
    return Math.sqrt(added.reduce((sum, v) => sum + v * v, 0) / added.length);
  });
  // Of 192 normals: four standard errors are 20 % above the full strength.
  for (const deviation of deviations) expect(deviation).toBeLessThan(0.6);
  expect(Math.max(...deviations) - Math.min(...deviations)).toBeGreaterThan(0.05);
});

test("input perturbation: the target's noise stays, the input's has variance 1 + gamma^2", () => {
  const many: LatentShape = [4, 4, 64, 64];
  const count = 4 * 4 * 64 * 64;
  const x0 = new Float32Array(count);
  const { noise, inputNoise } = drawNoise(randomState(2), many, x0, { perturbation: 0.3 });
  expect(noise).toEqual(nextNormals(randomState(2), count));
  const mean = (f: (k: number) => number) => noise.reduce((sum, _, k) => sum + f(k), 0) / count;
  // Four standard errors of a mean of squares.
  const error = 4 * Math.sqrt(2 / count);
  expect(Math.abs(mean((k) => inputNoise[k]! ** 2) / 1.09 - 1)).toBeLessThan(error);
  expect(Math.abs(mean((k) => (inputNoise[k]! - noise[k]!) * noise[k]!))).toBeLessThan(error);
});

test("pyramid noise has deviation 1 and more of the large shapes", () => {
  const square: LatentShape = [8, 4, 32, 32];
  const count = 8 * 4 * 32 * 32;
  const { noise } = drawNoise(randomState(3), square, new Float32Array(count), {
    pyramid: { iterations: 6, discount: 0.6 },
  });
  for (let i = 0; i < 8; i++) {
    const picture = noise.subarray((i * count) / 8, ((i + 1) * count) / 8);
    const mean = picture.reduce((sum, v) => sum + v, 0) / picture.length;
    const variance = picture.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (picture.length - 1);
    expect(variance).toBeCloseTo(1, 5);
  }
});

test("pyramid noise: layer i weighs discount^i, and smaller planes are coarser shapes", () => {
  const square: LatentShape = [8, 4, 32, 32];
  const count = 8 * 4 * 32 * 32;
  /** 16 times the variance of the mean of 4 x 4 cells: 1 for white noise. */
  const coarse = (iterations: number, discount: number) => {
    const pyramid = { iterations, discount };
    const { noise } = drawNoise(randomState(3), square, new Float32Array(count), { pyramid });
    let squares = 0;
    for (let y = 0; y < count / 32; y += 4) {
      for (let x = 0; x < 32; x += 4) {
        let sum = 0;
        for (let k = 0; k < 16; k++) sum += noise[(y + (k >> 2)) * 32 + x + (k & 3)]!;
        squares += (sum / 16) ** 2;
      }
    }
    return (16 * squares) / (count / 16);
  };
  // The first layer is whole: two white noises of variance 1 over the root of 2. 2048 cells: four errors are 12.5 %.
  expect(Math.abs(coarse(1, 0.6) - 1)).toBeLessThan(0.125);
  // The second is of planes 2 to 4 times smaller, so that it is smooth over 4 x 4 cells: with weight d it adds about
  // 16 f d^2 to 2, where f is what enlarging leaves of a variance in such cells: 0.17 at ratio 2, 0.45 at ratio 4.
  for (const discount of [0.5, 1]) {
    const added = coarse(2, discount) * (2 + 0.5 * discount ** 2) - 2;
    expect(added / (16 * discount ** 2)).toBeGreaterThan(0.15);
    expect(added / (16 * discount ** 2)).toBeLessThan(0.5);
  }
  expect(coarse(6, 0.6)).toBeGreaterThan(coarse(2, 0.6));
});

test.each<[NoiseOptions, string]>([
  [{ offset: -0.1 }, "noise offset -0.1"],
  [{ adaptiveScale: Number.NaN }, "adaptive noise scale NaN"],
  [{ perturbation: -1 }, "input perturbation -1"],
  [{ pyramid: { iterations: 0, discount: 0.5 } }, "pyramid noise of 0 iterations"],
  [{ pyramid: { iterations: 6, discount: 1.5 } }, "discount 1.5"],
])("%j is refused by value", (options, message) => {
  expect(() => draw(options)).toThrow(message);
});

test("latents of another size are refused", () => {
  expect(() => drawNoise(randomState(1), shape, new Float32Array(5))).toThrow(
    "5 latents for noise of shape [3, 4, 8, 6]",
  );
});
