/**
 * @file Weights of the loss by signal-to-noise ratio. A method is one function W(SNR), the weight on the squared error of
 * x0; what multiplies the loss that is really computed follows from it, because of one picture and one network output
 *
 *     |eps error|^2  = SNR |x0 error|^2
 *     |v error|^2    = (SNR + 1) |x0 error|^2
 *     |flow error|^2 = (1 + sqrt SNR)^2 |x0 error|^2
 *
 * (Salimans and Ho 2022; for flow x0 = input - s output with s = 1 / (1 + sqrt SNR)). Every method gives W and
 * W / SNR in a form that has its limit at SNR = 0, so that nothing divides zero by zero. All of it is exact for squared
 * errors; under l1 or huber the same numbers are used, as trainers do, and mean what they say only for small errors.
 */

import { IllustriousError } from "../../base/error.ts";
import type { TrainedPrediction } from "./targets.ts";

export type Weighting =
  /** Weight 1 on the loss of one prediction, whichever the network makes. On a v network, "eps" is kohya's
   * scale_v_pred_loss_like_noise_pred. The default is the network's own. */
  | { kind: "uniform"; of?: TrainedPrediction | "x0" }
  /** min(SNR, gamma): Hang et al. (2023), "Efficient diffusion training via min-SNR weighting strategy". */
  | { kind: "min_snr"; gamma: number }
  /** SNR gamma / (SNR + gamma): Crowson et al. (2024), "Scalable high-resolution pixel-space image synthesis with
   * hourglass diffusion transformers". gamma 1 is k-diffusion's "soft-min-snr". */
  | { kind: "soft_min_snr"; gamma: number }
  /** sqrt SNR: Yu et al. (2023), "Debias the training of diffusion models". kohya's and OneTrainer's programs multiply
   * a v-loss by 1 / (min(SNR, 1000) + 1) and 1 / sqrt(min(SNR, 1000) + 1), an eps-loss by 1 / sqrt(min(SNR, 1000)). */
  | { kind: "debiased"; form?: "paper" | "kohya" | "onetrainer" }
  /** SNR / (k + SNR)^gamma: Choi et al. (2022), "Perception prioritized training of diffusion models".
   * OneTrainer multiplies a v-loss by (2 + SNR)^-gamma, an eps-loss by (1 + SNR)^-gamma. */
  | { kind: "p2"; gamma: number; k?: number; form?: "paper" | "onetrainer" }
  /** kohya's v_pred_like_loss: an eps-loss, and `strength` times the v-loss of the same error. */
  | { kind: "v_like"; strength: number };

/** W and W / SNR; the second is the weight of an eps-loss. Infinity where there is no finite limit. */
type Pair = { x0: number; perSnr: number };

/** Where kohya's and OneTrainer's programs cut the SNR off. */
const SNR_CUT = 1000;

function pairOf(weighting: Weighting, snr: number, prediction: TrainedPrediction): Pair {
  switch (weighting.kind) {
    case "uniform":
      return uniformPair(weighting.of ?? prediction, snr);
    case "min_snr":
      return { x0: Math.min(snr, weighting.gamma), perSnr: Math.min(1, weighting.gamma / snr) };
    case "soft_min_snr": {
      const perSnr = weighting.gamma / (snr + weighting.gamma);
      return { x0: snr * perSnr, perSnr };
    }
    case "debiased":
      return debiasedPair(weighting.form ?? "paper", snr, prediction);
    case "p2":
      return p2Pair(weighting, snr, prediction);
    case "v_like": {
      const cut = Math.min(snr, SNR_CUT);
      // snr (1 + strength (cut + 1) / cut), with snr / cut written so that it is 1 at 0.
      const x0 = snr + weighting.strength * (cut + 1) * Math.max(1, snr / SNR_CUT);
      return { x0, perSnr: 1 + weighting.strength * (1 + 1 / cut) };
    }
  }
}

