/**
 * @file Which choices go together: the mistakes that give grey, burnt or black pictures without an error, said before
 * the first step and with their numbers. What speaks against a schedule alone is measured in `schedules/findings.ts`,
 * how far off the walk ends in `outcome.ts`.
 */

import type { Finding } from "./finding.ts";
import type { GuidanceOptions } from "./guidance.ts";
import { outcomeFindings } from "./outcome.ts";
import type { PredictionType } from "./prediction.ts";
import { type SamplerName, takesEta } from "./samplers/named.ts";
import { scheduleFor } from "./schedule-for.ts";
import type { ScheduleName } from "./schedules/schedule.ts";
import type { NoiseTable } from "./tables.ts";

export type Combination = {
  sampler: SamplerName;
  schedule: ScheduleName;
  steps: number;
  prediction: PredictionType;
  table: NoiseTable;
  guidance?: GuidanceOptions;
  /** The sampler's share of stochasticity, if it is not its usual one. */
  eta?: number | undefined;
};

/**
 * Everything there is to say about a combination, refusals first and then alone. Empty means that nothing known speaks
 * against it. `bad_option` for steps that the table does not have.
 */
export async function checkCombination(combination: Combination): Promise<Finding[]> {
  const refusals = [...refuseEpsAtZeroSnr(combination), ...refuseFamily(combination)];
  if (refusals.length > 0) return refusals;
  const { sampler, schedule, table, steps } = combination;
  const { sigmas, warnings } = scheduleFor(sampler, schedule, table, steps);
  const outcome = await outcomeFindings(combination, sigmas);
  if (outcome.some(({ level }) => level === "refusal")) return outcome;
  const ofSampler = [
    ...heunFindings(combination, sigmas),
    ...multistepFindings(combination, sigmas),
    ...uniPcFindings(combination, sigmas),
    ...etaFindings(combination),
  ];
  return [...warnings, ...ofSampler, ...outcome, ...guidanceFindings(combination, sigmas)];
}

function refuseEpsAtZeroSnr({ prediction, table }: Combination): Finding[] {
  if (prediction !== "eps" || !table.zeroSnr) return [];
  return [
    {
      level: "refusal",
      code: "eps_zero_snr",
      message:
        `eps prediction with zero terminal SNR: at sigma ${table.sigmas.at(-1)} the input is the noise itself, so ` +
        "the output says nothing of the picture, and its error is multiplied by sigma",
      hint: "Turn zero terminal SNR off, or set the prediction to v if the model was trained so.",
    },
  ];
}

function refuseFamily({ prediction, table, schedule }: Combination): Finding[] {
  const family = prediction === "flow" ? "flow" : prediction === "edm_v" ? "edm" : "discrete";
  const findings: Finding[] = [];
  const refuse = (code: string, message: string, hint: string) =>
    findings.push({ level: "refusal", code, message, hint });
  if (table.family !== family) {
    refuse(
      "wrong_table",
      `${prediction} prediction on a table of family "${table.family}"`,
      `Use a table of family "${family}".`,
    );
  }
  if (schedule === "ays" && table.family !== "discrete") {
    refuse(
      "wrong_schedule",
      `schedule ays on a table of family "${table.family}"`,
      "Its levels are SDXL's; use simple or sgm_uniform.",
    );
  }
  return findings;
}

/** Above this level a picture is still open, and a wrong guess costs most. */
const OPEN_SIGMA = 2;

/** From about here Heun's average over a step enlarges a difference of its two guesses that it should halve. */
const LARGEST_HEUN_WEIGHT = 2;

function heunFindings({ sampler }: Combination, sigmas: readonly number[]): Finding[] {
  if (sampler !== "heun") return [];
  const steps = stepsBetween(sigmas).filter(([from]) => from > OPEN_SIGMA && from < Number.POSITIVE_INFINITY);
  const weights = steps.map(([from, to]) => (from - to) / (2 * to));
  const worst = Math.max(0, ...weights);
  if (worst < LARGEST_HEUN_WEIGHT) return [];
  const [from, to] = steps[weights.indexOf(worst)]!;
  return [
    {
      level: "warning",
      code: "heun_step",
      message:
        `heun averages a step from sigma ${from.toPrecision(4)} to ${to.toPrecision(4)} and multiplies every ` +
        `difference of its two guesses by ${worst.toFixed(1)} (0.1 on SDXL's own schedule)`,
      hint: 'Use zeroSnr "exact", which heun leaves without that factor, and a schedule in even times.',
    },
  ];
}

