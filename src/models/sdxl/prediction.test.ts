import fc from "fast-check";
import { expect, test } from "vitest";
import { type Claim, type Clues, detectPrediction, type Prediction } from "./prediction.ts";
import { predictionMarks } from "./prediction-marks.ts";

type Given = {
  tensors?: string[];
  scalars?: Record<string, number>;
  metadata?: Record<string, string>;
  scheduler?: Record<string, unknown>;
  name?: string;
  override?: Claim;
};

function detect({ tensors = [], scalars = {}, metadata = {}, scheduler, name = "model.safetensors", override }: Given) {
  const clues: Clues = {
    tensors: new Set(tensors),
    scalars: new Map(Object.entries(scalars)),
    metadata: new Map(Object.entries(metadata)),
    ...(scheduler && { scheduler: { source: "scheduler_config.json", json: scheduler } }),
    names: [name],
  };
  return detectPrediction(clues, override);
}

const V_ZERO = { prediction_type: "v_prediction", rescale_betas_zero_snr: true, timestep_spacing: "trailing" };

// One source at a time: what it says alone, and how sure that makes us.
test.each<[string, Given, string]>([
  ["nothing at all", {}, "eps likely"],
  ["v_pred", { tensors: ["v_pred"] }, "v likely"],
  ["v_pred and ztsnr", { tensors: ["v_pred", "ztsnr"] }, "v zero certain"],
  ["ztsnr alone", { tensors: ["ztsnr"] }, "v zero likely"],
  ["CosXL's sigmas", { tensors: ["edm_vpred.sigma_max", "edm_vpred.sigma_min"] }, "edm_v certain"],
  ["modelspec v", { metadata: { "modelspec.prediction_type": "v" } }, "v likely"],
  ["modelspec v_prediction", { metadata: { "modelspec.prediction_type": "v_prediction" } }, "v likely"],
  ["modelspec epsilon", { metadata: { "modelspec.prediction_type": "epsilon" } }, "eps likely"],
  ["modelspec flow", { metadata: { "modelspec.prediction_type": "flow_matching" } }, "flow likely"],
  ["modelspec velocity", { metadata: { "modelspec.prediction_type": "velocity" } }, "v likely"],
  [
    "modelspec velocity of a flow",
    { metadata: { "modelspec.prediction_type": "velocity", "modelspec.noise_process": "flow" } },
    "flow likely",
  ],
  ["modelspec sample, which is not supported", { metadata: { "modelspec.prediction_type": "sample" } }, "eps likely"],
  ["ComfyUI's predict_key v", { metadata: { "modelspec.predict_key": "v" } }, "v likely"],
  ["ComfyUI's predict_key epsilon", { metadata: { "modelspec.predict_key": "epsilon" } }, "eps likely"],
  ["kohya v", { metadata: { ss_v_parameterization: "True" } }, "v likely"],
  ["kohya v in small letters", { metadata: { ss_v_parameterization: "true" } }, "v likely"],
  ["kohya not v", { metadata: { ss_v_parameterization: "False" } }, "eps likely"],
  ["kohya zero SNR", { metadata: { ss_zero_terminal_snr: "True" } }, "v zero likely"],
  ["kohya v-like loss", { metadata: { ss_v_pred_like_loss: "0.5" } }, "v likely"],
  ["kohya v-like loss, off", { metadata: { ss_v_pred_like_loss: "None" } }, "eps likely"],
  ["ours", { metadata: { "illustrious.prediction": "flow" } }, "flow certain"],
  ["ours, zero SNR", { metadata: { "illustrious.prediction": "v", "illustrious.zero_snr": "true" } }, "v zero certain"],
  ["ours, no zero SNR", { metadata: { "illustrious.prediction": "v", "illustrious.zero_snr": "false" } }, "v certain"],
  ["scheduler eps", { scheduler: { prediction_type: "epsilon" } }, "eps likely"],
  ["scheduler v", { scheduler: { prediction_type: "v_prediction" } }, "v certain"],
  ["scheduler v, zero SNR", { scheduler: V_ZERO }, "v zero certain"],
  ["scheduler of flow", { scheduler: { _class_name: "FlowMatchEulerDiscreteScheduler" } }, "flow certain"],
  [
    "scheduler EDM, v",
    { scheduler: { _class_name: "EDMDPMSolverMultistepScheduler", prediction_type: "v_prediction" } },
    "edm_v certain",
  ],
  [
    "scheduler of flow, with a word that is nothing here",
    { scheduler: { _class_name: "FlowMatchEulerDiscreteScheduler", prediction_type: "sample" } },
    "flow certain",
  ],
  [
    "scheduler that says nothing",
    { scheduler: { _class_name: "EulerDiscreteScheduler", prediction_type: null } },
    "eps likely",
  ],
  ["name vpred", { name: "noobaiXL-vPred10.safetensors" }, "v guess"],
  ["name v-pred", { name: "some_V-Pred.safetensors" }, "v guess"],
  ["name ztsnr", { name: "some-ztsnr.safetensors" }, "v zero guess"],
  ["name eps", { name: "NoobAI-XL-eps-v1.1.safetensors" }, "eps guess"],
  ["name RF", { name: "NoobAI-RF-v0.1.safetensors" }, "flow guess"],
  ["name flow", { name: "my_flow_model.safetensors" }, "flow guess"],
  ["name nyaflow", { name: "nyaflowXL.safetensors" }, "flow guess"],
  ["name bigASP 2.5", { name: "bigASP_v2.5.safetensors" }, "flow guess"],
  ["name CosXL", { name: "cosxl_edit.safetensors" }, "edm_v guess"],
  ["name Illustrious 3.5 vpred", { name: "Illustrious-XL-v3.5-vpred.safetensors" }, "v zero guess"],
  ["names with the letters by chance", { name: "overflow-perfect-steps-flower.safetensors" }, "eps likely"],
  ["title", { metadata: { "modelspec.title": "My vpred merge" } }, "v guess"],
  ["the model a LoRA was trained on", { metadata: { ss_sd_model_name: "noobai-vpred.safetensors" } }, "v guess"],
])("%s", (_, given, expected) => {
  const { prediction, zeroSnr, confidence, conflicts } = detect(given);
  expect(`${prediction} ${zeroSnr ? "zero " : ""}${confidence}`).toBe(expected);
  expect(conflicts).toEqual([]);
});

