/** @file What every sampler promises, whatever its method: one suite for all of them. */

import { describe, expect, test } from "vitest";
import { torchGenerator } from "../../base/random/torch.ts";
import { gaussianDenoise } from "../gaussian.ts";
import { initialLatents } from "../initial.ts";
import type { Denoise, SamplerOptions, Sigmas, Step } from "../sampler.ts";
import { makeSchedule } from "../schedules/schedule.ts";
import { discreteTable, type ZeroSnr } from "../tables.ts";
import { type SamplerName, samplerNames, samplers } from "./named.ts";

const ideal = gaussianDenoise({ mean: -0.5, deviation: 0.8 });
const COUNT = 32;
const TERMINAL = Number.POSITIVE_INFINITY;

async function run(name: SamplerName, denoise: Denoise, sigmas: Sigmas, options: SamplerOptions = {}, count = COUNT) {
  const fresh = torchGenerator(5);
  const start = initialLatents(torchGenerator(9).randn(count), sigmas[0]!);
  const walk = samplers[name](denoise, start, sigmas, { noise: () => fresh.randn(count), ...options });
  const steps: Step[] = [];
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return { start, steps, result: value };
    steps.push(value);
  }
}

const trailing = (zeroSnr: ZeroSnr, steps: number) =>
  makeSchedule("trailing", discreteTable({ zeroSnr }), steps).sigmas;

