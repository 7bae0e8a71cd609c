/**
 * @file Noise tables: the levels that a model was trained on, and how it is told which one it is looking at.
 *
 * Everything is float64. diffusers computes betas and their products in float32, which moves its sigmas by a few 1e-6
 * relative; the exact numbers are the better reference, and pictures do not show the difference.
 */

import { IllustriousError } from "../base/error.ts";

/**
 * How the last level of a rescaled schedule is written. "exact": signal 0, sigma = Infinity. "comfyui" and "diffusers"
 * are those programs' stand-ins, for repeating their pictures: alpha-bar 4.8973451890853435e-08 (sigma 4518.76) and
 * 2^-24 (sigma 4096). `false`: the schedule is not rescaled.
 */
export type ZeroSnr = false | "exact" | "comfyui" | "diffusers";

/** What the network is told of a sigma between two trained levels: the time between them, or the nearer level's. */
export type TimeRounding = "interpolate" | "nearest";

export type NoiseTable = {
  family: "discrete" | "flow" | "edm";
  /** Noise over signal at each trained level, rising; the last is Infinity where the signal vanishes. */
  sigmas: Float64Array;
  zeroSnr: ZeroSnr;
  /** Factor on every sigma against the unshifted schedule. */
  shift: number;
  /** Whether the levels are somebody's own, by their betas, and no multiple of SDXL's. */
  isListed?: boolean;
  /** Times of the first and the last level; schedules that divide time evenly divide this range. */
  firstTime: number;
  lastTime: number;
  /** The noise level at a time, which may lie between two levels. */
  sigmaAt(time: number): number;
  /** The number that the network is given for a noise level. */
  timestep(sigma: number): number;
  /** Standard deviation of the data that the preconditioning assumes. */
  sigmaData: number;
};

export type DiscreteOptions = {
  betaStart?: number;
  betaEnd?: number;
  betaCurve?: (typeof BETA_CURVES)[number];
  levels?: number;
  /** The levels' betas themselves, in place of the curve: each above 0 and below 1, the last 1 where no signal is left. */
  betas?: readonly number[];
  zeroSnr?: ZeroSnr;
  /** Factor on every sigma; `2 ln(shift)` less log-SNR. Hoogeboom et al. (2023), "Simple diffusion", equation 4. */
  shift?: number;
  rounding?: TimeRounding;
};

const TERMINAL_ALPHA_BAR = { exact: 0, comfyui: 4.8973451890853435e-8, diffusers: 2 ** -24 };

/** ComfyUI's largest sigma of a rescaled schedule; for schedules whose formula needs a finite one. */
export const FINITE_TERMINAL: number = Math.sqrt((1 - TERMINAL_ALPHA_BAR.comfyui) / TERMINAL_ALPHA_BAR.comfyui);

/** Curves of beta by diffusers' names. */
export const BETA_CURVES = ["scaled_linear", "linear", "squaredcos_cap_v2"] as const;

/**
 * beta of each level. "scaled_linear" is linear in the square root (latent diffusion, SDXL); "squaredcos_cap_v2" is the cosine
 * of Nichol & Dhariwal (2021), equation 17, capped at 0.999, whatever its ends are said to be.
 */
export function betas(options: DiscreteOptions = {}): Float64Array {
  const { betaStart = 0.00085, betaEnd = 0.012, betaCurve = "scaled_linear", levels = 1000 } = options;
  if (betaCurve === "squaredcos_cap_v2") {
    const left = (level: number) => Math.cos((((level / levels + 0.008) / 1.008) * Math.PI) / 2) ** 2;
    return Float64Array.from({ length: levels }, (_, i) => Math.min(1 - left(i + 1) / left(i), 0.999));
  }
  const power = betaCurve === "linear" ? 1 : 2;
  const start = betaStart ** (1 / power);
  const end = betaEnd ** (1 / power);
  return Float64Array.from({ length: levels }, (_, i) => (start + ((end - start) * i) / (levels - 1)) ** power);
}

