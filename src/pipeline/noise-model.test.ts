import { expect, test } from "vitest";
import { detectPrediction } from "../models/sdxl/prediction.ts";
import { betas, betasOfSigmas, discreteTable } from "../sampling/index.ts";
import { type NoiseChoices, noiseModelOf, trainedLevels } from "./noise-model.ts";

const auto: NoiseChoices = { zeroSnr: "auto", rounding: "interpolate" };

const detected = (json: Record<string, unknown>) =>
  detectPrediction({
    tensors: new Set(),
    scalars: new Map(),
    metadata: new Map(),
    scheduler: { source: "scheduler_config.json", json: { prediction_type: "v_prediction", ...json } },
    names: [],
  });

const tableOf = (json: Record<string, unknown>, choices: Partial<NoiseChoices> = {}) =>
  noiseModelOf(detected(json), { ...auto, ...choices }).table;

const zero = betasOfSigmas(discreteTable({ shift: 0.25, zeroSnr: "exact" }).sigmas);

test("betas of a shifted schedule are known for what they are, whatever else the file says or leaves out", () => {
  for (const more of [
    {},
    { rescale_betas_zero_snr: true },
    { shift: 0.25 },
    { shift: 4, rescale_betas_zero_snr: true },
  ]) {
    expect(tableOf({ trained_betas: zero, ...more })).toMatchObject({
      shift: expect.closeTo(0.25, 12),
      zeroSnr: "exact",
    });
  }
  const sigmas = discreteTable({ shift: 0.25, zeroSnr: "exact" }).sigmas;
  expect(tableOf({ trained_betas: zero, shift: 0.25 }).sigmas).toEqual(sigmas);
});

test("betas that end in 1 are evidence of zero SNR", () => {
  expect(detected({ trained_betas: zero })).toMatchObject({ zeroSnr: true, confidence: "certain" });
  expect(detected({ trained_betas: [0.1, 0.2] })).toMatchObject({ zeroSnr: false });
});

test("the user's word on shift and zero SNR stands above the betas of SDXL's schedule", () => {
  expect(tableOf({ trained_betas: zero }, { shift: 1 }).sigmas).toEqual(discreteTable({ zeroSnr: "exact" }).sigmas);
  const off = tableOf({ trained_betas: zero }, { zeroSnr: "off" });
  const levels = trainedLevels(detected({ trained_betas: zero }));
  expect(levels).toEqual({ shift: expect.closeTo(0.25, 12) });
  expect(off.sigmas).toEqual(discreteTable(levels).sigmas);
});

test("betas of another schedule are used as they are", () => {
  const table = tableOf({ trained_betas: [0.1, 0.2, 0.4], shift: 3 });
  expect(table.sigmas).toEqual(discreteTable({ betas: [0.1, 0.2, 0.4] }).sigmas);
  expect(tableOf({ trained_betas: [0.1, 0.2, 0.4] }, { shift: 2 }).sigmas).toEqual(table.sigmas.map((s) => 2 * s));
  expect(tableOf({ trained_betas: [0.1, 0.2, 0.4], rescale_betas_zero_snr: true }).sigmas[2]).toBe(
    Number.POSITIVE_INFINITY,
  );
});

test.each([
  [{ beta_schedule: "linear" }, { betaCurve: "linear" }],
  [{ beta_schedule: "scaled_linear", beta_start: 0.001 }, { betaStart: 0.001 }],
  // Within a hundredth of SDXL's, which is enough for a list that was rounded, and not for a curve.
  [{ beta_start: 0.0009 }, { betaStart: 0.0009 }],
  [{ beta_end: 0.02 }, { betaEnd: 0.02 }],
  [{ num_train_timesteps: 500 }, { levels: 500 }],
  [{ beta_schedule: "squaredcos_cap_v2" }, { betaCurve: "squaredcos_cap_v2" }],
] as const)("a curve that is not SDXL's has levels of its own: %j", (json, options) => {
  expect(trainedLevels(detected(json))).toEqual({ shift: 1, betas: Array.from(betas(options)) });
  for (const zeroSnr of [false, "exact"] as const) {
    const table = tableOf({ ...json, rescale_betas_zero_snr: zeroSnr !== false });
    expect(table.sigmas).toEqual(discreteTable({ ...options, zeroSnr }).sigmas);
  }
});

test("a factor beside a curve is one on its sigmas; that of a flow's scheduler is the flow's alone", () => {
  const halved = discreteTable({ betaCurve: "linear", shift: 0.5 }).sigmas;
  expect(tableOf({ beta_schedule: "linear", shift: 0.5 }).sigmas).toEqual(halved);
  const flow = { _class_name: "FlowMatchEulerDiscreteScheduler", shift: 3 };
  const clues = { tensors: new Set<string>(), scalars: new Map(), metadata: new Map(), names: [] };
  const scheduler = { source: "scheduler_config.json", json: flow };
  expect(trainedLevels(detectPrediction({ ...clues, scheduler }))).toEqual({ shift: 3 });
  expect(trainedLevels(detectPrediction({ ...clues, scheduler }, { prediction: "v" }))).toEqual({ shift: 1 });
});

test("SDXL's curve is known when it is spelt out", () => {
  const spelt = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", num_train_timesteps: 1000 };
  expect(trainedLevels(detected(spelt))).toEqual({ shift: 1 });
  expect(trainedLevels(detected({ ...spelt, shift: 0.25 }))).toEqual({ shift: 0.25 });
});

test("what is no schedule, or a curve that is not built, is refused", () => {
  expect(() => tableOf({ trained_betas: [0.1, 2, 0.4] })).toThrow("beta 1 of 3 is 2");
  expect(() => tableOf({ beta_schedule: "sigmoid" })).toThrow("beta_schedule sigmoid");
  // diffusers goes by the list and does not look at the curve.
  expect(tableOf({ beta_schedule: "sigmoid", trained_betas: zero }).shift).toBeCloseTo(0.25, 10);
});