// Two sources that disagree: who wins, and that the loser is named with the reason.
test.each<[string, Given, string, RegExp]>([
  [
    "a marker against metadata",
    { tensors: ["v_pred"], metadata: { "modelspec.prediction_type": "epsilon" } },
    "v likely",
    /^modelspec.prediction_type says eps, but tensor v_pred says v, which is believed more$/,
  ],
  [
    "the two spellings against each other",
    { metadata: { "modelspec.prediction_type": "v", "modelspec.predict_key": "epsilon" } },
    "v guess",
    /^modelspec.predict_key says eps, but modelspec.prediction_type says v, which is as strong and comes first$/,
  ],
  [
    "CosXL's sigmas against v_pred, as ComfyUI orders them",
    { tensors: ["v_pred", "edm_vpred.sigma_max"] },
    "edm_v likely",
    /^tensor v_pred says v, but tensor edm_vpred.sigma_max says edm_v/,
  ],
  [
    "a converter's eps against the file's own v",
    { scheduler: { prediction_type: "epsilon" }, metadata: { "modelspec.prediction_type": "v" } },
    "v guess",
    /^scheduler_config.json: prediction_type says eps, but modelspec.prediction_type says v/,
  ],
  [
    "ours against a marker",
    { tensors: ["v_pred"], metadata: { "illustrious.prediction": "flow" } },
    "flow likely",
    /^tensor v_pred says v, but illustrious.prediction says flow/,
  ],
  [
    "training arguments against modelspec",
    { metadata: { "modelspec.prediction_type": "v", ss_v_parameterization: "False" } },
    "v guess",
    /^ss_v_parameterization says eps, but modelspec.prediction_type says v/,
  ],
  [
    "a name against metadata",
    { name: "x-vpred.safetensors", metadata: { "modelspec.prediction_type": "epsilon" } },
    "eps likely",
    /^name "x-vpred.safetensors" says v, but modelspec.prediction_type says eps/,
  ],
  [
    "a name against a converter's eps",
    { name: "noobai-vpred", scheduler: { prediction_type: "epsilon" } },
    "eps likely",
    /^name "noobai-vpred" says v, but scheduler_config.json: prediction_type says eps/,
  ],
  [
    "a name against itself",
    { name: "vpred-to-eps.safetensors" },
    "v guess",
    /^name "vpred-to-eps.safetensors" says eps, but name "vpred-to-eps.safetensors" says v/,
  ],
  [
    "ztsnr against a trainer's argument",
    { tensors: ["v_pred", "ztsnr"], metadata: { ss_zero_terminal_snr: "False" } },
    "v zero likely",
    /^ss_zero_terminal_snr says no zero SNR, but tensor ztsnr says zero SNR/,
  ],
  [
    "zero SNR with eps, which has no meaning",
    { metadata: { "modelspec.prediction_type": "epsilon", ss_zero_terminal_snr: "True" } },
    "eps likely",
    /^ss_zero_terminal_snr says zero SNR, for which eps has no answer at the last timestep: ignored$/,
  ],
  [
    "leading timesteps with zero SNR",
    { scheduler: { ...V_ZERO, timestep_spacing: "leading" } },
    "v zero certain",
    /timestep_spacing leading never visits the last timestep/,
  ],
  [
    "the user against a marker",
    { tensors: ["v_pred", "ztsnr"], override: { prediction: "eps" } },
    "eps certain",
    /^tensor v_pred says v, but override says eps/,
  ],
])("%s", (_, given, expected, conflict) => {
  const { prediction, zeroSnr, confidence, conflicts } = detect(given);
  expect(`${prediction} ${zeroSnr ? "zero " : ""}${confidence}`).toBe(expected);
  expect(
    conflicts.some((line) => conflict.test(line)),
    conflicts.join("\n"),
  ).toBe(true);
});

