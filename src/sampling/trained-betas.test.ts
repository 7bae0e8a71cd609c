import { expect, test } from "vitest";
import { alphaBars, betas, discreteTable } from "./tables.ts";
import { betasOfSigmas, shiftOfBetas } from "./trained-betas.ts";

const float32 = (list: ArrayLike<number>) => Array.from(list, Math.fround);

test("betas of a table's sigmas are those that made it", () => {
  const made = betas();
  const found = betasOfSigmas(discreteTable().sigmas);
  expect(Math.max(...found.map((beta, t) => Math.abs(beta / made[t]! - 1)))).toBeLessThan(1e-11);
  expect(betasOfSigmas([1, 2, Number.POSITIVE_INFINITY])).toEqual([0.5, 0.6, 1]);
});

test("a table of betas has their levels, and is rescaled like any other", () => {
  const list = [0.1, 0.2, 0.4];
  const { sigmas, zeroSnr } = discreteTable({ betas: list });
  [0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.6].forEach((bar, t) => {
    expect(sigmas[t]).toBeCloseTo(Math.sqrt((1 - bar) / bar), 12);
  });
  expect(zeroSnr).toBe(false);
  const zero = discreteTable({ betas: list, zeroSnr: "exact" });
  expect(zero.sigmas[0]).toBeCloseTo(sigmas[0]!, 12);
  expect(zero.sigmas[2]).toBe(Number.POSITIVE_INFINITY);
  expect(discreteTable({ betas: [0.1, 0.5, 1] }).zeroSnr).toBe("exact");
});

test.each([0.125, 0.5, 1, 1.7])(
  "SDXL's schedule shifted by %d is known by its betas, in float64 and in float32",
  (a) => {
    for (const zeroSnr of [false, true]) {
      const list = betasOfSigmas(discreteTable({ shift: a, zeroSnr: zeroSnr && "exact" }).sigmas);
      for (const given of [list, float32(list)]) {
        expect(shiftOfBetas(given, zeroSnr, a)).toBe(a);
        expect(shiftOfBetas(given, zeroSnr)! / a).toBeCloseTo(1, 3);
        // A factor that the list contradicts is not believed.
        expect(shiftOfBetas(given, zeroSnr, 3 * a)! / a).toBeCloseTo(1, 3);
      }
      if (zeroSnr) expect(shiftOfBetas(list, false, a)).toBe(a);
    }
    expect(shiftOfBetas(Array.from(betas()), true)).toBe(1);
  },
);

test("other schedules are not taken for SDXL's", () => {
  expect(shiftOfBetas(Array.from(betas({ betaCurve: "linear" })), false)).toBeUndefined();
  expect(shiftOfBetas(Array.from(betas({ levels: 500 })), false)).toBeUndefined();
  // Shifted and rescaled afterwards is not rescaled and shifted.
  expect(shiftOfBetas(betasOfSigmas(discreteTable({ shift: 0.5 }).sigmas), true)).toBeUndefined();
  const cosine = alphaBars(Float64Array.from({ length: 1000 }, (_, t) => 0.5 * (t / 1000) ** 2 + 1e-4));
  expect(shiftOfBetas(betasOfSigmas(cosine.map((bar) => Math.sqrt((1 - bar) / bar))), false)).toBeUndefined();
});

test.each([
  [[0.1, 0.2, 1.5], "beta 2 of 3 is 1.5"],
  [[0.1, 1, 0.2], "beta 1 of 3 is 1"],
  [[0, 0.1], "beta 0 of 2 is 0"],
  [[0.1], "a noise schedule of 1 betas"],
  [[], "a noise schedule of 0 betas"],
])("%j is no noise schedule", (list, message) => {
  expect(() => discreteTable({ betas: list })).toThrow(message);
});
