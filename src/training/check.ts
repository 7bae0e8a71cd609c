/**
 * @file What speaks against a training recipe: the mistakes that cost a run and show only at its end, said before it,
 * each with a number from the recipe's own plan. Refusals cannot train what they say; warnings can, but likely not well.
 */

import { IllustriousError } from "../base/error.ts";
import type { Finding } from "../sampling/finding.ts";
import { COARSE_SECOND_SIGMA } from "../sampling/schedules/findings.ts";
import { discreteTable, type NoiseTable } from "../sampling/tables.ts";
import { checkNoise } from "./noise/training-noise.ts";
import { isTerminal, snrOf } from "./objectives/targets.ts";
import { type Plan, planOf, type Recipe, shareOf } from "./plan.ts";

/** Below this SNR lie 28 % of the levels of SDXL's zero-SNR schedule, and with them the mean colours. */
const LOW_SNR = 0.05;

/** The same levels where the schedule is shifted, as for latents of another size. */
function lowSnr({ table }: Recipe): number {
  return LOW_SNR / table.shift ** 2;
}

/** Everything there is to say about a recipe, refusals alone if there are any. Empty means that nothing known is wrong. */
export function checkRecipe(recipe: Recipe, shift?: number): Finding[] {
  const refusals = [...refuseEpsAtZeroSnr(recipe), ...refuseMislabelledTable(recipe)];
  if (refusals.length > 0) return refusals;
  try {
    checkNoise(recipe.noise ?? {});
    const plan = planOf(recipe, shift);
    const infinite = refuseInfiniteWeight(recipe, plan);
    if (infinite.length > 0) return infinite;
    return [
      ...terminalFindings(recipe, plan),
      ...gapFindings(recipe),
      ...lowSnrFindings(recipe, plan),
      ...formulaFindings(recipe, plan),
      ...p2Findings(recipe, plan),
      ...shiftFindings(recipe, plan),
      ...noiseFindings(recipe),
    ];
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    return [finding("refusal", error.code, error.message, error.hint ?? "")];
  }
}

function finding(level: Finding["level"], code: string, message: string, hint: string): Finding {
  return { level, code, message, hint };
}

const warning = (code: string, message: string, hint: string) => finding("warning", code, message, hint);
const refusal = (code: string, message: string, hint: string) => finding("refusal", code, message, hint);

