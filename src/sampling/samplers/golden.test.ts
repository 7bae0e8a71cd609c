/**
 * @file Whole trajectories of k-diffusion's samplers and diffusers' schedulers, computed in float64 on data whose best
 * denoiser is known exactly: `scripts/goldens/samplers.py`.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Denoise, Sampler, SamplerOptions, Sigmas } from "../sampler.ts";
import { discreteTable } from "../tables.ts";
import { sampleDdim } from "./ddim.ts";
import { sampleDpmpp2m, sampleDpmpp2mSde, sampleDpmpp2mSdeHeun } from "./dpmpp.ts";
import { sampleEuler, sampleEulerAncestral } from "./euler.ts";
import { sampleHeun } from "./heun.ts";
import { sampleUniPc, sampleUniPcBh2 } from "./unipc.ts";

type KDiffusionCase = {
  name: string;
  sampler: string;
  options: { eta?: number; s_noise?: number; solver_type?: string; s_churn?: number; s_tmin?: number; s_tmax?: number };
  sigmas: number[];
  noise: number[];
  x: number[][];
};
type DiffusersConfig = {
  rescale_betas_zero_snr?: boolean;
  set_alpha_to_one?: boolean;
  solver_order?: number;
  solver_type?: string;
  algorithm_type?: string;
  predict_x0?: boolean;
};
type DiffusersCase = {
  name: string;
  scheduler: string;
  config: DiffusersConfig;
  steps: number;
  eta?: number;
  timesteps: number[];
  sigmas?: number[];
  initNoiseSigma: number;
  space: "vp" | "ve";
  noise: number[];
  x: number[][];
};
type Fixture = {
  denoiser: { weights: number[]; means: number[]; deviations: number[] };
  noise: number[][];
  kDiffusion: KDiffusionCase[];
  diffusers: DiffusersCase[];
};

const path = new URL("../../../test/fixtures/samplers.json.gz", import.meta.url);
const fixture: Fixture = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8"));

/** The best denoiser of a mixture of Gaussians: each component's, weighted by how likely it made the number. */
const denoise: Denoise = async (x, sigma) => {
  const { weights, means, deviations } = fixture.denoiser;
  if (sigma === Number.POSITIVE_INFINITY) return x.map(() => weights.reduce((sum, w, i) => sum + w * means[i]!, 0));
  return x.map((v) => {
    const parts = weights.map((weight, i) => {
      const [mean, variance] = [means[i]!, deviations[i]! ** 2 + sigma ** 2];
      const log = Math.log(weight) - Math.log(variance) / 2 - (v - mean) ** 2 / (2 * variance);
      return { log, guess: mean + (deviations[i]! ** 2 * (v - mean)) / variance };
    });
    const highest = Math.max(...parts.map((p) => p.log));
    const total = parts.reduce((sum, p) => sum + Math.exp(p.log - highest), 0);
    return parts.reduce((sum, p) => sum + (Math.exp(p.log - highest) / total) * p.guess, 0);
  });
};

/** Every state before a step, then the result. */
async function states(
  sampler: Sampler,
  x: Float32Array,
  sigmas: Sigmas,
  options: SamplerOptions,
): Promise<Float32Array[]> {
  const walk = sampler(denoise, x, sigmas, options);
  const found: Float32Array[] = [];
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return [...found, value];
    found.push(value.x);
  }
}

/** Their draws are one a step from the first on; ours are asked for by the step's level. */
function drawsOf(rows: readonly number[], sigmas: Sigmas): (sigma: number) => Float32Array {
  return (sigma) => Float32Array.from(fixture.noise[rows[sigmas.indexOf(sigma)]!]!);
}

/** The largest difference of a trajectory, each state relative to its own largest number. */
function difference(found: readonly Float32Array[], wanted: readonly (readonly number[])[]): number {
  expect(found.length).toBe(wanted.length);
  return wanted.reduce((worst, state, i) => {
    const size = Math.max(1, ...state.map(Math.abs));
    const apart = Math.max(...state.map((v, k) => Math.abs(found[i]![k]! - v)));
    return Math.max(worst, apart / size);
  }, 0);
}

function sdeSolver(type: string | undefined): Sampler {
  return type === "heun" ? sampleDpmpp2mSdeHeun : sampleDpmpp2mSde;
}

// States are float32, the goldens float64: 6e-8 a step, over up to 28 steps that mostly contract. Measured: at most
// 1.1e-6.
const TOLERANCE = 3e-6;
// One step, a few roundings. Measured: at most 1.7e-7.
const STEP_TOLERANCE = 5e-7;

const kSamplers: Record<string, (options: KDiffusionCase["options"]) => Sampler> = {
  sample_euler: () => sampleEuler,
  sample_euler_ancestral: () => sampleEulerAncestral,
  sample_heun: () => sampleHeun,
  sample_dpmpp_2m: () => sampleDpmpp2m,
  sample_dpmpp_2m_sde: (options) => sdeSolver(options.solver_type),
};

