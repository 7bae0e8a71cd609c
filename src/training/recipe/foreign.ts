/** @file Arguments of sd-scripts that recipes have and this project does not: those that change nothing, and those that would. */

/** How a run computes, not what; or what is always so here. A recipe may keep them. */
export const NEUTRAL: ReadonlySet<string> = new Set(
  `tokenizer_cache_dir mem_eff_attn torch_compile dynamo_backend xformers diffusers_xformers sdpa mixed_precision full_fp16
  full_bf16 fp8_base fp8_base_unet no_half_vae lowram highvram gradient_checkpointing cpu_offload_checkpointing blocks_to_swap
  fused_backward_pass fused_optimizer_groups max_data_loader_n_workers persistent_data_loader_workers ddp_timeout
  ddp_gradient_as_bucket_view ddp_static_graph deepspeed zero_stage zero3_init_flag zero3_save_16bit_model offload_optimizer_device
  offload_optimizer_nvme_path offload_param_device offload_param_nvme_path fp16_master_weights_and_gradients logging_dir log_with log_prefix log_tracker_name log_tracker_config
  log_config wandb_run_name wandb_api_key config_file output_config console_log_level console_log_file console_log_simple
  use_safetensors save_state save_state_on_train_end save_last_n_steps_state save_last_n_epochs_state disable_mmap_load_safetensors text_encoder_batch_size
  vae_batch_size debug_dataset cache_latents cache_latents_to_disk skip_cache_check lr_decay_steps lr_scheduler_timescale
  async_upload skip_until_initial_step max_token_length epoch noise_offset_type
  max_validation_steps validate_every_n_steps validate_every_n_epochs`.split(/\s+/),
);

const OTHER_WAY = "Leave it out.";
const RESUMED = "Runs are resumed by the command, from the run's own folder.";

/** What would change the result, and is refused unless it is off. The text says what to do. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ["v2", "This project trains SDXL."],
  ["use_8bit_adam", 'Set optimizer_type = "AdamW"; its state is float32 here.'],
  ["use_lion_optimizer", 'Set optimizer_type = "Lion".'],
  ["lr_scheduler_type", "Set lr_scheduler."],
  ["lr_scheduler_args", OTHER_WAY],
  ["lr_scheduler_min_lr_ratio", 'Set lr_scheduler = "polynomial" and lr_end.'],
  ["block_lr", "Set unet_lr."],
  ["scale_weight_norms", OTHER_WAY],
  ["network_dropout", OTHER_WAY],
  ["dim_from_weights", "Set network_dim."],
  ["base_weights", "Merge them into the checkpoint first."],
  ["masked_loss", OTHER_WAY],
  ["alpha_mask", OTHER_WAY],
  ["weighted_captions", OTHER_WAY],
  ["validation_split", OTHER_WAY],
  ["resume", RESUMED],
  ["resume_from_huggingface", RESUMED],
  ["initial_epoch", RESUMED],
  ["initial_step", RESUMED],
  ["save_state_to_huggingface", OTHER_WAY],
  ["stop_text_encoder_training", "Text encoders learn to the end, or not at all: set text_encoder_lr = 0."],
  ["model_prediction_type", "Set prediction."],
  ["perlin_noise", OTHER_WAY],
  ["edm2_loss_weighting", OTHER_WAY],
  ["save_n_epoch_ratio", "Set save_every_n_epochs."],
]);

/** Values by which sd-scripts leaves an argument out. */
export function isOff(value: unknown): boolean {
  return value === false || value === 0 || (Array.isArray(value) && value.length === 0);
}

/** Whether a recipe's key is answered here, though a data set's file may have one of that name too. */
export const ignoredElsewhere = (name: string): boolean => NEUTRAL.has(name) || REFUSED.has(name);
