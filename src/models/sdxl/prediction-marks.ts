/**
 * @file What a file must hold for this and other programs to load a model as what it is: marker tensors, as ComfyUI and Forge look
 * for them, and metadata in every spelling that is read.
 */

import type { Detection } from "./prediction.ts";
import { type Claim, type Prediction, processOf, WEIGHT } from "./prediction-evidence.ts";

export type PredictionMarks = {
  /** Tensors to add; they are empty, for only their names are read. */
  readonly tensors: readonly string[];
  /** Tensors to add that hold one number. */
  readonly scalars: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
};

/** For those who know: a trainer, or a user's word. */
export function predictionMarks({ prediction, zeroSnr = false }: Claim & { prediction: Prediction }): PredictionMarks {
  const names: Record<Prediction, string> = { eps: "epsilon", v: "v", edm_v: "edm_v", flow: "flow" };
  const tensors = prediction === "v" ? ["v_pred", ...(zeroSnr ? ["ztsnr"] : [])] : [];
  const metadata: Record<string, string> = {
    "illustrious.prediction": prediction,
    "illustrious.zero_snr": String(zeroSnr),
    "modelspec.prediction_type": names[prediction],
  };
  // ComfyUI's spelling, which knows two values.
  if (prediction === "eps" || prediction === "v") metadata["modelspec.predict_key"] = names[prediction];
  return { tensors, scalars: {}, metadata };
}

/**
 * For what was found out: as much as is known. A model that is only likely to be v is marked for other programs, but without our
 * own word, which would be taken for certain; a guess leaves no mark.
 */
export function marksOf(detection: Detection): PredictionMarks {
  const { prediction, confidence, evidence, sigmaMax, sigmaMin } = detection;
  const isSaid = (about: keyof Claim, least: number) =>
    evidence.some(({ claim, weight }) => claim[about] === detection[about] && weight >= least);
  if (confidence === "guess" || !isSaid("prediction", WEIGHT.implied))
    return { tensors: [], scalars: {}, metadata: {} };
  const marks = predictionMarks(detection);
  const unknown: string[] = [];
  if (confidence !== "certain") unknown.push("illustrious.prediction", "illustrious.zero_snr");
  // That a mark is absent says little.
  else if (prediction === "v" && !isSaid("zeroSnr", WEIGHT.implied)) unknown.push("illustrious.zero_snr");
  const metadata = Object.fromEntries(Object.entries(marks.metadata).filter(([key]) => !unknown.includes(key)));
  const scalars =
    sigmaMax === undefined || sigmaMin === undefined
      ? {}
      : { "edm_vpred.sigma_max": sigmaMax, "edm_vpred.sigma_min": sigmaMin };
  return { tensors: marks.tensors, scalars, metadata };
}

/**
 * A diffusers scheduler that says what is certain of the model, where it was overruled; undefined for one of another process,
 * whose levels would be wrong too.
 */
export function agreeingScheduler({ prediction, zeroSnr, confidence }: Detection, json: unknown): unknown {
  if (typeof json !== "object" || json === null || confidence !== "certain") return json;
  const process = processOf(json);
  const wanted = { eps: "", v: "", edm_v: "EDM", flow: "FlowMatch" }[prediction];
  if (process !== wanted) return undefined;
  if (process !== "") return json;
  const prediction_type = prediction === "v" ? "v_prediction" : "epsilon";
  return { ...json, prediction_type, rescale_betas_zero_snr: zeroSnr };
}
