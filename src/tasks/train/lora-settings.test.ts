/** @file What a LoRA's file says of its run. */

import { expect, test } from "vitest";
import type { DataSet } from "../../data/sets/index.ts";
import type { Checkpoint } from "../../models/sdxl/checkpoint.ts";
import { loraMetadata } from "../../models/sdxl/lora-metadata.ts";
import { parseRecipe } from "../../training/recipe/index.ts";
import { epochsOf } from "./epochs.ts";
import { loraSettings } from "./lora-settings.ts";
import type { RecipeFile } from "./recipe-file.ts";

const item = (repeats: number, isReg: boolean) => ({ image: { repeats, subset: { isReg } } });
const set = {
  items: [item(3, false), item(2, false), item(4, true)],
  config: {
    datasets: [
      {
        resolution: { width: 96, height: 160 },
        priorLossWeight: 0.5,
        subsets: [0, 1].map((rate) => ({ captionDropoutRate: 0.1, captionTagDropoutRate: rate })),
      },
    ],
  },
} as unknown as DataSet;

function metadataOf(toml: string): Record<string, string> {
  const settings = loraSettings({
    file: { name: "mine" } as RecipeFile,
    recipe: parseRecipe(`network_dim = 4\n${toml}`),
    base: { path: "/models/base.safetensors" } as Checkpoint,
    ranks: { rank: 4, alpha: 1 },
    ...{ set, steps: 100, step: 50, epochs: epochsOf(1, () => 40), startedAt: new Date(0) },
  });
  return loraMetadata(settings, "0");
}

test("sizes, lengths and what holds by default are written out", () => {
  expect(metadataOf('learning_rate = 1e-4\nlr_scheduler = "cosine"\nlr_warmup_steps = 0.05')).toMatchObject({
    ...{ ss_resolution: "(96, 160)", "modelspec.resolution": "96x160", ss_seed: "0", ss_clip_skip: "2" },
    ...{ ss_steps: "50", ss_max_train_steps: "100", ss_epoch: "2", ss_num_epochs: "3", ss_lr_warmup_steps: "5" },
    ...{ ss_num_train_images: "5", ss_num_reg_images: "4", ss_noise_offset: "None", ss_loss_type: "l2" },
    ...{ ss_max_grad_norm: "1.0", ss_learning_rate: "0.0001", ss_lr_scheduler: "cosine", ss_unet_lr: "0.0001" },
  });
});

test("loss, noise, captions and optimiser are told as far as they hold", () => {
  const usual = metadataOf("learning_rate = 1e-4");
  expect(usual).toMatchObject({
    ...{ ss_optimizer: "AdamW", ss_min_snr_gamma: "None", ss_debiased_estimation: "False", ss_ip_noise_gamma: "None" },
    ...{ ss_multires_noise_iterations: "None", ss_caption_dropout_rate: "0.1", ss_prior_loss_weight: "0.5" },
  });
  // Nothing reads the first two, and the subsets differ in the last.
  for (const key of ["huber_c", "multires_noise_discount", "caption_tag_dropout_rate"]) {
    expect(usual).not.toHaveProperty(`ss_${key}`);
  }
  const rich =
    'optimizer_args = ["weight_decay=0.1", "betas=0.9,0.99"]\nloss_type = "huber"\nmultires_noise_iterations = 6\n';
  expect(metadataOf(`learning_rate = 1e-4\n${rich}debiased_estimation_loss = true`)).toMatchObject({
    ...{ ss_optimizer: "AdamW(weight_decay=0.1,betas=(0.9,0.99))", ss_huber_c: "0.1", ss_huber_schedule: "snr" },
    ...{ ss_multires_noise_iterations: "6", ss_multires_noise_discount: "0.3", ss_debiased_estimation: "True" },
  });
  const other = 'learning_rate = 1e-4\ndebiased_estimation_loss = true\ndebiased_form = "paper"';
  expect(metadataOf(other)).not.toHaveProperty("ss_debiased_estimation");
});

test("AdaFactor's relative steps have no learning rate, and the scheduler that sd-scripts calls them", () => {
  const own = 'optimizer_type = "AdaFactor"\n';
  expect(metadataOf(`${own}learning_rate = 1e-4`)).toMatchObject({
    ...{ ss_learning_rate: "None", ss_unet_lr: "None", ss_text_encoder_lr: "None" },
    ss_lr_scheduler: "adafactor:0.0001",
  });
  expect(metadataOf(own).ss_lr_scheduler).toBe("adafactor");
});

test("a recipe's words on a LoRA are in its file, and no_metadata leaves the run out", () => {
  const words =
    'learning_rate = 1e-4\ntraining_comment = "try"\nmetadata_title = "Mine"\nmetadata_license = "CC0"\nmetadata_trigger_phrase = "lumi"\n';
  const spec = { "modelspec.title": "Mine", "modelspec.trigger_phrase": "lumi", "modelspec.license": "CC0" };
  expect(metadataOf(words)).toMatchObject({ ...spec, ss_training_comment: "try", ss_output_name: "mine" });
  const least = metadataOf(`${words}no_metadata = true`);
  expect(least).toMatchObject({ ...spec, ss_network_dim: "4" });
  expect(least).not.toHaveProperty("ss_learning_rate");
});
