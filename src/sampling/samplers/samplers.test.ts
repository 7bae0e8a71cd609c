import { expect, test } from "vitest";
import { torchGenerator } from "../../base/random/torch.ts";
import { type Gaussian, gaussianDenoise, gaussianPath } from "../gaussian.ts";
import type { Denoise, Sampler, SamplerOptions, Sigmas, Step } from "../sampler.ts";
import { makeSchedule, type ScheduleName } from "../schedules/schedule.ts";
import { discreteTable } from "../tables.ts";
import { sampleDdim } from "./ddim.ts";
import { sampleDpmpp2m, sampleDpmpp2mSde, sampleDpmpp2mSdeHeun } from "./dpmpp.ts";
import { sampleEuler, sampleEulerAncestral } from "./euler.ts";
import { sampleHeun } from "./heun.ts";
import { sampleUniPc, sampleUniPcBh2 } from "./unipc.ts";

const base = discreteTable();
const exact = discreteTable({ zeroSnr: "exact" });
const comfyui = discreteTable({ zeroSnr: "comfyui" });

async function run(
  sampler: Sampler,
  denoise: Denoise,
  x: Float32Array,
  sigmas: Sigmas,
  options?: SamplerOptions,
): Promise<{ steps: Step[]; result: Float32Array }> {
  const walk = sampler(denoise, x, sigmas, options);
  const steps: Step[] = [];
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return { steps, result: value };
    steps.push(value);
  }
}

const data: Gaussian = { mean: -1.5, deviation: 0.5 };

// End values for N(-1.5, 0.5^2) from x = sigma_max, computed independently in float64.
const golden: ["base" | "comfyui", ScheduleName, number, number, number, number][] = [
  ["base", "normal", 10, -1.071289, -0.924259, -0.827601],
  ["base", "normal", 28, -0.997572, -0.946757, -0.898221],
  ["base", "sgm_uniform", 28, -1.00514, -0.982092, -0.981679],
  ["base", "karras", 28, -0.982969, -0.946041, -0.946048],
  ["comfyui", "normal", 28, -1.046403, -0.995811, -0.950547],
  ["comfyui", "sgm_uniform", 28, -1.053503, -1.030447, -1.031766],
  ["comfyui", "karras", 10, -1.205599, -0.536816, -1.038872],
  ["comfyui", "karras", 28, -1.089376, -0.961677, -0.972526],
];

test.each(golden)("Gaussian data, %s table, %s, %i steps: euler %d, heun %d, dpmpp_2m %d", async (...row) => {
  const [table, schedule, steps, ...ends] = row;
  const { sigmas } = makeSchedule(schedule, { base, comfyui }[table], steps);
  for (const [i, sampler] of [sampleEuler, sampleHeun, sampleDpmpp2m].entries()) {
    const { result } = await run(sampler, gaussianDenoise(data), Float32Array.of(sigmas[0]!), sigmas);
    // Printed to 1e-6; float32 states lose that much again, and 38 times it where Heun crosses 4518.
    const tolerance = sampler === sampleHeun && table === "comfyui" ? 1e-4 : 3e-6;
    expect(Math.abs(result[0]! - ends[i]!)).toBeLessThan(tolerance);
  }
});

test("the closed form of the path agrees with the golden's", () => {
  expect(gaussianPath(data, 14.614641, 14.614641, 0)).toBeCloseTo(-0.949004, 6);
  expect(gaussianPath(data, 4518.7637, 4518.7637, 0)).toBeCloseTo(-0.999834, 6);
});

test("ancestral Euler at any eta is DDIM at that eta, in the exact terminal too", async () => {
  for (const table of [base, comfyui, exact]) {
    for (const eta of [0, 0.3, 1]) {
      const { sigmas } = makeSchedule("trailing", table, 12);
      const x = torchGenerator(3)
        .randn(64)
        .map((v) => (Number.isFinite(sigmas[0]) ? v * sigmas[0]! : v));
      const ends = await Promise.all(
        [sampleEulerAncestral, sampleDdim].map((sampler) => {
          const generator = torchGenerator(4);
          return run(sampler, gaussianDenoise(data), x, sigmas, { eta, noise: () => generator.randn(64) });
        }),
      );
      // Two ways of writing one number: a float32 rounding a step.
      expect(largestDifference(ends[0]!.result, ends[1]!.result)).toBeLessThan(5e-6);
    }
  }
});

test("DDIM without noise is Euler", async () => {
  const { sigmas } = makeSchedule("trailing", exact, 10);
  const x = torchGenerator(1).randn(64);
  const euler = await run(sampleEuler, gaussianDenoise(data), x, sigmas);
  const ddim = await run(sampleDdim, gaussianDenoise(data), x, sigmas);
  expect(largestDifference(euler.result, ddim.result)).toBeLessThan(2e-6);
});

