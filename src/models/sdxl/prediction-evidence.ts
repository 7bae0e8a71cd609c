/** @file Every rule that turns a clue into evidence of what a checkpoint predicts. One function a source. */

import { IllustriousError } from "../../base/error.ts";

export type Prediction = "eps" | "v" | "edm_v" | "flow";

/** What one source says. */
export type Claim = {
  readonly prediction?: Prediction;
  readonly zeroSnr?: boolean;
};

export type Evidence = {
  /** Such as `tensor v_pred`, `modelspec.prediction_type` or `name "x.safetensors"`. */
  readonly source: string;
  /** The claim in words. */
  readonly says: string;
  /** The greater is believed; see `WEIGHT`. */
  readonly weight: number;
  readonly claim: Claim;
};

/** How far each kind of source is believed. */
export const WEIGHT = {
  override: 100,
  /** Written by this project's trainer or fixer, which know. */
  illustrious: 50,
  /** Sigmas beside the mark make it the more specific one. */
  edmMarker: 45,
  /** A tensor that exists for nothing else, and that ComfyUI and Forge obey too. */
  marker: 40,
  /** A scheduler that says v or flow: nobody writes that by accident. */
  scheduler: 40,
  modelspec: 30,
  /** Converters write `epsilon` for every SDXL file without looking. */
  schedulerDefault: 25,
  training: 20,
  /** Zero SNR is trained with v: eps has no answer there. */
  implied: 10,
  name: 5,
  /** A marker that is absent, though its fellow is there. */
  absence: 3,
  /** SDXL as it was released. */
  family: 1,
} as const;

export type Clues = {
  /** Names of all tensors, or of those in `MARKERS`. */
  readonly tensors: { has(name: string): boolean };
  /** Values of the scalar tensors in `MARKERS`, where read. */
  readonly scalars: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  /** A diffusers `scheduler_config.json`, and what to call it. */
  readonly scheduler?: { readonly source: string; readonly json: unknown };
  /** Names of the file and its folder, without the directories above. */
  readonly names: readonly string[];
};

/** Tensors that mark a prediction type. */
export const MARKERS: readonly string[] = ["v_pred", "ztsnr", "edm_vpred.sigma_max", "edm_vpred.sigma_min"];

