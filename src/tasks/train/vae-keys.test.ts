import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import type { RecipeFile } from "./recipe-file.ts";
import { vaeKeyFindings } from "./vae-keys.ts";

const found = (train_vae: "both" | undefined, keys: Record<string, unknown>) =>
  vaeKeyFindings({ own: { train_vae } as RecipeFile["own"], keys: { ...(train_vae && { train_vae }), ...keys } }).map(
    ({ message }) => message,
  );

test("keys of noise, captions and pairs are told where an autoencoder learns", () => {
  const [message] = found("both", {
    learning_rate: 1e-3,
    vae_crops: [[64, 8, 1]],
    datasets: [],
    min_snr_gamma: 5,
    network_dim: 8,
    v_parameterization: false,
    sample_prompts: "a.txt",
    train_batch_size: 8,
  });
  expect(message).toMatch(/: min_snr_gamma, network_dim, sample_prompts, train_batch_size$/);
  expect(found("both", { learning_rate: 1e-3, save_precision: "fp16", vae_kl_weight: 0 })).toEqual([]);
});

test.each(["vae", "vae-decoder", "vae-ends", "vae-long"])("all that our own recipe %s sets is read", (name) => {
  const keys = parse(readFileSync(join(import.meta.dirname, `../../../recipes/nano/${name}.toml`), "utf8"));
  expect(found("both", keys)).toEqual([]);
});

test("keys of previews are told where there are no prompts and no autoencoder learns", () => {
  const keys = { sample_every_n_steps: 5, sample_sampler: "euler", sample_at_first: false, sample_every_n_epochs: 0 };
  const told = ["set without effect, for there are no sample_prompts: sample_every_n_steps, sample_sampler"];
  expect(found(undefined, keys)).toEqual(told);
  expect(found(undefined, { ...keys, sample_prompts: [] })).toEqual(told);
  expect(found(undefined, { ...keys, sample_prompts: ["1girl"] })).toEqual([]);
  expect(found("both", { sample_every_n_steps: 5 })).toEqual([]);
});

test("keys of an autoencoder are told where none learns", () => {
  expect(found(undefined, { vae_crops: [], vae: "other" })).toEqual([
    "set without effect, for no autoencoder learns: vae_crops",
  ]);
});
