/**
 * @file The keys of a recipe: sd-scripts' (kohya) arguments under their own names, with its defaults where it has sound
 * ones, and ours under names that it does not have. What each means is its `describe`.
 */

import { z } from "zod";

const positive = z.number().positive();
const natural = z.number().int().min(0);
const count = z.number().int().min(1);
const path = z.string();
/** 0 is none, which programs around sd-scripts write out. */
const interval = natural.transform((every) => every || undefined).optional();

export const OBJECTIVE_KEYS = {
  v_parameterization: z
    .boolean()
    .optional()
    .describe("the network predicts v; without the key, what the checkpoint says"),
  zero_terminal_snr: z
    .boolean()
    .optional()
    .describe("the last level has no signal; without the key, what the checkpoint says"),
  min_snr_gamma: z.number().min(0).optional().describe("min-SNR weighting; 5 is usual, 0 is none"),
  scale_v_pred_loss_like_noise_pred: z.boolean().default(false).describe("a v-loss weighted as an eps-loss"),
  v_pred_like_loss: z.number().min(0).optional().describe("an eps-loss and so many times a v-loss"),
  debiased_estimation_loss: z.boolean().default(false).describe("debiased weighting, in the form of debiased_form"),
  loss_type: z
    .enum(["l2", "l1", "huber", "smooth_l1"])
    .default("l2")
    .describe("squared, absolute, or huber between the two"),
  huber_c: positive.default(0.1).describe("threshold of huber and smooth_l1"),
  huber_schedule: z
    .enum(["constant", "exponential", "snr"])
    .default("snr")
    .describe("how the threshold falls with noise"),
  huber_scale: positive.default(1).describe("factor on the threshold of constant and exponential"),

  prediction: z.enum(["eps", "v", "flow"]).optional().describe("ours: what the network predicts, flow among it"),
  soft_min_snr_gamma: positive.optional().describe("ours: soft min-SNR weighting; 1 is k-diffusion's"),
  debiased_form: z.enum(["kohya", "paper", "onetrainer"]).default("kohya").describe("ours: whose debiased weighting"),
  p2_gamma: z.number().min(0).optional().describe("ours: P2 weighting; the paper uses 0.5 and 1, 0 is none"),
  p2_k: positive.default(1).describe("ours: the k of P2"),
  p2_form: z.enum(["paper", "onetrainer"]).default("paper").describe("ours: whose P2 weighting"),
  weight_loss_like: z
    .enum(["x0", "eps", "v", "flow"])
    .optional()
    .describe("ours: weighted as that prediction's own loss"),
  terminal_weight: z
    .union([z.number().min(0), z.literal("limit")])
    .optional()
    .describe(
      "ours: weight of the level without signal, limit leaves it to the formula; if not given, 1, and the formula's with weights_before_rescale",
    ),
  weights_before_rescale: z
    .boolean()
    .default(false)
    .describe("ours: weights of the schedule before zero_terminal_snr, as sd-scripts has them"),
  weight_formula_of: z
    .enum(["eps", "v", "flow"])
    .optional()
    .describe("ours: another prediction's weights, to repeat a run of a program that does so"),
  schedule_shift: positive.optional().describe("ours: factor on every sigma of the schedule"),
} as const;

