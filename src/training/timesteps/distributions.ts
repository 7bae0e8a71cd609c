/**
 * @file From which part of the noise a training draw comes: distributions of u on [0, 1], 0 no noise and 1 all of it.
 * Each is its distribution function from both sides and its quantile; densities, draws and strata follow from those.
 * Esser et al. (2024), "Scaling rectified flow transformers", section 3.1, is the source of the first three shapes.
 */

import { IllustriousError } from "../../base/error.ts";
import { betaDistribution, betaQuantile } from "../../sampling/schedules/beta-quantile.ts";
import { normalSurvival } from "./normal.ts";

export type TimestepDistribution =
  | { kind: "uniform" }
  /** logit u ~ N(mean, deviation^2): nothing at either end. Equation 19. Mean 0, deviation 1 by default. */
  | { kind: "logit_normal"; mean?: number; deviation?: number }
  /** u = 1 - r - scale (cos^2(pi r / 2) - 1 + r) for uniform r: equation 20. -1 <= scale <= 2 / (pi - 2). */
  | { kind: "mode"; scale: number }
  /** Density 2 / (pi - 2 pi u + 2 pi u^2), the cosine schedule's: equation 21. */
  | { kind: "cosmap" }
  /** u ~ Beta(a, b); a > b leans to noise. B-TTDM (Zheng et al. 2024, "Beta-tuned timestep diffusion model"). */
  | { kind: "beta"; a: number; b: number }
  /**
   * A Laplace distribution of ln SNR around `mu` of width `b`, on the levels of the trained table (Hang and Gu 2024,
   * "Improved noise schedule for diffusion training"). "levels", the default, is what the forks of kohya's trainers
   * with EDM2 weighting do: the density at each level's ln SNR is the level's weight, whatever the distance between
   * levels. "log_snr" is the paper's: ln SNR itself has the distribution, cut off at the ends of the table.
   */
  | { kind: "laplace"; mu: number; b: number; measure?: "levels" | "log_snr" }
  /** A weight for each level, in any unit; as many as the table has levels. */
  | { kind: "table"; weights: readonly number[] | Float64Array };

export type UnitDistribution = {
  /** P(u <= x). */
  cdf(x: number): number;
  /** P(u > x), exact where it is small. */
  survival(x: number): number;
  /** The x with P(u <= x) = p. */
  quantile(p: number): number;
};

/** `logSnrs`: ln SNR of each level of the table, falling; -Infinity where nothing is left of the signal. */
export function distributionOf(options: TimestepDistribution, logSnrs: Float64Array): UnitDistribution {
  switch (options.kind) {
    case "uniform":
      return { cdf: (x) => x, survival: (x) => 1 - x, quantile: (p) => p };
    case "logit_normal":
      return logitNormal(options.mean ?? 0, options.deviation ?? 1);
    case "mode":
      return mode(options.scale);
    case "cosmap":
      return {
        cdf: (x) => (2 / Math.PI) * Math.atan2(x, 1 - x),
        survival: (x) => (2 / Math.PI) * Math.atan2(1 - x, x),
        quantile: (p) => 1 - 1 / (Math.tan((Math.PI / 2) * p) + 1),
      };
    case "beta":
      return beta(options.a, options.b);
    case "laplace":
      return laplace(options.mu, options.b, options.measure ?? "levels", logSnrs);
    case "table":
      return stepwise(options.weights, logSnrs.length);
  }
}

function logitNormal(mean: number, deviation: number): UnitDistribution {
  need(Number.isFinite(mean) && deviation > 0 && Number.isFinite(deviation), "logit_normal", { mean, deviation });
  const standard = (x: number) => (Math.log(x) - Math.log1p(-x) - mean) / deviation;
  const cdf = (x: number) => normalSurvival(-standard(x));
  return { cdf, survival: (x) => normalSurvival(standard(x)), quantile: inverse(cdf) };
}

function mode(scale: number): UnitDistribution {
  // Beyond these the map folds back, and a level would be drawn from two sides.
  need(scale >= -1 && scale <= 2 / (Math.PI - 2), "mode", { scale });
  const at = (r: number) => 1 - r - scale * (Math.cos((Math.PI / 2) * r) ** 2 - 1 + r);
  // u falls as r rises: P(u > x) is the r with u(r) = x.
  const survival = (x: number) => inverse((r) => 1 - at(r))(1 - x);
  return { cdf: (x) => 1 - survival(x), survival, quantile: (p) => at(1 - p) };
}