function uniformPair(of: TrainedPrediction | "x0", snr: number): Pair {
  if (of === "eps") return { x0: snr, perSnr: 1 };
  if (of === "x0") return { x0: 1, perSnr: 1 / snr };
  if (of === "v") return { x0: snr + 1, perSnr: 1 + 1 / snr };
  return { x0: (1 + Math.sqrt(snr)) ** 2, perSnr: (1 + 1 / Math.sqrt(snr)) ** 2 };
}

function debiasedPair(form: "paper" | "kohya" | "onetrainer", snr: number, prediction: TrainedPrediction): Pair {
  const root = Math.sqrt(snr);
  if (form === "paper") return { x0: root, perSnr: 1 / root };
  const cut = Math.min(snr, SNR_CUT);
  if (prediction === "eps") return { x0: root * Math.max(1, root / Math.sqrt(SNR_CUT)), perSnr: 1 / Math.sqrt(cut) };
  refuseFlow("debiased", form, prediction);
  const x0 = (snr + 1) / (form === "kohya" ? cut + 1 : Math.sqrt(cut + 1));
  return { x0, perSnr: x0 / snr };
}

function p2Pair(weighting: Weighting & { kind: "p2" }, snr: number, prediction: TrainedPrediction): Pair {
  const { gamma, form = "paper" } = weighting;
  const k = form === "paper" ? (weighting.k ?? 1) : 1;
  if (form === "paper" || prediction === "eps") {
    const perSnr = (k + snr) ** -gamma;
    return { x0: snr * perSnr, perSnr };
  }
  refuseFlow("p2", form, prediction);
  const x0 = (snr + 1) * (2 + snr) ** -gamma;
  return { x0, perSnr: x0 / snr };
}

/** W(SNR), the weight on the squared error of x0. The programs' own forms depend on what the network predicts. */
export function x0Weight(weighting: Weighting, snr: number, prediction: TrainedPrediction): number {
  return pairOf(weighting, snr, prediction).x0;
}

/** What multiplies the loss of `prediction` at a signal-to-noise ratio; at 0 the limit, which may be Infinity for eps. */
export function lossWeight(weighting: Weighting, snr: number, prediction: TrainedPrediction): number {
  const { x0, perSnr } = pairOf(weighting, snr, prediction);
  if (prediction === "eps") return perSnr;
  return x0 / (prediction === "v" ? snr + 1 : (1 + Math.sqrt(snr)) ** 2);
}

/** Refuses parameters outside of what the formula is for. */
export function checkWeighting(weighting: Weighting, prediction: TrainedPrediction): void {
  const refuse = (name: string, value: number, range: string) => {
    throw new IllustriousError("bad_option", `weighting ${weighting.kind}: ${name} ${value}`, `Needs ${range}.`);
  };
  if (weighting.kind === "min_snr" || weighting.kind === "soft_min_snr") {
    if (!(weighting.gamma > 0 && Number.isFinite(weighting.gamma))) refuse("gamma", weighting.gamma, "gamma > 0");
  }
  if (weighting.kind === "p2") {
    const { gamma, k = 1 } = weighting;
    if (!(gamma >= 0 && Number.isFinite(gamma))) refuse("gamma", gamma, "gamma >= 0");
    if (!(k > 0 && Number.isFinite(k))) refuse("k", k, "k > 0");
  }
  if (weighting.kind === "v_like") {
    const { strength } = weighting;
    if (!(strength >= 0 && Number.isFinite(strength))) refuse("strength", strength, "strength >= 0");
    if (prediction === "eps") return;
    throw new IllustriousError(
      "bad_option",
      `weighting v_like on a ${prediction} loss`,
      "It adds a v-loss to an eps-loss; a v network's own loss is weighting uniform.",
    );
  }
}

function refuseFlow(kind: string, form: string, prediction: TrainedPrediction): void {
  if (prediction !== "flow") return;
  throw new IllustriousError(
    "bad_option",
    `weighting ${kind} in the form of ${form} on a flow loss`,
    "That program has no such weight for flow; use the paper's form.",
  );
}