export const TIMESTEP_KEYS = {
  min_timestep: natural.optional().describe("least level that is drawn"),
  max_timestep: count.optional().describe("levels are drawn below this"),
  timestep_sampling: z
    .enum(["uniform", "sigmoid", "shift", "logit_normal", "mode", "cosmap", "beta", "laplace", "table"])
    .optional()
    .describe(
      "how levels are drawn; sigmoid is logit_normal of deviation sigmoid_scale, shift that with discrete_flow_shift",
    ),
  weighting_scheme: z
    .enum(["uniform", "none", "logit_normal", "mode", "cosmap"])
    .optional()
    .describe("SD3's name of timestep_sampling"),
  logit_mean: z.number().default(0).describe("of logit_normal; above 0 leans to noise"),
  logit_std: positive.default(1).describe("of logit_normal"),
  sigmoid_scale: positive.default(1).describe("of sigmoid and shift"),
  mode_scale: z.number().default(1.29).describe("of mode"),
  discrete_flow_shift: positive.default(3).describe("of shift: factor on the sigma of draws"),
  laplace_timestep_sampling_mu: z
    .number()
    .optional()
    .describe("of laplace: ln SNR of its centre, as forks of sd-scripts have it"),
  laplace_timestep_sampling_b: positive.optional().describe("of laplace: its width"),

  laplace_measure: z.enum(["levels", "log_snr"]).default("levels").describe("ours: the forks' laplace, or the paper's"),
  beta_a: positive.default(1).describe("ours: of beta; a > b leans to noise"),
  beta_b: positive.default(1).describe("ours: of beta"),
  timestep_weights: z.array(z.number().min(0)).min(2).optional().describe("ours: of table, one weight a level"),
  terminal_share: z.number().min(0).lt(1).default(0).describe("ours: this share of all draws is the last level"),
  stratified_timesteps: z.boolean().default(false).describe("ours: a batch's draws are spread evenly"),
  timestep_shift: z
    .union([positive, z.literal("size")])
    .default(1)
    .describe("ours: factor on the sigma of draws; size is each picture's own against the model's usual side"),
} as const;

export const NOISE_KEYS = {
  noise_offset: z.number().min(0).default(0).describe("a normal number on each channel; 0.03 to 0.1 are usual"),
  noise_offset_random_strength: z.boolean().default(false).describe("each picture's offset is a random share of it"),
  adaptive_noise_scale: z.number().default(0).describe("adds so many times the channel's mean to the offset"),
  multires_noise_iterations: natural.default(0).describe("pyramid noise; 6 to 10 are usual, 0 is none"),
  multires_noise_discount: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe("of pyramid noise: weight from one size to the next"),
  ip_noise_gamma: z.number().min(0).default(0).describe("input perturbation; 0.05 to 0.1 are usual"),
  ip_noise_gamma_random_strength: z
    .boolean()
    .default(false)
    .describe("each picture's perturbation is a random share of it"),
} as const;

export const LEARNER_KEYS = {
  learning_rate: z.number().min(0).optional().describe("of what has none of its own"),
  unet_lr: z.number().min(0).optional().describe("of the UNet"),
  text_encoder_lr: z
    .union([z.number().min(0), z.array(z.number().min(0)).min(1).max(2)])
    .optional()
    .describe("of the text encoders: one number, or two"),
  learning_rate_te1: z.number().min(0).optional().describe("of the first text encoder"),
  learning_rate_te2: z.number().min(0).optional().describe("of the second text encoder"),
  text_encoder_lr1: z.number().min(0).optional().describe("another name of learning_rate_te1"),
  text_encoder_lr2: z.number().min(0).optional().describe("another name of learning_rate_te2"),
  optimizer_type: z
    .string()
    .default("AdamW")
    .describe("AdamW, AdaFactor or Lion; their 8-bit and paged forms are taken for them"),
  optimizer_args: z.array(z.string()).default([]).describe('such as ["weight_decay=0.01", "betas=0.9,0.99"]'),
  lr_scheduler: z
    .enum(["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial", "adafactor"])
    .default("constant")
    .describe("how the learning rate goes on; adafactor is that of its relative steps"),
  lr_warmup_steps: z.number().min(0).default(0).describe("steps, or below 1 the share of all steps"),
  lr_scheduler_num_cycles: count.default(1).describe("of cosine_with_restarts"),
  lr_scheduler_power: positive.default(1).describe("of polynomial"),
  max_grad_norm: z.number().min(0).default(1).describe("longest gradient; 0 is no limit"),
  gradient_accumulation_steps: count.default(1).describe("batches that make one step"),
  train_batch_size: count.default(1).describe("pictures of a batch"),

  lr_end: z.number().min(0).optional().describe("ours: where polynomial ends"),
  ema_decay: z.number().min(0).lt(1).default(0).describe("ours: running average of the weights; 0 is none"),
  ema_warmup: z.enum(["ramp", "power", "none"]).default("ramp").describe("ours: how the decay is reached"),
  ema_inverse_gamma: positive.default(1).describe("ours: of the warm-up power"),
  ema_power: positive.default(2 / 3).describe("ours: of the warm-up power"),
} as const;

