/** @file The models in the box, read as what they are and as what they are not: the first answer tells. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { firstAnswerHeld } from "../pipeline/first-answer.ts";
import {
  discreteTable,
  edmTable,
  flowTable,
  networkInput,
  predictionFor,
  predictionTypes,
  torchGenerator,
} from "../sampling/index.ts";
import { generateInEngine } from "./generate-in-engine.ts";
import { type GenerateInput, parseGenerateOptions } from "./generate-options.ts";

const root = join(import.meta.dirname, "../..");
const EPS = join(root, "models/nano-v3.0-eps");
const ZERO_SNR = join(root, "test/fixtures/nano-bootstrap");

test.each<[string, string, Partial<GenerateInput>, string | undefined]>([
  ["eps as eps", EPS, {}, undefined],
  ["eps as v", EPS, { prediction: "v" }, "drawn as v and answers like a model that predicts eps: at sigma 14.6"],
  ["eps as v from pure noise", EPS, { prediction: "v", zeroSnr: "exact" }, "predicts eps: at sigma Infinity"],
  ["v as v", ZERO_SNR, {}, undefined],
  ["v as v from sigma 14.6", ZERO_SNR, { zeroSnr: "off" }, undefined],
  ["eps as flow, which answers alike", EPS, { prediction: "flow" }, undefined],
  [
    "v as flow",
    ZERO_SNR,
    { prediction: "flow" },
    "drawn as flow and answers like a model that predicts v: at sigma Inf",
  ],
  ["eps as edm_v", EPS, { prediction: "edm_v" }, "drawn as edm_v and answers like a model that predicts eps or v"],
  ["v as edm_v", ZERO_SNR, { prediction: "edm_v" }, "drawn as edm_v and answers like a model that predicts eps or v"],
  ["v as eps", ZERO_SNR, { prediction: "eps" }, "drawn as eps and answers like a model that predicts v: at sigma 14.6"],
])("%s", async (_, model, given, expected) => {
  const small = { prompt: "1girl", width: 64, height: 64, steps: 2, cfg: 3, seed: 1, count: 2 };
  const doubts: string[] = [];
  for await (const event of generateInEngine(
    parseGenerateOptions({ ...small, model, ...given }),
    new AbortController().signal,
  )) {
    if (event.type === "warning" && event.message.includes("answers like")) doubts.push(event.message);
  }
  // Once, for all pictures.
  expect(doubts).toEqual(expected === undefined ? [] : [expect.stringContaining(expected)]);
});

test("only high noise tells: below it nothing is said", async () => {
  const doubts: string[] = [];
  const heard = async (prediction: "eps" | "flow", sigma: number) => {
    const silent = async (input: Float32Array) => ({ conditional: input.map(() => 0) });
    const network = firstAnswerHeld(silent, prediction, sigma, ({ message }) => doubts.push(message));
    await network(Float32Array.of(1, -1), 999, false);
  };
  await heard("eps", 5);
  await heard("flow", 5);
  expect(doubts).toEqual([]);
  await heard("eps", 14);
  expect(doubts).toEqual([expect.stringContaining("holds 0.0 of the noise, where eps holds 1")]);
});

// In the samplers' space, x = x0 + sigma noise, of pictures of any contrast; each answer is the truth.
test.each(predictionTypes)("a right %s model is not doubted at any high noise", async (type) => {
  const table = { eps: discreteTable(), v: discreteTable(), flow: flowTable(), edm_v: edmTable() }[type];
  const prediction = predictionFor(type, table);
  const { randn } = torchGenerator(1);
  const doubts: string[] = [];
  for (const sigma of [5.1, 14, 120]) {
    for (const contrast of [0.1, 1, 1.4]) {
      const x0 = randn(4096).map((value) => contrast * value);
      const x = randn(4096).map((noise, i) => x0[i]! + sigma * noise);
      const truth = async () => ({ conditional: prediction.outputFrom(x, x0, sigma) });
      const network = firstAnswerHeld(truth, type, sigma, ({ message }) => doubts.push(message));
      await network(networkInput(prediction, x, sigma), prediction.timestep(sigma), false);
    }
  }
  expect(doubts).toEqual([]);
});