const multistep: readonly SamplerName[] = ["dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "uni_pc", "uni_pc_bh2"];

/** A step that is so many times longer than the one before it, in ln sigma, is guessed from too short a past. */
const LARGEST_STRETCH = 3;

function multistepFindings({ sampler }: Combination, sigmas: readonly number[]): Finding[] {
  if (!multistep.includes(sampler)) return [];
  const lengths = stepsBetween(sigmas).map(([from, to]) => Math.log(from / to));
  const stretches = lengths.map((length, i) => (i === 0 ? 0 : length / lengths[i - 1]!));
  const worst = Math.max(0, ...stretches);
  if (worst < LARGEST_STRETCH) return [];
  const [from, to] = stepsBetween(sigmas)[stretches.indexOf(worst)]!;
  return [
    {
      level: "warning",
      code: "long_step",
      message:
        `${sampler} goes from sigma ${from.toPrecision(3)} to ${to.toPrecision(3)} in one step, ${worst.toFixed(1)} ` +
        "times as long as the step that it extrapolates from",
      hint: "Use simple, sgm_uniform, trailing, beta or karras.",
    },
  ];
}

/**
 * Beyond this length in ln sigma, UniPC's corrections across one step are far from the straight line. On Gaussian data
 * the guesses above sigma 5 hardly differ and the outcome does not show it; those of a guided network do: at guidance 7
 * the shipped model's pictures turn dark or pale.
 */
const LONGEST_UNIPC_STEP = 6;

function uniPcFindings({ sampler }: Combination, sigmas: readonly number[]): Finding[] {
  if (!sampler.startsWith("uni_pc")) return [];
  const long = stepsBetween(sigmas).find(
    ([from, to]) => from < Number.POSITIVE_INFINITY && Math.log(from / to) > LONGEST_UNIPC_STEP,
  );
  if (!long) return [];
  const [from, to] = long;
  return [
    {
      level: "warning",
      code: "unipc_step",
      message:
        `${sampler} goes from sigma ${from.toPrecision(4)} to ${to.toPrecision(3)} in one step of ${Math.log(from / to).toFixed(1)} ` +
        "in ln sigma: with guidance the picture's brightness can be far off",
      hint: "Use more steps, or simple, sgm_uniform or trailing.",
    },
  ];
}

/** An eta of 0 is what such a sampler does. */
function etaFindings({ sampler, eta = 0 }: Combination): Finding[] {
  if (eta === 0 || takesEta(sampler)) return [];
  return [
    {
      level: "warning",
      code: "eta_idle",
      message: `eta ${eta} with ${sampler}, which draws no fresh noise, does nothing`,
      hint: "Leave eta out, or use a sampler that has it: ddim, euler_ancestral, dpmpp_2m_sde, dpmpp_2m_sde_heun.",
    },
  ];
}

/** The steps between positive levels. */
function stepsBetween(sigmas: readonly number[]): [from: number, to: number][] {
  return sigmas.slice(1).flatMap((to, i) => (to > 0 ? [[sigmas[i]!, to] as [number, number]] : []));
}

function guidanceFindings({ guidance, table, prediction }: Combination, sigmas: readonly number[]): Finding[] {
  if (!guidance) return [];
  const { scale, rescale = 0, interval } = guidance;
  const findings: Finding[] = [];
  const warn = (code: string, message: string, hint: string) =>
    findings.push({ level: "warning", code, message, hint });
  if (rescale > 0 && scale === 1) {
    warn(
      "rescale_idle",
      `guidance rescale ${rescale} at guidance 1 does nothing`,
      "Raise the guidance or leave the rescale out.",
    );
  }
  if (interval && !sigmas.some((sigma) => sigma > 0 && sigma > interval[0] && sigma <= interval[1])) {
    warn(
      "interval_empty",
      `no step lies in the guidance interval (${interval[0]}, ${interval[1]}]: the picture is made without guidance`,
      "Sigmas are noise over signal; SDXL's interval in the paper is 0.28 to 5.42.",
    );
  }
  const guidedAtTerminal = !interval || interval[1] >= sigmas[0]!;
  if (prediction === "v" && table.zeroSnr && scale > 5 && rescale === 0 && guidedAtTerminal) {
    warn(
      "overexposure",
      `guidance ${scale} without rescale on a zero-SNR v model: the first guess, which fixes the mean colours, is ` +
        `extrapolated ${scale}-fold`,
      "Use guidance 4 to 5, a rescale from 0.2 to 0.7, or an interval that leaves out the first step.",
    );
  }
  return findings;
}
