/** @file Keys of a recipe that say nothing of what learns: an autoencoder has no noise levels and reads no captions; a model has no crops, and no previews without prompts. */

import type { Finding } from "../../sampling/finding.ts";
import { recipeKeys } from "../../training/recipe/index.ts";
import { OWN_KEY_NAMES, type RecipeFile } from "./recipe-file.ts";

/** All that an autoencoder's run reads. */
const READ = new Set(
  `vae learning_rate unet_lr optimizer_type optimizer_args lr_scheduler lr_warmup_steps lr_scheduler_num_cycles lr_scheduler_power lr_end
  max_grad_norm gradient_accumulation_steps ema_decay ema_warmup ema_inverse_gamma ema_power max_train_steps max_train_epochs seed
  output_dir output_name save_every_n_steps save_every_n_epochs save_last_n_steps save_last_n_epochs save_precision save_model_as
  sample_every_n_steps sample_every_n_epochs sample_at_first
  train_vae vae_config vae_l1_weight vae_kl_weight vae_crops vae_held_out`.split(/\s+/),
);

/** Of previews, which a model makes of prompts. */
const OF_PREVIEWS = ["sample_every_n_steps", "sample_every_n_epochs", "sample_at_first", "sample_sampler"];

const OF_VAE = OWN_KEY_NAMES.filter((key) => key.startsWith("vae_"));

export function vaeKeyFindings({ own, keys }: Pick<RecipeFile, "own" | "keys">): Finding[] {
  const given = Object.keys(keys).filter((key) => keys[key] !== false && keys[key] !== 0);
  if (own.train_vae === undefined) {
    const idle = given.filter((key) => OF_VAE.includes(key));
    const unseen = [keys.sample_prompts].flat().every((prompt) => prompt === undefined)
      ? given.filter((key) => OF_PREVIEWS.includes(key))
      : [];
    return [
      ...told(idle, "no autoencoder learns", 'Set train_vae = "both" or "decoder", or leave them out.'),
      ...told(unseen, "there are no sample_prompts", "Set sample_prompts, or leave them out."),
    ];
  }
  const known = [...Object.keys(recipeKeys), ...OWN_KEY_NAMES];
  const idle = given.filter((key) => known.includes(key) && !READ.has(key));
  return told(
    idle,
    "an autoencoder learns, which has no use for them",
    "Leave them out; vae_crops says how large batches are.",
  );
}

function told(idle: readonly string[], why: string, hint: string): Finding[] {
  if (idle.length === 0) return [];
  return [
    { level: "warning", code: "unused_option", message: `set without effect, for ${why}: ${idle.join(", ")}`, hint },
  ];
}