function beta(a: number, b: number): UnitDistribution {
  need(a > 0 && b > 0 && Number.isFinite(a) && Number.isFinite(b), "beta", { a, b });
  return {
    cdf: (x) => betaDistribution(x, a, b),
    survival: (x) => betaDistribution(1 - x, b, a),
    quantile: (p) => betaQuantile(p, a, b),
  };
}

function laplace(mu: number, b: number, measure: "levels" | "log_snr", logSnrs: Float64Array): UnitDistribution {
  need(Number.isFinite(mu) && b > 0 && Number.isFinite(b), "laplace", { mu, b });
  if (measure === "levels") {
    return stepwise(
      logSnrs.map((lambda) => Math.exp(-Math.abs(lambda - mu) / b)),
      logSnrs.length,
    );
  }
  const above = (lambda: number) => (lambda > mu ? 0.5 * Math.exp((mu - lambda) / b) : 1 - below(lambda));
  const below = (lambda: number): number => (lambda > mu ? 1 - above(lambda) : 0.5 * Math.exp((lambda - mu) / b));
  // Between two levels ln SNR is drawn on a line; at the end of a zero-SNR table that line has no slope but a jump.
  const last = logSnrs.length - 1;
  const at = (x: number) => {
    const place = Math.min(Math.max(x * logSnrs.length - 0.5, 0), last);
    const low = Math.floor(place);
    if (low === place) return logSnrs[low]!;
    return logSnrs[low]! + (place - low) * (logSnrs[low + 1]! - logSnrs[low]!);
  };
  const [first, end] = [logSnrs[0]!, logSnrs[last]!];
  const total = above(end) - above(first);
  const cdf = (x: number) => (above(at(x)) - above(first)) / total;
  return { cdf, survival: (x) => (below(at(x)) - below(end)) / total, quantile: inverse(cdf) };
}

/** Constant within each level's share of [0, 1]. */
function stepwise(weights: readonly number[] | Float64Array, levels: number): UnitDistribution {
  const values = Float64Array.from(weights);
  const total = values.reduce((sum, w) => sum + w, 0);
  if (values.length !== levels || !values.every((w) => w >= 0) || !(total > 0 && Number.isFinite(total))) {
    throw new IllustriousError(
      "bad_option",
      `${values.length} timestep weights that add to ${total}, for ${levels} levels`,
      "Give one weight >= 0 for each level, and at least one above 0.",
    );
  }
  const below = new Float64Array(levels + 1);
  const above = new Float64Array(levels + 1);
  for (let i = 0; i < levels; i++) below[i + 1] = below[i]! + values[i]! / total;
  for (let i = levels; i > 0; i--) above[i - 1] = above[i]! + values[i - 1]! / total;
  const along = (sums: Float64Array, x: number) => {
    const place = Math.min(Math.max(x, 0), 1) * levels;
    const low = Math.min(Math.floor(place), levels - 1);
    return sums[low]! + (place - low) * (sums[low + 1]! - sums[low]!);
  };
  const cdf = (x: number) => along(below, x);
  return { cdf, survival: (x) => along(above, x), quantile: inverse(cdf) };
}

/** Inverts a function that does not fall on [0, 1], by bisection: it cannot fail, and a batch asks for a few values. */
export function inverse(rising: (x: number) => number): (value: number) => number {
  return (value) => {
    let [low, high] = [0, 1];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (rising(middle) < value) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  };
}

function need(holds: boolean, kind: string, values: Record<string, number>): void {
  if (holds) return;
  const given = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  const ranges: Record<string, string> = {
    logit_normal: "a finite mean and a deviation > 0",
    mode: "a scale from -1 to 2 / (pi - 2) = 1.7519",
    beta: "a > 0 and b > 0",
    laplace: "a finite mu and b > 0",
  };
  throw new IllustriousError("bad_option", `timesteps ${kind}: ${given.join(", ")}`, `Needs ${ranges[kind]}.`);
}