/** Of a single file, or in a folder's UNet, where it is `unet/v_pred`. */
export function isMark(key: string): boolean {
  return MARKERS.includes(key.replace(/^unet\//, ""));
}

export function evidenceOf(clues: Clues): Evidence[] {
  return [
    ...fromOurMetadata(clues.metadata),
    ...fromMarkers(clues.tensors),
    ...fromScheduler(clues.scheduler),
    ...fromModelspec(clues.metadata),
    ...fromTraining(clues.metadata),
    ...fromNames(clues),
    evidence("SDXL's default", WEIGHT.family, { prediction: "eps" }),
  ];
}

export function evidence(source: string, weight: number, claim: Claim): Evidence {
  return { source, says: sayClaim(claim), weight, claim };
}

/** In words, such as `v, zero SNR`. */
export function sayClaim({ prediction, zeroSnr }: Claim): string {
  const zero = zeroSnr === undefined ? undefined : zeroSnr ? "zero SNR" : "no zero SNR";
  return [prediction, zero].filter((part) => part !== undefined).join(", ");
}

function fromOurMetadata(metadata: Clues["metadata"]): Evidence[] {
  const found: Evidence[] = [];
  const prediction = predictionCalled(metadata.get("illustrious.prediction"));
  if (prediction) found.push(evidence("illustrious.prediction", WEIGHT.illustrious, { prediction }));
  const zeroSnr = flagCalled(metadata.get("illustrious.zero_snr"));
  if (zeroSnr !== undefined) found.push(evidence("illustrious.zero_snr", WEIGHT.illustrious, { zeroSnr }));
  return found;
}

function fromMarkers(tensors: Clues["tensors"]): Evidence[] {
  const found: Evidence[] = [];
  if (tensors.has("edm_vpred.sigma_max"))
    found.push(evidence("tensor edm_vpred.sigma_max", WEIGHT.edmMarker, { prediction: "edm_v" }));
  if (tensors.has("v_pred")) found.push(evidence("tensor v_pred", WEIGHT.marker, { prediction: "v" }));
  if (tensors.has("ztsnr")) {
    found.push(evidence("tensor ztsnr", WEIGHT.marker, { zeroSnr: true }));
    found.push(evidence("tensor ztsnr, by implication", WEIGHT.implied, { prediction: "v" }));
  } else if (tensors.has("v_pred")) {
    // Weak, because OneTrainer writes v_pred for its zero-SNR models too, and never ztsnr.
    found.push(evidence("no tensor ztsnr beside v_pred", WEIGHT.absence, { zeroSnr: false }));
  }
  return found;
}

/**
 * A scheduler that says plainly what the network predicts, and it is nothing that can be sampled here. To take such a
 * model for eps, as one that says nothing, would paint noise.
 *
 * EDM schedulers have continuous noise levels; of them only v (CosXL) is built. Without a `prediction_type` they mean
 * diffusers' default, epsilon.
 *
 * @throws IllustriousError `unsupported`
 */
export function refuseScheduler(scheduler: Clues["scheduler"]): void {
  const json = recordOf(scheduler);
  if (!scheduler || !json) return;
  const type = classOf(json);
  if (/^FlowMatch/.test(type)) return;
  const said = json.prediction_type ?? undefined;
  const called = predictionCalled(said);
  const isEdm = /^EDM/.test(type);
  const known = isEdm ? called === "v" || called === "edm_v" : said === undefined || called !== undefined;
  if (known) return;
  const what =
    said === undefined
      ? "no prediction_type, which means epsilon,"
      : `prediction_type ${JSON.stringify(said).slice(0, 60)}`;
  const whose = type === "" ? what : `${type} with ${what}`;
  throw new IllustriousError(
    "unsupported",
    `${scheduler.source}: ${whose} cannot be sampled${isEdm ? "; of EDM only v_prediction can" : ""}`,
    "If the file is wrong about the model, say what it predicts: --prediction eps, v, edm_v or flow.",
  );
}

function recordOf(scheduler: Clues["scheduler"]): Record<string, unknown> | undefined {
  const json = scheduler?.json;
  return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : undefined;
}

/** Which process a diffusers scheduler steps through: `FlowMatch`, `EDM`, or nothing for those of eps and v. */
export function processOf(json: unknown): string {
  const type = typeof json === "object" && json !== null ? classOf(json as Record<string, unknown>) : "";
  return /^(FlowMatch|EDM)/.exec(type)?.[1] ?? "";
}

function classOf({ _class_name: name }: Record<string, unknown>): string {
  return typeof name === "string" ? name : "";
}

function fromScheduler(scheduler: Clues["scheduler"]): Evidence[] {
  const json = recordOf(scheduler);
  if (!scheduler || !json) return [];
  const { source } = scheduler;
  const type = classOf(json);
  if (/^FlowMatch/.test(type)) return [evidence(`${source}: ${type}`, WEIGHT.scheduler, { prediction: "flow" })];
  const called = predictionCalled(json.prediction_type);
  const prediction = /^EDM/.test(type) && called === "v" ? "edm_v" : called;
  const found: Evidence[] = [];
  if (prediction) {
    const weight = prediction === "eps" ? WEIGHT.schedulerDefault : WEIGHT.scheduler;
    found.push(evidence(`${source}: prediction_type`, weight, { prediction }));
  }
  const zero = json.rescale_betas_zero_snr;
  if (zero === true) found.push(evidence(`${source}: rescale_betas_zero_snr`, WEIGHT.scheduler, { zeroSnr: true }));
  // Nothing is left of the signal behind a beta of 1.
  else if (Array.isArray(json.trained_betas) && json.trained_betas.at(-1) === 1)
    found.push(evidence(`${source}: trained_betas`, WEIGHT.scheduler, { zeroSnr: true }));
  else if (prediction === "v")
    found.push(evidence(`${source}: rescale_betas_zero_snr`, WEIGHT.schedulerDefault, { zeroSnr: false }));
  return found;
}

/** The standard's `prediction_type`, written by kohya's trainers, and ComfyUI's own `predict_key`. */
function fromModelspec(metadata: Clues["metadata"]): Evidence[] {
  // Some trainers write `velocity` for v and for flow, and say here which process it belongs to.
  const process = predictionCalled(metadata.get("modelspec.noise_process"));
  if (process === "flow") return [evidence("modelspec.noise_process", WEIGHT.modelspec, { prediction: "flow" })];
  return ["modelspec.prediction_type", "modelspec.predict_key"].flatMap((key) => {
    const prediction = predictionCalled(metadata.get(key));
    return prediction ? [evidence(key, WEIGHT.modelspec, { prediction })] : [];
  });
}

/** What trainers record of their arguments: Python's `str()` of each. */
function fromTraining(metadata: Clues["metadata"]): Evidence[] {
  const found: Evidence[] = [];
  const type = predictionCalled(metadata.get("ss_prediction_type"));
  if (type) found.push(evidence("ss_prediction_type", WEIGHT.training, { prediction: type }));
  const v = flagCalled(metadata.get("ss_v_parameterization"));
  if (v !== undefined) found.push(evidence("ss_v_parameterization", WEIGHT.training, { prediction: v ? "v" : "eps" }));
  for (const key of ["ss_scale_v_pred_loss_like_noise_pred", "ss_v_pred_like_loss"]) {
    const value = metadata.get(key);
    if (flagCalled(value) === true || Number(value) > 0) found.push(evidence(key, WEIGHT.implied, { prediction: "v" }));
  }
  const zeroSnr = flagCalled(metadata.get("ss_zero_terminal_snr"));
  if (zeroSnr !== undefined) found.push(evidence("ss_zero_terminal_snr", WEIGHT.training, { zeroSnr }));
  if (zeroSnr) found.push(evidence("ss_zero_terminal_snr, by implication", WEIGHT.implied, { prediction: "v" }));
  return found;
}

/** Delimited, so that neither `overflow` nor `surf` counts; the last rows are models known by name. */
const NAMES: readonly (readonly [pattern: RegExp, claim: Claim])[] = [
  [/v[-_ .]?pred/i, { prediction: "v" }],
  [/(^|[^a-z])eps(ilon)?([-_ .]?pred)?([^a-z]|$)/i, { prediction: "eps" }],
  [/(^|[^a-z])(rf|flow|rectified[-_ .]?flow|flow[-_ .]?match(ing)?)([^a-z]|$)/i, { prediction: "flow" }],
  [/zt?snr|zero[-_ .]?(terminal[-_ .]?)?snr/i, { prediction: "v", zeroSnr: true }],
  [/nyaflow|big[-_ ]?asp[-_ ]?v?2[._]?5/i, { prediction: "flow" }],
  [/cos[-_ ]?xl/i, { prediction: "edm_v" }],
  [/illustrious.*3[._]?[05].*v[-_ .]?pred/i, { prediction: "v", zeroSnr: true }],
];

/** The checkpoint's own names, and the names that metadata keeps of it or of the model it was trained from. */
function fromNames({ names, metadata }: Clues): Evidence[] {
  const kept = ["modelspec.title", "ss_output_name", "ss_sd_model_name"].flatMap((key) => {
    const value = metadata.get(key);
    return value ? [[`${key} "${value}"`, value] as const] : [];
  });
  const all = [...names.map((name) => [`name "${name}"`, name] as const), ...kept];
  return all.flatMap(([source, name]) =>
    NAMES.flatMap(([pattern, claim]) => (pattern.test(name) ? [evidence(source, WEIGHT.name, claim)] : [])),
  );
}

/** Every spelling of a prediction type; undefined for what is not one, or cannot be sampled (`sample`). */
export function predictionCalled(value: unknown): Prediction | undefined {
  if (typeof value !== "string") return undefined;
  switch (
    value
      .toLowerCase()
      .replace(/[-_ ]?(pred(iction)?)$/, "")
      .replace(/[-_ ]/g, "")
  ) {
    case "eps":
    case "epsilon":
      return "eps";
    case "v":
    case "velocity":
      return "v";
    case "edmv":
      return "edm_v";
    case "flow":
    case "flowmatching":
    case "rectifiedflow":
    case "rf":
      return "flow";
    default:
      return undefined;
  }
}

/** Python's and JSON's spellings of a flag. */
function flagCalled(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (/^(true|1)$/i.test(value)) return true;
  return /^(false|0)$/i.test(value) ? false : undefined;
}
