/** @file What a schedule's own numbers say against it: measured on its levels rather than known by its name. */

import type { Finding } from "../finding.ts";
import { FINITE_TERMINAL, type NoiseTable } from "../tables.ts";

/** The largest sigma of SDXL's own schedule: beyond it a picture is all but gone. */
const SDXL_SIGMA_MAX = 14.6146;

/** More of the steps than this above SDXL's largest sigma leaves too few for the picture itself. */
const LARGEST_NOISE_SHARE = 0.25;

/** Below this level detail is made; schedules in even times spend half of their steps there, or more. */
const DETAIL_SIGMA = 2;
const LARGEST_LAYOUT_SHARE = 0.7;

/** With ten even steps in time the second level is 18; below half of that the first step is far too long. */
export const COARSE_SECOND_SIGMA = 9;

export function scheduleFindings(name: string, table: NoiseTable, levels: readonly number[], steps: number): Finding[] {
  const findings: Finding[] = [];
  const warn = (code: string, message: string, hint: string) =>
    findings.push({ level: "warning", code, message, hint });
  const last = table.sigmas.at(-1)!;
  const first = levels[0]!;
  const spacings = "Use trailing, simple or sgm_uniform.";

  if (levels.length !== steps) {
    warn(
      "step_count",
      `${name} gives ${levels.length} steps for the ${steps} asked`,
      "Ask for a count that divides 1000, or use simple.",
    );
  }
  if (last === Number.POSITIVE_INFINITY && first === table.shift * FINITE_TERMINAL) {
    warn(
      "finite_terminal",
      `${name} needs a finite largest sigma and starts at ${round(first)} in place of Infinity`,
      spacings,
    );
  }
  // A stand-in for Infinity lies beyond the last level but one, and so counts as the end.
  if (table.zeroSnr && first < table.sigmas.at(-2)!) {
    warn(
      "terminal_missed",
      `${name} starts at sigma ${round(first)}, the model's noise ends at ${last}: it expects the picture's mean in ` +
        "the input there, and a start from pure noise pulls that to grey",
      spacings,
    );
  }
  const enough = levels.length > 3;
  const [noise, detail] = [table.shift * SDXL_SIGMA_MAX, table.shift * DETAIL_SIGMA];
  const inNoise = levels.filter((sigma) => sigma > noise).length;
  const inLayout = levels.filter((sigma) => sigma > detail).length;
  if (enough && table.zeroSnr && inNoise / levels.length > LARGEST_NOISE_SHARE) {
    warn(
      "steps_in_noise",
      `${name} spends ${inNoise} of ${levels.length} steps above sigma ${round(noise)}, where little is decided`,
      spacings,
    );
  } else if (enough && inLayout / levels.length > LARGEST_LAYOUT_SHARE) {
    warn(
      "steps_before_detail",
      `${name} spends ${inLayout} of ${levels.length} steps above sigma ${round(detail)} and leaves few for detail`,
      "Use a schedule in even times, or karras on a model without zero terminal SNR.",
    );
  }
  if (name === "ays" && table.shift !== 1) {
    warn("shifted_levels", `ays was found for SDXL's own levels, and these are shifted by ${table.shift}`, spacings);
  }
  const second = levels[1];
  if (table.zeroSnr && second !== undefined && levels.length >= 10 && second < table.shift * COARSE_SECOND_SIGMA) {
    warn(
      "coarse_start",
      `${name} goes from sigma ${round(first)} to ${round(second)} in its first of ${levels.length} steps: ` +
        "one guess fixes the colours and the layout",
      table.isListed ? "The gap is in the model's own levels: more steps make it smaller." : spacings,
    );
  }
  return findings;
}

function round(sigma: number): string {
  return Number.isFinite(sigma) ? String(Number(sigma.toPrecision(4))) : "Infinity";
}
