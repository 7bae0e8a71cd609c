/**
 * @file How far off a walk ends, measured before it is walked with a network: the same sampler on the same levels, on
 * Gaussian data, whose best denoiser is known. It costs a few milliseconds and needs no list of what goes with what.
 */

import type { Finding } from "./finding.ts";
import { type Gaussian, gaussianDenoise } from "./gaussian.ts";
import { initialLatents } from "./initial.ts";
import type { SamplerOptions, Sigmas } from "./sampler.ts";
import { type SamplerName, samplers } from "./samplers/named.ts";
import { scheduleFor } from "./schedule-for.ts";
import type { NoiseTable } from "./tables.ts";

/** Off centre and of about the spread that a VAE's latents have after scaling. */
export const KNOWN_DATA: Gaussian = { mean: -0.5, deviation: 0.8 };

/** Half of 1.6, the error of a walk that has lost all contrast and leaves the mean alone. */
export const RUINED_ERROR = 0.8;

/** Few steps are far off with every sampler, and distilled models want them: a walk is ruined against Euler's. */
const RUINED_SHARE = 3;

/** From here, and so many times Euler's error, a picture is likely worse than it need be. */
const LARGE_ERROR = 0.3;
const LARGE_SHARE = 1.5;

/** What the measured error says of a walk. `sigmas` are those that `scheduleFor` gave for `table`. */
export async function outcomeFindings(
  walk: { sampler: SamplerName; schedule: string; table: NoiseTable; steps: number; eta?: number | undefined },
  sigmas: Sigmas,
): Promise<Finding[]> {
  const { sampler, schedule, table, steps, eta } = walk;
  const error = await walkError(sampler, sigmas, eta === undefined ? {} : { eta });
  if (error <= LARGE_ERROR) return [];
  const usual = await walkError("euler", scheduleFor("euler", "simple", table, steps).sigmas);
  const ruined = error > RUINED_ERROR && error > RUINED_SHARE * usual;
  if (!ruined && error <= LARGE_SHARE * usual) return [];
  return [
    {
      level: ruined ? "refusal" : "warning",
      code: ruined ? "ruined" : "large_error",
      message:
        `${sampler} on ${schedule} in ${steps} steps ends ${error.toFixed(2)} off where the exact result is known ` +
        `(normal data of deviation ${KNOWN_DATA.deviation}); euler on simple ends ${usual.toFixed(2)} off`,
      hint: "Use the schedule simple, sgm_uniform, trailing or beta, another sampler such as euler, or more steps.",
    },
  ];
}

/**
 * The error of a number two deviations from the mean: that of the results' mean and twice that of their deviation, in
 * the data's units. Infinite where the walk has no numbers.
 *
 * On Gaussian data the result is linear in all the noise, so this is exact, without draws: number 0 meets no noise,
 * number 1 a unit of the starting noise and number i + 2 a unit of the i-th draw. What each adds to number 0 is its share
 * of the deviation.
 */
export async function walkError(sampler: SamplerName, sigmas: Sigmas, options: SamplerOptions = {}): Promise<number> {
  const { mean, deviation } = KNOWN_DATA;
  const unit = (at: number) => Float32Array.from({ length: sigmas.length + 1 }, (_, k) => (k === at ? 1 : 0));
  let draws = 0;
  const noise = () => unit(2 + draws++);
  const end = await endOf(
    samplers[sampler](gaussianDenoise(KNOWN_DATA), initialLatents(unit(1), sigmas[0]!), sigmas, {
      ...options,
      noise,
    }),
  );
  const shares = Array.from(end.subarray(1, 2 + draws), (v) => v - end[0]!);
  // Without draws the sign counts: a walk that turns its noise over has not kept it.
  const spread = draws === 0 ? shares[0]! : Math.hypot(...shares);
  const error = Math.abs(end[0]! - mean) + 2 * Math.abs(spread - deviation);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

async function endOf(walk: AsyncGenerator<unknown, Float32Array>): Promise<Float32Array> {
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return value as Float32Array;
  }
}
