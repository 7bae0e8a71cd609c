/**
 * @file UniPC: a multistep predictor and a corrector that costs no call. Zhao et al. (2023), "UniPC: a unified
 * predictor-corrector framework", Algorithms 5 to 8 in their data-prediction form.
 *
 * The guess at the new level is made at the predicted point; the corrector then moves `x`, and the guess is kept. The
 * last steps are of lower order, and the last of all is the guess itself. B(h) is `-h` for bh1 and `exp(-h) - 1` for
 * bh2. From the terminal h is infinite: bh1 has no limit there and uses bh2's B for that one step, and the terminal's
 * guess is too far away to serve as history afterwards.
 */

import { checkSigmas, type Denoise, type SamplerOptions, type Sigmas, stepTo, type Walk } from "../sampler.ts";

export type UniPcVariant = "bh1" | "bh2";

/** A guess and where it was made: lambda = -ln sigma. */
type Past = { lambda: number; denoised: Float32Array };

/** From one level to another: everything that predictor and corrector share. */
type Move = {
  x: Float32Array;
  sigma: number;
  next: number;
  past: readonly Past[];
  order: number;
  variant: UniPcVariant;
};

/** `uni_pc` of ComfyUI and the A1111 web UI: bh1. `order` 1 to 3, 3 by default; `corrector` true by default. */
export function sampleUniPc(denoise: Denoise, x: Float32Array, sigmas: Sigmas, options?: SamplerOptions): Walk {
  return walk(denoise, x, sigmas, options, "bh1");
}

/** `uni_pc_bh2` of ComfyUI. At order 2 and without corrector it is DPM++ 2M. */
export function sampleUniPcBh2(denoise: Denoise, x: Float32Array, sigmas: Sigmas, options?: SamplerOptions): Walk {
  return walk(denoise, x, sigmas, options, "bh2");
}

async function* walk(
  denoise: Denoise,
  x: Float32Array,
  sigmas: Sigmas,
  { order = 3, corrector = true }: SamplerOptions = {},
  variant: UniPcVariant,
): Walk {
  checkSigmas(sigmas);
  const steps = sigmas.length - 1;
  let past: readonly Past[] = [];
  let move: Move | undefined;
  for (let index = 0; index < steps; index++) {
    const sigma = sigmas[index]!;
    const sigmaNext = sigmas[index + 1]!;
    const denoised = await denoise(x, sigma);
    yield { index, sigma, sigmaNext, x, denoised };
    if (sigmaNext === 0) return denoised;
    if (corrector && move) x = correct(move, denoised);
    const usable = past.filter((p) => Number.isFinite(p.lambda));
    past = [{ lambda: -Math.log(sigma), denoised }, ...usable].slice(0, order);
    move = { x, sigma, next: sigmaNext, past, order: Math.min(past.length, steps - index), variant };
    x = predict(move);
  }
  return x;
}

function predict(move: Move): Float32Array {
  const { ratios, matrix, target } = conditions(move);
  const size = ratios.length - 1;
  // Half is what the paper's own code takes for order 2; solving would give it up to the next order in h.
  const weights = size === 1 ? [0.5] : solve(matrix.slice(0, size), target.slice(0, size), size);
  return combine(move, weights, ratios);
}

function correct(move: Move, denoisedNext: Float32Array): Float32Array {
  const { ratios, matrix, target } = conditions(move);
  const weights = ratios.length === 1 ? [0.5] : solve(matrix, target, ratios.length);
  return combine(move, weights, ratios, denoisedNext);
}

/** Euler's step, less B times the weighted differences of guesses. */
function combine(
  move: Move,
  weights: readonly number[],
  ratios: readonly number[],
  denoisedNext?: Float32Array,
): Float32Array {
  const { past, sigma, next } = move;
  const current = past[0]!.denoised;
  const others = past.slice(1, move.order).map((p) => p.denoised);
  if (denoisedNext) others.push(denoisedNext);
  const out = stepTo(move.x, current, sigma, next);
  const b = stepFunction(move);
  for (const [i, other] of others.entries()) {
    const factor = (b * weights[i]!) / ratios[i]!;
    for (let k = 0; k < out.length; k++) out[k]! -= factor * (other[k]! - current[k]!);
  }
  return out;
}

/** The order conditions: rows are powers of the ratios r = (lambda_i - lambda_0) / h, with r = 1 for the new level. */
function conditions(move: Move): { ratios: number[]; matrix: number[][]; target: number[] } {
  const h = Math.log(move.sigma / move.next);
  const [current, ...earlier] = move.past.slice(0, move.order);
  const ratios = [...earlier.map((p) => (p.lambda - current!.lambda) / h), 1];
  const b = stepFunction(move);
  const matrix: number[][] = [];
  const target: number[] = [];
  let phi = Math.expm1(-h) / -h - 1;
  let factorial = 1;
  for (let row = 0; row < ratios.length; row++) {
    matrix.push(ratios.map((r) => r ** row));
    target.push((phi * factorial) / b);
    factorial *= row + 2;
    phi = phi / -h - 1 / factorial;
  }
  return { ratios, matrix, target };
}

/** The paper's B(h). */
function stepFunction({ sigma, next, variant }: Move): number {
  const h = Math.log(sigma / next);
  return variant === "bh1" && Number.isFinite(h) ? -h : Math.expm1(-h);
}

/** Gaussian elimination with pivoting, for the two or three unknowns that there are. */
function solve(matrix: readonly (readonly number[])[], target: readonly number[], size: number): number[] {
  const rows = matrix.map((row, i) => [...row.slice(0, size), target[i]!]);
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    for (const row of rows.slice(column + 1)) {
      const factor = row[column]! / pivot[column]!;
      for (let k = column; k <= size; k++) row[k]! -= factor * pivot[k]!;
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    const known = solution.reduce((sum, value, k) => sum + (k > i ? rows[i]![k]! * value : 0), 0);
    solution[i] = (rows[i]![size]! - known) / rows[i]![i]!;
  }
  return solution;
}