test("UniPC's predictor of order 2 with B(h) = exp(-h) - 1 is DPM++ 2M; so is 2M SDE without noise", async () => {
  const { sigmas } = makeSchedule("karras", base, 15);
  const x = torchGenerator(2)
    .randn(64)
    .map((v) => v * sigmas[0]!);
  const denoise = gaussianDenoise({ mean: 0.4, deviation: 0.7 });
  const reference = await run(sampleDpmpp2m, denoise, x, sigmas);
  const unipc = await run(sampleUniPcBh2, denoise, x, sigmas, { order: 2, corrector: false });
  const sde = await run(sampleDpmpp2mSde, denoise, x, sigmas, { eta: 0 });
  for (const other of [unipc, sde]) {
    // States are up to 14: 1e-6 each, over 15 steps.
    other.steps.forEach((step, i) => {
      expect(largestDifference(step.x, reference.steps[i]!.x)).toBeLessThan(2e-5);
    });
    expect(largestDifference(other.result, reference.result)).toBeLessThan(5e-6);
  }
});

// Orders are measured inside a longer walk, since the last steps are of lower order for all; the counts are so that no
// error falls to float32's 1e-6 or changes its sign.
const orders: [name: string, sampler: Sampler, options: SamplerOptions, order: number, steps: number][] = [
  ["euler", sampleEuler, {}, 1, 12],
  ["ddim", sampleDdim, {}, 1, 12],
  ["heun", sampleHeun, {}, 2, 12],
  ["dpmpp_2m", sampleDpmpp2m, {}, 2, 12],
  ["dpmpp_2m_sde, eta 0", sampleDpmpp2mSde, { eta: 0 }, 2, 12],
  ["dpmpp_2m_sde_heun, eta 0", sampleDpmpp2mSdeHeun, { eta: 0 }, 2, 48],
  ["uni_pc of order 1 with corrector", sampleUniPc, { order: 1 }, 2, 12],
  ["uni_pc of order 2", sampleUniPc, { order: 2 }, 3, 24],
  ["uni_pc_bh2 of order 2", sampleUniPcBh2, { order: 2 }, 3, 24],
  ["uni_pc of order 3", sampleUniPc, {}, 3, 12],
  ["uni_pc_bh2 of order 2 without corrector", sampleUniPcBh2, { order: 2, corrector: false }, 2, 12],
];

test.each(orders)("%s converges at its order", async (_, sampler, options, order, steps) => {
  const error = async (count: number) => {
    // `count` steps from 4 to 0.5, and three more.
    const sigmas = Array.from({ length: count + 4 }, (_, i) => 4 * (0.5 / 4) ** (i / count));
    const unit = { mean: 0, deviation: 1 };
    const walk = await run(sampler, gaussianDenoise(unit), Float32Array.of(3.7), sigmas, options);
    return Math.abs(walk.steps[count]!.x[0]! - gaussianPath(unit, 3.7, 4, 0.5));
  };
  const measured = Math.log2((await error(steps)) / (await error(2 * steps)));
  expect(measured).toBeGreaterThan(order - 0.35);
});

test.each([
  ["euler", sampleEuler, 1],
  ["ddim", sampleDdim, 1],
  ["heun", sampleHeun, 2],
  ["dpmpp_2m", sampleDpmpp2m, 2],
  ["uni_pc", sampleUniPc, 2],
  ["uni_pc_bh2", sampleUniPcBh2, 2],
] as const)("%s keeps its order from the exact terminal", async (_, sampler, order) => {
  const error = async (steps: number) => {
    // Even steps in rectified time from 1 to 1/3: sigma from Infinity to 0.5.
    const sigmas = Array.from({ length: steps + 1 }, (_, i) => {
      const time = 1 - ((2 / 3) * i) / steps;
      return time === 1 ? Number.POSITIVE_INFINITY : time / (1 - time);
    });
    const { result } = await run(sampler, gaussianDenoise({ mean: 0, deviation: 1 }), Float32Array.of(1.3), sigmas);
    return Math.abs(result[0]! - gaussianPath({ mean: 0, deviation: 1 }, 1.3, Number.POSITIVE_INFINITY, 0.5));
  };
  const measured = Math.log2((await error(12)) / (await error(24)));
  expect(measured).toBeGreaterThan(order - 0.35);
});

test("Heun leaves the terminal as Heun on rectified flow does, written in flow's own variables", async () => {
  const denoise = gaussianDenoise(data);
  const noise = torchGenerator(6).randn(32);
  const time = 0.9;
  const sigma = time / (1 - time);
  const { steps } = await run(sampleHeun, denoise, noise, [Number.POSITIVE_INFINITY, sigma, 0]);
  // z = (1 - s) x0 + s noise moves with the velocity (z - x0) / s; here by the mean of both ends' velocities.
  const first = await denoise(noise, Number.POSITIVE_INFINITY);
  const velocity = noise.map((z, k) => z - first[k]!);
  const guess = noise.map((z, k) => z + (time - 1) * velocity[k]!);
  const second = await denoise(
    guess.map((z) => z / (1 - time)),
    sigma,
  );
  const end = noise.map((z, k) => z + ((time - 1) / 2) * (velocity[k]! + (guess[k]! - second[k]!) / time));
  // States up to 20 in float32, divided by 1 - s = 0.1.
  expect(
    largestDifference(
      steps[1]!.x,
      end.map((z) => z / (1 - time)),
    ),
  ).toBeLessThan(1e-5);
});

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, v, i) => Math.max(largest, Math.abs(v - b[i]!)), 0);
}