test("OneTrainer's file, with v_pred and without ztsnr, is zero SNR when anything else says so", () => {
  expect(detect({ tensors: ["v_pred"] }).zeroSnr).toBe(false);
  const told = detect({ tensors: ["v_pred"], metadata: { ss_zero_terminal_snr: "True" } });
  expect(told).toMatchObject({ zeroSnr: true, confidence: "certain", conflicts: [] });
});

test("an override is recorded first, and leaves the other question to the evidence", () => {
  const found = detect({ tensors: ["v_pred", "ztsnr"], override: { zeroSnr: false } });
  expect(found).toMatchObject({ prediction: "v", zeroSnr: false });
  expect(found.evidence[0]).toMatchObject({ source: "override", says: "no zero SNR" });
});

test("CosXL's sigmas come from the tensors, then from the scheduler, then from ComfyUI's defaults", () => {
  const tensors = ["edm_vpred.sigma_max", "edm_vpred.sigma_min"];
  const scalars = { "edm_vpred.sigma_max": 80, "edm_vpred.sigma_min": 0.01 };
  expect(detect({ tensors, scalars })).toMatchObject({ sigmaMax: 80, sigmaMin: 0.01, sigmaData: 1 });
  const scheduler = {
    _class_name: "EDMEulerScheduler",
    prediction_type: "v_prediction",
    sigma_max: 60,
    sigma_data: 0.5,
  };
  expect(detect({ scheduler })).toMatchObject({ sigmaMax: 60, sigmaMin: 0.002, sigmaData: 0.5 });
  expect(detect({ tensors })).toMatchObject({ sigmaMax: 120, sigmaMin: 0.002, sigmaData: 1 });
  expect(detect({ tensors: ["v_pred"], scalars })).not.toHaveProperty("sigmaMax");
});