/** The share of the picture's variance left at each level: the running product of 1 - beta. */
export function alphaBars(beta: Float64Array): Float64Array {
  let product = 1;
  return beta.map((b) => {
    product *= 1 - b;
    return product;
  });
}

/**
 * Moves and stretches sqrt(alpha-bar) so that the first level stays and the last has no signal.
 * Lin et al. (2023), "Common diffusion noise schedules and sample steps are flawed", Algorithm 1.
 */
export function rescaleToZeroSnr(alphaBar: Float64Array): Float64Array {
  const first = Math.sqrt(alphaBar[0]!);
  const last = Math.sqrt(alphaBar.at(-1)!);
  return alphaBar.map((a) => ((Math.sqrt(a) - last) * (first / (first - last))) ** 2);
}

/** SDXL's table, or one like it: levels numbered from 0, 1000 of them. */
export function discreteTable(options: DiscreteOptions = {}): NoiseTable {
  const { zeroSnr = false, shift = 1, rounding = "interpolate" } = options;
  checkShift(shift);
  let alphaBar = alphaBars(options.betas ? checkedBetas(options.betas) : betas(options));
  if (zeroSnr) {
    // What has no signal at its end already stays, to the last digit.
    if (alphaBar.at(-1) !== 0) alphaBar = rescaleToZeroSnr(alphaBar);
    alphaBar[alphaBar.length - 1] = TERMINAL_ALPHA_BAR[zeroSnr];
  }
  const sigmas = alphaBar.map((a) => shift * Math.sqrt((1 - a) / a));
  const lastTime = sigmas.length - 1;
  const between = betweenLevels(sigmas);
  return {
    family: "discrete",
    sigmas,
    // Betas that end in 1 leave no signal without any rescaling.
    zeroSnr: sigmas[lastTime] === Number.POSITIVE_INFINITY ? "exact" : zeroSnr,
    shift,
    ...(options.betas && { isListed: true }),
    firstTime: 0,
    lastTime,
    sigmaAt: between.sigmaAt,
    timestep: rounding === "nearest" ? (sigma) => Math.round(between.timeOf(sigma)) : between.timeOf,
    sigmaData: 1,
  };
}

/**
 * Rectified flow, `z = (1 - s) x0 + s noise` with the time s in (0, 1]. Its sigma here is s / (1 - s), so time 1 is
 * Infinity and every sampler works unchanged; the network is given 1000 s. A shift of `a` (Esser et al. 2024, equation
 * 23: s' = a s / (1 + (a - 1) s)) is a factor `a` on that sigma.
 */
export function flowTable(options: { levels?: number; shift?: number } = {}): NoiseTable {
  const { levels = 1000, shift = 1 } = options;
  checkShift(shift);
  const sigmaAt = (time: number) => {
    const s = Math.min(Math.max(time, 0), levels) / levels;
    return (shift * s) / (1 - s);
  };
  return {
    family: "flow",
    sigmas: Float64Array.from({ length: levels }, (_, i) => sigmaAt(i + 1)),
    zeroSnr: "exact",
    shift,
    firstTime: 1,
    lastTime: levels,
    sigmaAt,
    timestep: (sigma) => 1000 * flowTime(sigma),
    sigmaData: 1,
  };
}

/** The share of noise s in `z = (1 - s) x0 + s noise` at a sigma; 1 at Infinity. */
export function flowTime(sigma: number): number {
  return sigma === Number.POSITIVE_INFINITY ? 1 : sigma / (1 + sigma);
}

/**
 * The continuous levels of EDM and CosXL, Karras et al. (2022): sigma from `sigmaMin` to `sigmaMax`, and the network is
 * given ln(sigma) / 4. The defaults are CosXL's.
 */