describe.each(samplerNames)("%s", (name) => {
  test("yields each step once, in order, with its levels and the guess there", async () => {
    const sigmas = trailing("exact", 6);
    const { steps, start, result } = await run(name, ideal, sigmas);
    expect(steps.map((s) => s.index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(steps.map((s) => s.sigma)).toEqual(sigmas.slice(0, -1));
    expect(steps.map((s) => s.sigmaNext)).toEqual(sigmas.slice(1));
    expect(steps[0]!.x).toBe(start);
    for (const { x, sigma, denoised } of steps) expect(denoised).toEqual(await ideal(x, sigma));
    // All end in the last guess: the step to 0 is Euler's.
    expect(result).toEqual(steps[5]!.denoised);
  });

  test("asks for the guess at the terminal with the noise itself", async () => {
    const asked: [number, Float32Array][] = [];
    const denoise: Denoise = (x, sigma) => {
      asked.push([sigma, x]);
      return ideal(x, sigma);
    };
    const { start } = await run(name, denoise, trailing("exact", 3));
    expect(asked[0]).toEqual([TERMINAL, start]);
    expect(asked.length).toBe(name === "heun" ? 5 : 3);
  });

  test("does not write to arrays that it was given or has handed out", async () => {
    const copies: [Float32Array, Float32Array][] = [];
    const keep = (a: Float32Array) => {
      copies.push([a, a.slice()]);
      return a;
    };
    const denoise: Denoise = async (x, sigma) => keep(await ideal(keep(x), sigma));
    await run(name, denoise, trailing("exact", 8));
    for (const [array, copy] of copies) expect(array).toEqual(copy);
  });

  test("stops asking when the caller stops iterating", async () => {
    let calls = 0;
    const denoise: Denoise = (x, sigma) => {
      calls++;
      return ideal(x, sigma);
    };
    const fresh = torchGenerator(1);
    const walk = samplers[name](denoise, fresh.randn(COUNT), trailing("exact", 20), {
      noise: () => fresh.randn(COUNT),
    });
    for await (const step of walk) if (step.index === 1) break;
    // Heun asks twice in the first step.
    expect(calls).toBe(name === "heun" ? 3 : 2);
  });

  test("a failure of the network is the walk's", async () => {
    const broken: Denoise = async () => {
      throw new Error("no network");
    };
    await expect(run(name, broken, [3, 1, 0])).rejects.toThrow("no network");
  });

  test.each([
    [[1, 2, 0], "sigmas must fall: sigmas[0] = 1, sigmas[1] = 2"],
    [[2, 2, 0], "sigmas must fall: sigmas[0] = 2, sigmas[1] = 2"],
    [[2, Number.NaN, 0], "sigmas[1] = NaN"],
    [[2, -1], "sigmas[1] = -1"],
    [[TERMINAL, TERMINAL, 0], "sigmas must fall: sigmas[0] = Infinity, sigmas[1] = Infinity"],
    [[2], "a schedule of 1 noise levels has no step"],
  ])("refuses the levels %j", async (sigmas, message) => {
    const walk = samplers[name](ideal, new Float32Array(COUNT), sigmas, {});
    await expect(walk.next()).rejects.toMatchObject({ code: "bad_schedule", message });
  });

  test.each([[[5, 0]], [[TERMINAL, 0]]])("one step, %j, gives the guess", async (sigmas) => {
    const { start, result } = await run(name, ideal, sigmas);
    const guess = await ideal(start, sigmas[0]!);
    result.forEach((v, k) => {
      expect(Math.abs(v - guess[k]!)).toBeLessThan(1e-6);
    });
  });

  test("a schedule may end above 0: the result is at that level", async () => {
    const count = 4096;
    const { result } = await run(name, ideal, trailing("exact", 28).slice(0, 15), {}, count);
    const level = trailing("exact", 28)[14]!;
    const deviation = Math.hypot(...result.map((v) => v + 0.5)) / Math.sqrt(count);
    // Standard error 1.1 %, and the first-order samplers' own error at half way.
    expect(Math.abs(deviation / Math.hypot(0.8, level) - 1)).toBeLessThan(0.08);
  });

  test("the same inputs give the same bits", async () => {
    const first = await run(name, ideal, trailing("exact", 9));
    expect((await run(name, ideal, trailing("exact", 9))).result).toEqual(first.result);
  });
});

// Heun is left out: its average over sigma has no limit, and the walk from the exact terminal is another one. UniPC's bh1
// has none either, and the first of ten steps, which is long, shows it.
describe.each(samplerNames.filter((name) => name !== "heun"))("%s leaves the terminal", (name) => {
  test.each([
    [10, "comfyui"],
    [28, "comfyui"],
    [28, "diffusers"],
  ] as const)("in %i steps where it ends from the stand-in of %s", async (steps, standIn) => {
    const [exact, patched] = await Promise.all([
      run(name, ideal, trailing("exact", steps)),
      run(name, ideal, trailing(standIn, steps)),
    ]);
    const apart = exact.result.map((v, k) => Math.abs(v - patched.result[k]!));
    expect(Math.max(...apart)).toBeLessThan(name === "uni_pc" && steps === 10 ? 1e-2 : 1e-3);
  });
});

describe.each(["euler_ancestral", "dpmpp_2m_sde", "dpmpp_2m_sde_heun"] as const)("%s draws noise", (name) => {
  test("once for each step but the last, between its levels", async () => {
    const drawn: number[][] = [];
    const noise = (sigma: number, next: number) => {
      drawn.push([sigma, next]);
      return new Float32Array(COUNT);
    };
    const sigmas = trailing("exact", 5);
    await run(name, ideal, sigmas, { noise });
    expect(drawn).toEqual(sigmas.slice(0, -2).map((sigma, i) => [sigma, sigmas[i + 1]]));
  });

  test("not at all with eta 0", async () => {
    const noise = () => {
      throw new Error("drawn");
    };
    await run(name, ideal, trailing("exact", 5), { noise, eta: 0 });
  });

  test("and says so when it has none, or the wrong size", async () => {
    const walk = samplers[name](ideal, new Float32Array(COUNT), [3, 1, 0], {});
    await walk.next();
    await expect(walk.next()).rejects.toMatchObject({
      code: "bad_option",
      message: expect.stringContaining("needs noise"),
    });
    const short = run(name, ideal, [3, 1, 0], { noise: () => new Float32Array(3) });
    await expect(short).rejects.toMatchObject({ code: "bad_shape", message: "noise has 3 numbers and x has 32" });
  });
});