test("the scheduler's noise schedule is handed on", () => {
  const scheduler = { beta_start: 0.001, beta_end: 0.02, beta_schedule: "linear", num_train_timesteps: 500 };
  expect(
    detect({ scheduler: { ...scheduler, trained_betas: [0.1, 0.2], timestep_spacing: "trailing" } }).schedule,
  ).toEqual({
    betaStart: 0.001,
    betaEnd: 0.02,
    betaSchedule: "linear",
    trainTimesteps: 500,
    trainedBetas: [0.1, 0.2],
    timestepSpacing: "trailing",
  });
});

test.each<Claim & { prediction: Prediction }>([
  { prediction: "eps", zeroSnr: false },
  { prediction: "v", zeroSnr: false },
  { prediction: "v", zeroSnr: true },
  { prediction: "edm_v", zeroSnr: false },
  { prediction: "flow", zeroSnr: false },
])("what we mark as $prediction, zero SNR $zeroSnr, we read back for certain", (claim) => {
  const { tensors, metadata } = predictionMarks(claim);
  const found = detect({ tensors: [...tensors], metadata });
  expect(found).toMatchObject({ ...claim, confidence: "certain", conflicts: [] });
});

test("whatever strangers' metadata say, something is decided, or a scheduler refused by name", () => {
  const keys = ["illustrious.prediction", "modelspec.prediction_type", "ss_zero_terminal_snr", "modelspec.title"];
  const metadata = fc.dictionary(fc.constantFrom(...keys), fc.string());
  const scheduler = fc.dictionary(fc.constantFrom("_class_name", "prediction_type", "beta_start"), fc.jsonValue());
  fc.assert(
    fc.property(metadata, scheduler, fc.string(), (metadata, scheduler, name) => {
      const { prediction, evidence } = refusedOr(() => detect({ metadata, scheduler, name })) ?? NOTHING;
      expect(["eps", "v", "edm_v", "flow", "refused"]).toContain(prediction);
      expect(evidence.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

const NOTHING = { prediction: "refused", evidence: [undefined] };

function refusedOr<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    expect(error).toMatchObject({ code: "unsupported", message: expect.stringMatching(/^scheduler_config.json: /) });
    return undefined;
  }
}

// What diffusers' schedulers can be told, and what of it has no sampler here.
test.each([
  ["EulerDiscreteScheduler", "sample", 'EulerDiscreteScheduler with prediction_type "sample" cannot be sampled'],
  ["DDIMScheduler", "x0", 'DDIMScheduler with prediction_type "x0"'],
  [undefined, "sample", 'scheduler_config.json: prediction_type "sample"'],
  ["EDMEulerScheduler", "epsilon", 'EDMEulerScheduler with prediction_type "epsilon" cannot be sampled; of EDM only v'],
  ["EDMDPMSolverMultistepScheduler", "sample", 'prediction_type "sample"'],
  ["EDMEulerScheduler", undefined, "EDMEulerScheduler with no prediction_type, which means epsilon"],
  ["EDMEulerScheduler", "flow_prediction", "of EDM only v_prediction can"],
])("%s that predicts %s is refused, unless the user knows better", (_class_name, prediction_type, message) => {
  const scheduler = { ...(_class_name && { _class_name }), ...(prediction_type && { prediction_type }) };
  const refused = expect.objectContaining({
    code: "unsupported",
    message: expect.stringContaining(message),
    hint: expect.stringContaining("--prediction"),
  });
  const thrown = (given: Given) => {
    try {
      return detect(given);
    } catch (error) {
      return error;
    }
  };
  expect(thrown({ scheduler })).toEqual(refused);
  // Evidence of another kind may be as wrong as this file: only the user overrules it.
  expect(thrown({ scheduler, tensors: ["v_pred"] })).toEqual(refused);
  expect(thrown({ scheduler, override: { zeroSnr: true } })).toEqual(refused);
  expect(thrown({ scheduler, override: { prediction: "v" } })).toMatchObject({
    prediction: "v",
    confidence: "certain",
  });
});