/** Three digits, and never more zeros than a reader can count. */
function figure(value: number): string {
  return value >= 1e6 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${figure(100 * share)} %`;
}

/** ln SNR has no value there, the answer is in the input, and x0 cannot be computed from it. */
function refuseEpsAtZeroSnr({ prediction, table }: Recipe): Finding[] {
  if (prediction !== "eps" || !table.zeroSnr) return [];
  const snr = snrOf(table.sigmas.at(-1)!);
  return [
    refusal(
      "eps_zero_snr",
      `eps prediction with zero terminal SNR: at SNR ${figure(snr)} the input is the noise that the network is asked ` +
        "for, so the loss is 0 whatever the picture, and sampling divides by the signal's share, 0",
      "Train v-prediction, or leave the schedule as it is.",
    ),
  ];
}

/** A flag that was set after the levels were made, as when a scheduler's configuration alone is changed. */
function refuseMislabelledTable({ table }: Recipe): Finding[] {
  const last = table.sigmas.at(-1)!;
  // No curve without it comes near; the stand-ins for an infinite sigma are 4096 and 4519. A list may end anywhere.
  const vanishes = table.isListed ? last === Number.POSITIVE_INFINITY : last > 1000 * table.shift;
  if (vanishes === (table.zeroSnr !== false)) return [];
  return [
    refusal(
      "table_mismatch",
      `the noise table says zero SNR: ${table.zeroSnr}, and its last sigma is ${figure(last)}`,
      "Make the table anew with the option; a flag set afterwards does not move its levels.",
    ),
  ];
}

function refuseInfiniteWeight({ prediction, weighting }: Recipe, plan: Plan): Finding[] {
  const level = plan.weight.findIndex((w, i) => !Number.isFinite(w) && plan.probability[i]! > 0);
  if (level < 0) return [];
  return [
    refusal(
      "infinite_weight",
      `weighting ${weighting?.kind ?? "uniform"} on a ${prediction} loss is ${plan.weight[level]} at SNR ` +
        `${figure(plan.snr[level]!)} (level ${level})`,
      "Set terminal_weight, or leave the level out with max_timestep.",
    ),
  ];
}

/** A level drawn less often than this share of an even draw is left to chance. */
const RARE = 0.01;

function terminalFindings(recipe: Recipe, plan: Plan): Finding[] {
  const { table } = recipe;
  const last = plan.weight.length - 1;
  if (!isTerminal(table, last)) return [];
  const probability = plan.probability[last]!;
  const repair = "Give terminal_share, for instance 0.01, or a distribution that does not end in 0.";
  if (probability === 0) {
    return [warning("terminal_never_drawn", `the terminal level ${last} is never drawn: probability 0`, repair)];
  }
  // A flow network's input changes as smoothly towards the end as anywhere, and training by logit-normal rests on it.
  if (probability < RARE / plan.weight.length && table.family === "discrete") {
    return [
      warning(
        "terminal_rarely_drawn",
        `the terminal level ${last} is drawn once in ${figure(1 / probability)} pictures, and sampling begins there`,
        repair,
      ),
    ];
  }
  if (plan.weight[last]! >= RARE * plan.meanWeight) return [];
  return [
    warning(
      "terminal_weightless",
      `the terminal level ${last} weighs ${figure(plan.weight[last]!)}, all levels ${figure(plan.meanWeight)} in the ` +
        "mean: what sampling begins with is not trained, and black and white backgrounds come out grey",
      "Leave terminal_weight at 1.",
    ),
  ];
}

/** Most pictures are drawn in about so many. */
const STEPS = 28;

/** Levels that were rescaled in another way than by their root. */
function gapFindings({ table }: Recipe): Finding[] {
  if (!table.isListed || !table.zeroSnr) return [];
  const second = ({ lastTime, sigmaAt }: NoiseTable) => sigmaAt(lastTime * (1 - 1 / (STEPS - 1)));
  const sigma = second(table);
  if (sigma >= table.shift * COARSE_SECOND_SIGMA) return [];
  const usual = second(discreteTable({ zeroSnr: "exact", shift: table.shift }));
  return [
    warning(
      "coarse_levels",
      `after pure noise the second of ${STEPS} even steps is at sigma ${figure(sigma)}, on SDXL's rescaled levels at ${figure(usual)}: one ` +
        "guess fixes the colours and the layout, and what guidance has stretched in it stays",
      "Rescale the square root of alpha-bar and square it again (Lin et al. 2023, Algorithm 1), as zero_terminal_snr does " +
        "to a list that does not end in 1.",
    ),
  ];
}

/** Min-SNR with gamma 5 leaves 1.3 %, an eps-loss 1.0 %; soft-min-SNR with gamma 1 still 3 %. */
const STARVED = 0.025;

function lowSnrFindings(recipe: Recipe, plan: Plan): Finding[] {
  if (!recipe.table.zeroSnr) return [];
  const low = lowSnr(recipe);
  const share = shareOf(plan, plan.product, 0, low);
  const drawn = shareOf(plan, plan.probability, 0, low);
  if (!(share < STARVED)) return [];
  const { prediction, weighting } = recipe;
  const numbers =
    `${percent(share)} of the loss lies on SNR below ${figure(low)}, where the mean colours are decided and where ` +
    `${percent(drawn)} of the draws fall`;
  if (weighting?.kind === "uniform" && weighting.of === "eps" && prediction !== "eps") {
    return [
      warning(
        "weighted_like_eps",
        `a ${prediction} loss weighted like an eps loss on a zero-SNR schedule: ${numbers}; such a model was seen not ` +
          "to learn a black picture from five million",
        "Leave the scaling out, or the zero-SNR schedule.",
      ),
    ];
  }
  return [
    warning(
      "low_snr_starved",
      numbers,
      "Good for a LoRA that should keep its model's colours; to learn colours use a weighting that ends higher " +
        "(uniform, debiased), or draw more noise.",
    ),
  ];
}

