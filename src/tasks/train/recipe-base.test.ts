/** @file Noise levels that are somebody's own: from a file that the recipe names, or from the checkpoint that it begins with. */

import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { betasOfSigmas, discreteTable } from "../../sampling/index.ts";
import { baseOf, recipeOf } from "./recipe-base.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { parseTrainOptions } from "./train-options.ts";

/** Three levels, the last without signal: what is left of the signal's power is 0.8, 0.4 and none. */
const betas = [0.2, 0.5, 1];
const sigmas = [Math.sqrt(0.2 / 0.8), Math.sqrt(0.6 / 0.4), Number.POSITIVE_INFINITY];

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "recipe-base-"));
  await writeFile(join(root, "betas.json"), JSON.stringify(betas));
  await writeFile(join(root, "two.json"), JSON.stringify([0.1, 2, 0.3]));
  await writeFile(join(root, "one.json"), JSON.stringify([0.1]));
  await writeFile(join(root, "none.json"), JSON.stringify({ beta_start: 0.001 }));
  await cp(join(import.meta.dirname, "../../../models/nano-v3.0-eps"), join(root, "plain"), { recursive: true });
  await cp(join(root, "plain"), join(root, "listed"), { recursive: true });
  await mkdir(join(root, "listed/scheduler"), { recursive: true });
  const config = { prediction_type: "v_prediction", trained_betas: betas };
  await writeFile(join(root, "listed/scheduler/scheduler_config.json"), JSON.stringify(config));
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function read(model: string, more: string) {
  const path = join(root, "mine.toml");
  await writeFile(path, `pretrained_model_name_or_path = "${model}"\nlearning_rate = 1e-4\n${more}`);
  const file = await readRecipeFile(parseTrainOptions({ recipe: path }));
  return recipeOf(file, await baseOf(file));
}

const close = (found: Float64Array) => {
  expect(found).toHaveLength(3);
  for (const [t, sigma] of sigmas.entries()) {
    if (sigma === Number.POSITIVE_INFINITY) expect(found[t]).toBe(sigma);
    else expect(found[t]).toBeCloseTo(sigma, 12);
  }
};

test.each([
  ["a list", "plain", 'trained_betas = "betas.json"\nv_parameterization = true'],
  ["a scheduler's settings", "plain", 'trained_betas = "listed/scheduler/scheduler_config.json"\nprediction = "v"'],
  [
    "rescaling, which leaves a list that ends in 1",
    "plain",
    'trained_betas = "betas.json"\nprediction = "v"\nzero_terminal_snr = true',
  ],
  ["the checkpoint that is trained", "listed", ""],
  ["the checkpoint that a LoRA is trained for", "listed", "network_dim = 4"],
])("levels are those of %s", async (_, model, more) => {
  const { objective } = await read(model, more);
  expect(objective.table.zeroSnr).toBe("exact");
  close(objective.table.sigmas);
});

test("levels are those of a checkpoint whose curve is another", async () => {
  await cp(join(root, "plain"), join(root, "linear"), { recursive: true });
  await mkdir(join(root, "linear/scheduler"), { recursive: true });
  const write = (config: unknown) =>
    writeFile(join(root, "linear/scheduler/scheduler_config.json"), JSON.stringify(config));
  await write({ prediction_type: "epsilon", beta_schedule: "linear" });
  const { objective } = await read("linear", "");
  expect(objective.table.sigmas).toEqual(discreteTable({ betaCurve: "linear" }).sigmas);
  await write({ prediction_type: "epsilon", beta_schedule: "sigmoid" });
  await expect(read("linear", "")).rejects.toThrow("beta_schedule sigmoid");
  // It matters no more where the recipe names levels.
  close((await read("linear", 'trained_betas = "betas.json"\nprediction = "v"')).objective.table.sigmas);
});

test("a list of the recipe's own is rescaled if the recipe says so, whatever the checkpoint was", async () => {
  await writeFile(join(root, "short.json"), JSON.stringify([0.2, 0.5]));
  const zero = join(import.meta.dirname, "../../../models/nano-v3.5-vpred");
  const left = await read(zero, 'trained_betas = "short.json"');
  expect(left.objective.table.zeroSnr).toBe(false);
  const rescaled = await read(zero, 'trained_betas = "short.json"\nzero_terminal_snr = true');
  expect(rescaled.objective.table.sigmas[1]).toBe(Number.POSITIVE_INFINITY);
});

