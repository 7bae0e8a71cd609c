/** @file Drawing the noise levels of a batch, and how likely each level is: the same distribution from two sides. */

import { IllustriousError } from "../../base/error.ts";
import type { NoiseTable } from "../../sampling/tables.ts";
import { snrOf } from "../objectives/targets.ts";
import { nextPermutation, nextUniform, type RandomState } from "../random.ts";
import { distributionOf, type TimestepDistribution } from "./distributions.ts";
import { checkShift, edgeBefore, shiftedPlace } from "./shift.ts";

export type TimestepOptions = {
  /** Default: uniform over the levels. */
  distribution?: TimestepDistribution;
  /** One draw from each of B equal strata of a batch of B, in random order: same mean, less variance. */
  stratified?: boolean;
  /** This share of all draws is the table's last level, whatever the distribution says of it. Default 0. */
  terminalShare?: number;
  /** Levels from `minTimestep` up to, without, `maxTimestep`, as kohya counts; the distribution is cut off outside. */
  minTimestep?: number;
  maxTimestep?: number;
  /** Factor on the sigma of every draw, see `shift.ts`. A picture's own takes its place. Default 1. */
  shift?: number;
};

export type TimestepSampler = {
  /** The probability of each level of the table, for pictures of one shift. Adds to 1. */
  probabilities(shift?: number): Float64Array;
  /** The probability of one level. */
  probability(level: number, shift?: number): number;
  /** Draws a level for each picture; `shifts` has one factor a picture, or is their number. */
  draw(random: RandomState, shifts: number | readonly number[]): Int32Array;
};

export function timestepSampler(table: NoiseTable, options: TimestepOptions = {}): TimestepSampler {
  const levels = table.sigmas.length;
  const { terminalShare = 0, minTimestep = 0, maxTimestep = levels, shift: usualShift = 1 } = options;
  checkRange(minTimestep, maxTimestep, levels);
  checkTerminalShare(terminalShare, maxTimestep, levels);
  checkShift(usualShift);
  const logSnrs = table.sigmas.map((sigma) => Math.log(snrOf(sigma)));
  const distribution = distributionOf(options.distribution ?? { kind: "uniform" }, logSnrs);

  function mass(from: number, to: number): number {
    // From the side on which both are small, so that a rare level keeps its digits.
    const below = distribution.cdf(to);
    return below < 0.5 ? below - distribution.cdf(from) : distribution.survival(from) - distribution.survival(to);
  }

  function rangeMass(shift: number): number {
    const total = mass(edgeBefore(table, minTimestep, shift), edgeBefore(table, maxTimestep, shift));
    if (total > 0) return total;
    throw new IllustriousError(
      "bad_option",
      `no timestep can be drawn from ${minTimestep} to ${maxTimestep - 1}`,
      "The distribution is 0 everywhere in that range; widen the range or choose another.",
    );
  }

  function probability(level: number, shift: number, total: number): number {
    if (level < minTimestep || level >= maxTimestep) return 0;
    const drawn = mass(edgeBefore(table, level, shift), edgeBefore(table, level + 1, shift)) / total;
    return (1 - terminalShare) * drawn + (level === levels - 1 ? terminalShare : 0);
  }

  function levelAt(uniform: number, shift: number): number {
    if (uniform >= 1 - terminalShare) return levels - 1;
    const start = distribution.cdf(edgeBefore(table, minTimestep, shift));
    const p = start + (uniform / (1 - terminalShare)) * rangeMass(shift);
    const level = Math.floor(shiftedPlace(table, distribution.quantile(p), shift) * levels);
    // A rounding at an edge must not leave the range.
    return Math.min(Math.max(level, minTimestep), maxTimestep - 1);
  }

  return {
    probability: (level, shift = usualShift) => probability(level, shift, rangeMass(shift)),
    probabilities(shift = usualShift) {
      const total = rangeMass(shift);
      return Float64Array.from({ length: levels }, (_, i) => probability(i, shift, total));
    },
    draw(random, shifts) {
      const factors = typeof shifts === "number" ? new Array<number>(shifts).fill(usualShift) : shifts;
      const strata = options.stratified ? nextPermutation(random, factors.length) : undefined;
      return Int32Array.from(factors, (shift, i) => {
        checkShift(shift);
        const uniform = nextUniform(random);
        return levelAt(strata ? (strata[i]! + uniform) / factors.length : uniform, shift);
      });
    },
  };
}

function checkRange(min: number, max: number, levels: number): void {
  if (Number.isInteger(min) && Number.isInteger(max) && 0 <= min && min < max && max <= levels) return;
  throw new IllustriousError(
    "bad_option",
    `timesteps from ${min} up to ${max}`,
    `Needs whole numbers with 0 <= minTimestep < maxTimestep <= ${levels}; the upper end is not drawn itself.`,
  );
}

function checkTerminalShare(share: number, max: number, levels: number): void {
  const refuse = (hint: string) => {
    throw new IllustriousError("bad_option", `terminal share ${share}`, hint);
  };
  if (!(share >= 0 && share < 1)) refuse("Needs a share of the draws, 0 <= share < 1.");
  if (share > 0 && max < levels) refuse(`maxTimestep ${max} leaves out level ${levels - 1}, which it asks for.`);
}