export const RUN_KEYS = {
  pretrained_model_name_or_path: path.optional().describe("the checkpoint that training begins with"),
  vae: path.optional().describe("another VAE"),
  clip_skip: count.max(12).default(2).describe("text layer from the end; 2 is SDXL's"),
  max_train_steps: count.optional().describe("length of the run; 1600 if neither is given"),
  max_train_epochs: count.optional().describe("length of the run, in place of steps"),
  seed: natural.optional().describe("of everything that is drawn; 0 if not given"),
  output_dir: path.optional().describe("folder of runs; runs/ in the working folder if not given"),
  output_name: path.optional().describe("name of the run and of its files; the recipe's if not given"),
  save_every_n_steps: interval.describe("a checkpoint every so many steps"),
  save_every_n_epochs: interval.describe("a checkpoint every so many epochs"),
  save_last_n_steps: natural.optional().describe("checkpoints older than so many steps are deleted"),
  save_last_n_epochs: natural.optional().describe("so many checkpoints stay of those of save_every_n_epochs"),
  save_precision: z
    .enum(["float", "fp16", "bf16"])
    .optional()
    .describe("numbers of the saved weights; if not given fp16, and float for an autoencoder"),
  save_model_as: z
    .enum(["safetensors", "diffusers", "diffusers_safetensors"])
    .optional()
    .describe("safetensors: a whole model as one file for A1111 and ComfyUI; if not given, a diffusers folder"),
  sample_every_n_steps: interval.describe("previews every so many steps"),
  sample_every_n_epochs: interval.describe("previews every so many epochs"),
  sample_at_first: z.boolean().default(false).describe("previews before the first step too"),
  sample_prompts: z
    .union([path, z.array(z.string())])
    .optional()
    .describe("a file of prompts, or the prompts"),
  sample_sampler: z.string().optional().describe("sampler of the previews"),
  cache_text_encoder_outputs: z
    .boolean()
    .default(false)
    .describe("captions are encoded before the first step, and text encoders, which must not learn, leave memory"),
  cache_text_encoder_outputs_to_disk: z
    .boolean()
    .default(false)
    .describe("the same: what is encoded is kept in files either way"),
  train_text_encoder: z.boolean().default(false).describe("whole text encoders learn too"),
  network_module: path.optional().describe("networks.lora: low-rank pairs learn in place of whole networks"),
  network_dim: count.optional().describe("rank of the pairs"),
  network_alpha: z
    .number()
    .min(0)
    .optional()
    .describe("their scale is alpha / rank; 1 if not given, 0 is the rank, as in sd-scripts"),
  network_args: z
    .array(z.string())
    .default([])
    .describe('such as ["conv_dim=8", "conv_alpha=4"]; conv_alpha is 1 if not given'),
  network_weights: path.optional().describe("pairs to begin with"),
  network_train_unet_only: z.boolean().default(false).describe("no pairs in the text encoders"),
  network_train_text_encoder_only: z.boolean().default(false).describe("no pairs in the UNet"),
  no_metadata: z.boolean().default(false).describe("a LoRA's file tells its kind and rank, and not how it was trained"),
  training_comment: z.string().optional().describe("a word on the training, in a LoRA's file"),
  metadata_title: z.string().optional().describe("title in a LoRA's file; the run's name if not given"),
  metadata_author: z.string().optional().describe("author in a LoRA's file"),
  metadata_description: z.string().optional().describe("description in a LoRA's file"),
  metadata_license: z.string().optional().describe("license in a LoRA's file"),
  metadata_trigger_phrase: z.string().optional().describe("words that call it, in a LoRA's file"),
  metadata_tags: z.string().optional().describe("tags in a LoRA's file, with commas between"),
} as const;