/** Weights that are not what their name says: another table's, another prediction's, another program's. */
function formulaFindings(recipe: Recipe, plan: Plan): Finding[] {
  const { prediction, weightFor = prediction, weightTable, weighting, table } = recipe;
  const findings: Finding[] = [];
  const name = weighting?.kind ?? "uniform";
  const low = lowSnr(recipe);
  const shares = (other: Recipe) => {
    const sound = planOf(other);
    return (
      `${percent(shareOf(plan, plan.product, 0, low))} of the loss lies on SNR below ${figure(low)}, ` +
      `by the right formula ${percent(shareOf(sound, sound.product, 0, low))}`
    );
  };
  if (weightTable?.sigmas.some((sigma, i) => sigma !== table.sigmas[i])) {
    // The level without signal has none of them where it has a weight of its own.
    const at = weightTable.sigmas.length - (typeof recipe.terminalWeight === "number" ? 2 : 1);
    const { weightTable: _, ...own } = recipe;
    findings.push(
      warning(
        "stale_snr",
        `${name} weights from other levels than the trained ones: SNR ${figure(snrOf(weightTable.sigmas[at]!))} at ` +
          `level ${at}, which has ${figure(plan.snr[at]!)}; ${shares(own)}`,
        "Compute the weights after the schedule is rescaled; kohya's trainers do it before.",
      ),
    );
  }
  if (weightFor !== prediction) {
    const { weightFor: _, ...own } = recipe;
    findings.push(
      warning(
        "foreign_weight",
        `a ${prediction} loss is multiplied by the ${name} weight of ${weightFor}: ${shares(own)}`,
        `Leave weight_formula_of out: the weight on x0 is converted to ${prediction}.`,
      ),
    );
  }
  const form = weighting && "form" in weighting ? (weighting.form ?? "paper") : "paper";
  if (weighting && form !== "paper" && weightFor !== "eps") {
    const { form: _, ...paper } = weighting as Extract<Recipe["weighting"], { form?: unknown }>;
    findings.push(
      warning(
        "not_the_papers_weight",
        `${name} in the form of ${form} is not the paper's weight on a ${weightFor} loss: ` +
          shares({ ...recipe, weighting: paper }),
        "Use the form paper, unless it is that program's run that you want.",
      ),
    );
  }
  return findings;
}

/** From gamma 2 on the paper saw noise left in the pictures: the last clean-up is hardly trained. */
const LARGEST_P2_GAMMA = 2;

function p2Findings({ weighting }: Recipe, plan: Plan): Finding[] {
  if (weighting?.kind !== "p2" || weighting.gamma < LARGEST_P2_GAMMA) return [];
  return [
    warning(
      "p2_gamma",
      `P2 with gamma ${weighting.gamma} weighs the least noisy level ${figure(plan.weight[0]!)}, and ` +
        `${percent(shareOf(plan, plan.product, 1, Number.POSITIVE_INFINITY))} of the loss lies on SNR above 1`,
      "The paper uses 0.5 and 1; 5 is the usual gamma of min-SNR, not of P2.",
    ),
  ];
}

/** A shifted draw beyond the table's end becomes the last level: so much of all draws is more than a level's due. */
const LARGEST_PILE = 0.05;

function shiftFindings({ table, timesteps }: Recipe, plan: Plan): Finding[] {
  const last = plan.probability.length - 1;
  const piled = plan.probability[last]! - (timesteps?.terminalShare ?? 0);
  if (table.zeroSnr || piled < LARGEST_PILE || timesteps?.distribution?.kind === "table") return [];
  return [
    warning(
      "shift_piles_up",
      `the timestep shift moves draws beyond the table's largest sigma ${figure(table.sigmas[last]!)}: ` +
        `${percent(piled)} of all draws become its last level`,
      "Make the table itself with that shift, or train with zero terminal SNR.",
    ),
  ];
}

/** The largest perturbation that the makers of Illustrious speak of. */
const LARGEST_PERTURBATION = 0.1;

function noiseFindings({ noise = {}, table }: Recipe): Finding[] {
  const { offset = 0, adaptiveScale = 0, pyramid, perturbation = 0 } = noise;
  const findings: Finding[] = [];
  const coloured = offset > 0 || adaptiveScale !== 0 || pyramid !== undefined;
  if (coloured && table.zeroSnr) {
    const what = pyramid ? `pyramid noise of discount ${pyramid.discount}` : `noise offset ${offset || adaptiveScale}`;
    findings.push(
      warning(
        "double_fix",
        `${what} with zero terminal SNR: both teach the mean colour; sampling begins from white noise, whose channel ` +
          "means are not those of this noise, and brightness overshoots",
        "Leave one of them out; with zero terminal SNR the noise needs no offset.",
      ),
    );
  }
  if (perturbation > LARGEST_PERTURBATION) {
    findings.push(
      warning(
        "large_perturbation",
        `input perturbation ${perturbation}: the noise in the input has ${figure(1 + perturbation ** 2)} times the ` +
          "variance that sampling will show",
        `Up to ${LARGEST_PERTURBATION} is usual.`,
      ),
    );
  }
  return findings;
}