const kCases = fixture.kDiffusion.filter((c) => c.sampler in kSamplers);

test("the k-diffusion cases cover each of its samplers that there is here", () => {
  expect(new Set(kCases.map((c) => c.sampler))).toEqual(new Set(Object.keys(kSamplers)));
  expect(kCases.length).toBeGreaterThan(60);
});

test.each(kCases)("k-diffusion: $name", async ({ sampler, options, sigmas, noise, x }) => {
  // Not x[0]: that is the state after churn.
  const start = Float32Array.from(fixture.noise[0]!, (v) => v * sigmas[0]!);
  const found = await states(kSamplers[sampler]!(options), start, sigmas, {
    ...(options.eta === undefined ? {} : { eta: options.eta }),
    ...(options.s_noise === undefined ? {} : { noiseScale: options.s_noise }),
    ...(options.s_churn === undefined
      ? {}
      : { churn: options.s_churn, churnRange: [options.s_tmin!, options.s_tmax!] }),
    noise: drawsOf(noise, sigmas),
  });
  expect(difference(found, x)).toBeLessThan(TOLERANCE);
});

function diffusersSampler(c: DiffusersCase): { sampler: Sampler; options: SamplerOptions } | undefined {
  const { solver_order: order = 2, solver_type: type, algorithm_type: algorithm } = c.config;
  if (c.scheduler === "EulerDiscreteScheduler") return { sampler: sampleEuler, options: {} };
  if (c.scheduler === "EulerAncestralDiscreteScheduler") return { sampler: sampleEulerAncestral, options: {} };
  if (c.scheduler === "UniPCMultistepScheduler") {
    if (c.config.predict_x0 === false) return undefined;
    return { sampler: type === "bh1" ? sampleUniPc : sampleUniPcBh2, options: { order } };
  }
  if (c.scheduler !== "DPMSolverMultistepScheduler" || order === 3) return undefined;
  if (algorithm === "sde-dpmsolver++") return { sampler: sdeSolver(type), options: {} };
  if (order === 1) return { sampler: sampleEuler, options: {} };
  // Without noise the "heun" form is DPM-Solver++'s own second variant.
  return type === "heun"
    ? { sampler: sampleDpmpp2mSdeHeun, options: { eta: 0 } }
    : { sampler: sampleDpmpp2m, options: {} };
}

const diffusersCases = fixture.diffusers.flatMap((c) => {
  const found = diffusersSampler(c);
  return found && c.sigmas ? [{ ...c, ...found, sigmas: c.sigmas }] : [];
});

test.each(diffusersCases)("diffusers: $name", async ({ sampler, options, sigmas, noise, space, x }) => {
  // Variance-preserving states are the signal times ours.
  const signal = (i: number) => (space === "vp" ? 1 / Math.hypot(1, sigmas[i]!) : 1);
  const start = Float32Array.from(x[0]!, (v) => v / signal(0));
  const found = await states(sampler, start, sigmas, { ...options, noise: drawsOf(noise, sigmas) });
  const theirs = found.map((state, i) => state.map((v) => v * signal(i)));
  expect(difference(theirs, x)).toBeLessThan(TOLERANCE);
});

const ddimCases = fixture.diffusers.filter((c) => c.scheduler === "DDIMScheduler");

// diffusers' DDIM steps to time t - floor(1000 / steps), which for 28 steps is not the time that it visits next. So
// each of its steps is walked alone, from its own state to its own target.
test.each(ddimCases)("diffusers, step by step: $name", async (c) => {
  const table = discreteTable({ zeroSnr: c.config.rescale_betas_zero_snr ? "exact" : false });
  const stride = Math.floor(1000 / c.steps);
  for (const [i, t] of c.timesteps.entries()) {
    const sigma = table.sigmas[t]!;
    const previous = t - stride;
    const target = previous >= 0 ? table.sigmas[previous]! : c.config.set_alpha_to_one === false ? table.sigmas[0]! : 0;
    const signal = sigma === Number.POSITIVE_INFINITY ? 1 : 1 / Math.hypot(1, sigma);
    const from = Float32Array.from(c.x[i]!, (v) => v / signal);
    const noise = c.eta ? { noise: () => Float32Array.from(fixture.noise[c.noise[i]!]!) } : {};
    const [, end] = await states(sampleDdim, from, [sigma, target], { eta: c.eta ?? 0, ...noise });
    const theirs = end!.map((v) => v / Math.hypot(1, target));
    expect(difference([theirs], [c.x[i + 1]!])).toBeLessThan(STEP_TOLERANCE);
  }
});

test("every diffusers case is compared or known to be another method", () => {
  const left = fixture.diffusers.filter((c) => !diffusersSampler(c) && c.scheduler !== "DDIMScheduler");
  // Third order DPM-Solver++ and UniPC in its noise-prediction form.
  expect(left.every((c) => c.config.solver_order === 3 || c.config.predict_x0 === false)).toBe(true);
  expect(left.length).toBe(8);
});