export function edmTable(options: { sigmaMin?: number; sigmaMax?: number; sigmaData?: number } = {}): NoiseTable {
  const { sigmaMin = 0.002, sigmaMax = 120, sigmaData = 1 } = options;
  if (!(sigmaMin > 0 && sigmaMax > sigmaMin && Number.isFinite(sigmaMax))) {
    throw new IllustriousError(
      "bad_schedule",
      `sigma range ${sigmaMin} to ${sigmaMax}`,
      "Needs 0 < sigmaMin < sigmaMax.",
    );
  }
  const levels = 1000;
  const [low, high] = [Math.log(sigmaMin), Math.log(sigmaMax)];
  const sigmas = Float64Array.from({ length: levels }, (_, i) => Math.exp(low + ((high - low) * i) / (levels - 1)));
  sigmas[0] = sigmaMin;
  sigmas[levels - 1] = sigmaMax;
  return {
    family: "edm",
    sigmas,
    zeroSnr: false,
    shift: 1,
    firstTime: low / 4,
    lastTime: high / 4,
    sigmaAt: (time) => Math.exp(4 * time),
    timestep: (sigma) => Math.log(sigma) / 4,
    sigmaData,
  };
}

/** The table's largest sigma, or ComfyUI's stand-in for it where it is infinite. */
export function finiteSigmaMax(table: NoiseTable): number {
  const last = table.sigmas.at(-1)!;
  return last === Number.POSITIVE_INFINITY ? table.shift * FINITE_TERMINAL : last;
}

function checkedBetas(list: readonly number[]): Float64Array {
  const last = list.length - 1;
  const wrong = list.findIndex((beta, t) => !(beta > 0 && (beta < 1 || (beta === 1 && t === last))));
  if (wrong < 0 && last > 0) return Float64Array.from(list);
  throw new IllustriousError(
    "bad_schedule",
    last > 0 ? `beta ${wrong} of ${list.length} is ${list[wrong]}` : `a noise schedule of ${list.length} betas`,
    "Needs two betas at least, each above 0 and below 1; only the last may be 1.",
  );
}

function checkShift(shift: number): void {
  if (shift > 0 && Number.isFinite(shift)) return;
  throw new IllustriousError(
    "bad_option",
    `schedule shift ${shift}`,
    "A shift is a positive factor; 1 leaves the schedule.",
  );
}

/**
 * Times and sigmas between trained levels, linear in ln(sigma) as diffusers and k-diffusion have it. The cell that ends
 * at an infinite sigma has no such line; there the signal sqrt(alpha-bar) falls linearly, as it does in the rescaled
 * schedule's last levels (sigma 4518 is then time 998.5).
 */
function betweenLevels(sigmas: Float64Array): { sigmaAt(time: number): number; timeOf(sigma: number): number } {
  const last = sigmas.length - 1;
  const signal = (sigma: number) => 1 / Math.sqrt(1 + sigma * sigma);
  const inTerminalCell = (low: number) => sigmas[low + 1] === Number.POSITIVE_INFINITY;

  function sigmaAt(time: number): number {
    const clamped = Math.min(Math.max(time, 0), last);
    const low = Math.floor(clamped);
    const part = clamped - low;
    if (part === 0) return sigmas[low]!;
    if (inTerminalCell(low)) {
      const alpha = (1 - part) * signal(sigmas[low]!);
      return Math.sqrt(1 - alpha * alpha) / alpha;
    }
    return Math.exp((1 - part) * Math.log(sigmas[low]!) + part * Math.log(sigmas[low + 1]!));
  }

  function timeOf(sigma: number): number {
    if (sigma >= sigmas[last]!) return last;
    if (sigma <= sigmas[0]!) return 0;
    let low = 0;
    for (let high = last; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if (sigmas[middle]! <= sigma) low = middle;
      else high = middle;
    }
    if (sigma === sigmas[low]) return low;
    if (inTerminalCell(low)) return low + 1 - signal(sigma) / signal(sigmas[low]!);
    const from = Math.log(sigmas[low]!);
    return low + (Math.log(sigma) - from) / (Math.log(sigmas[low + 1]!) - from);
  }

  return { sigmaAt, timeOf };
}