test("a list may end at any noise, as the capped cosine does, at sigma 20291", async () => {
  const bar = (t: number) => Math.cos((((t / 1000 + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  const cosine = Array.from({ length: 1000 }, (_, t) => Math.min(1 - bar(t + 1) / bar(t), 0.999));
  await writeFile(join(root, "cosine.json"), JSON.stringify(cosine));
  const { findings, objective } = await read("plain", 'trained_betas = "cosine.json"\nprediction = "v"');
  expect(findings.filter(({ level }) => level === "refusal")).toEqual([]);
  expect(objective.table.sigmas[999]).toBeCloseTo(20291, -1);
});

test("a scheduler's settings that rescale their list are taken with that", async () => {
  const settings = { trained_betas: [0.2, 0.5], rescale_betas_zero_snr: true };
  await writeFile(join(root, "rescaled.json"), JSON.stringify(settings));
  const { objective } = await read("plain", 'trained_betas = "rescaled.json"\nprediction = "v"');
  expect(objective.table.sigmas[0]).toBeCloseTo(0.5, 12);
  expect(objective.table.sigmas[1]).toBe(Number.POSITIVE_INFINITY);
  const more = 'trained_betas = "rescaled.json"\nprediction = "v"\n';
  const stale = await read("plain", `${more}min_snr_gamma = 5\nweights_before_rescale = true`);
  expect(stale.objective.weightTable?.sigmas[1]).toBeCloseTo(Math.sqrt(0.6 / 0.4), 12);
  const left = await read("plain", `${more}zero_terminal_snr = false`);
  expect(left.objective.table.sigmas[1]).toBeCloseTo(Math.sqrt(0.6 / 0.4), 12);
  await writeFile(join(root, "null.json"), JSON.stringify({ ...settings, rescale_betas_zero_snr: null }));
  const silent = await read("plain", 'trained_betas = "null.json"\nprediction = "v"');
  expect(silent.objective.table.zeroSnr).toBe(false);
});

test("a list that is SDXL's levels times a factor is known as that, and speaks against nothing", async () => {
  const sigmas = discreteTable({ shift: 0.125, zeroSnr: "exact" }).sigmas;
  await writeFile(join(root, "shifted.json"), JSON.stringify(betasOfSigmas(sigmas)));
  const zero = join(import.meta.dirname, "../../../models/nano-v3.5-vpred");
  const { objective, findings } = await read(zero, 'trained_betas = "shifted.json"');
  expect(objective.table.shift).toBeCloseTo(0.125, 8);
  expect(objective.table.zeroSnr).toBe("exact");
  expect(findings.map(({ code, hint }) => [code, hint])).toEqual([
    ["shift_differs", expect.stringMatching(/^Leave trained_betas out/)],
  ]);
  // A checkpoint of these levels, whose own settings are named.
  await cp(zero, join(root, "shifted"), { recursive: true });
  const config = { prediction_type: "v_prediction", trained_betas: betasOfSigmas(sigmas) };
  await writeFile(join(root, "shifted/scheduler/scheduler_config.json"), JSON.stringify(config));
  const same = await read("shifted", 'trained_betas = "shifted.json"');
  expect(same.findings).toEqual([]);
});

test("a list that ends in 1 has weights of its own, for nothing was rescaled", async () => {
  const { objective } = await read("listed", "min_snr_gamma = 5\nweights_before_rescale = true");
  expect(objective.weightTable).toBeUndefined();
  close(objective.table.sigmas);
});

test("weights before rescaling are the list's own", async () => {
  await writeFile(join(root, "short.json"), JSON.stringify([0.2, 0.5]));
  const { objective } = await read(
    "plain",
    'trained_betas = "short.json"\nprediction = "v"\nzero_terminal_snr = true\nmin_snr_gamma = 5\nweights_before_rescale = true',
  );
  expect(objective.table.sigmas[1]).toBe(Number.POSITIVE_INFINITY);
  expect(objective.weightTable?.sigmas[1]).toBeCloseTo(Math.sqrt(0.6 / 0.4), 12);
});

test.each<[what: string, model: string, more: string, message: RegExp]>([
  ["a file without a list", "plain", 'trained_betas = "none.json"', /^trained_betas = "none.json" holds no list/],
  ["a beta of 2", "plain", 'trained_betas = "two.json"', /^trained_betas = "two.json" cannot be.*beta 1 of 3 is 2$/],
  ["one beta", "plain", 'trained_betas = "one.json"', /^trained_betas = "one.json" cannot be.*schedule of 1 betas$/],
  ["a file that is not there", "plain", 'trained_betas = "away.json"', /away\.json/],
  ["a LoRA", "plain", 'trained_betas = "betas.json"\nprediction = "v"\nnetwork_dim = 4', /^trained_betas for a LoRA/],
  ["a flow", "plain", 'trained_betas = "betas.json"\nprediction = "flow"', /^trained_betas with prediction = "flow"/],
  [
    "a signal that is to be left",
    "listed",
    "zero_terminal_snr = false",
    /^zero_terminal_snr = false, and a list of betas/,
  ],
])("refused: %s", async (_, model, more, message) => {
  await expect(read(model, more)).rejects.toMatchObject({
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/betas|a LoRA of it|schedule_shift|zero_terminal_snr/),
  });
});
