import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../../models/sdxl/checkpoint.ts";
import { modelOf } from "../../trainer/sdxl-model.ts";
import { parseRecipe } from "../../training/recipe/index.ts";
import { saveFindings } from "./save-findings.ts";

const nano = join(import.meta.dirname, "../../../test/fixtures/nano-bootstrap");
const lora = 'network_module = "networks.lora"\nnetwork_dim = 4\n';

async function found(toml: string, train_vae?: "both") {
  const recipe = parseRecipe(`learning_rate = 1e-4\n${toml}`);
  const own = { ...(train_vae && { train_vae }) } as Parameters<typeof saveFindings>[0]["own"];
  return (await saveFindings({ own }, recipe, async () => modelOf(await openCheckpoint(nano)))).map(
    ({ code, message }) => `${code}: ${message}`,
  );
}

test("a layout that does not apply is told, sd-scripts' own for LoRAs is silent", async () => {
  expect(await found("")).toEqual([]);
  expect(await found('save_model_as = "diffusers"')).toEqual([]);
  expect(await found(`${lora}save_model_as = "safetensors"`)).toEqual([]);
  expect(await found(`${lora}save_model_as = "diffusers"`)).toEqual([
    'unused_option: save_model_as = "diffusers" is set, and a LoRA is saved as one .safetensors file',
  ]);
  expect(await found('save_model_as = "safetensors"', "both")).toEqual([
    'unused_option: save_model_as = "safetensors" is set, and an autoencoder is saved as a diffusers folder',
  ]);
});

test("what a single file will not carry is told before training", async () => {
  expect(await found('save_model_as = "safetensors"\nschedule_shift = 0.125')).toEqual([
    expect.stringContaining("single_file: the networks are not those of SDXL base"),
    expect.stringContaining("single_file: the model was trained on SDXL's noise levels times 0.125"),
  ]);
});

test("a pickle is refused", () => {
  expect(() => parseRecipe('learning_rate = 1e-4\nsave_model_as = "ckpt"')).toThrow(/save_model_as = "ckpt"/);
});
