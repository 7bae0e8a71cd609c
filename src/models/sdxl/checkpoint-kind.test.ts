import { expect, test } from "vitest";
import { identify } from "./checkpoint-kind.ts";

const UNET = "model.diffusion_model.";

function name(keys: Record<string, number[]> | string[]): string {
  const entries = Array.isArray(keys) ? keys.map((key) => [key, []] as const) : Object.entries(keys);
  const { kind, name } = identify(new Map(entries.map(([key, shape]) => [key, { shape: [...shape] }])));
  return `${kind}: ${name}`;
}

// Keys as the families' own files have them.
test.each<[Record<string, number[]> | string[], string]>([
  [
    [
      `${UNET}input_blocks.0.0.weight`,
      `${UNET}label_emb.0.0.weight`,
      "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias",
      "conditioner.embedders.1.model.ln_final.bias",
      "first_stage_model.decoder.conv_in.weight",
    ],
    "sdxl: an SDXL checkpoint",
  ],
  [
    [`${UNET}input_blocks.0.0.weight`, "conditioner.embedders.1.model.ln_final.bias"],
    "sdxl: an SDXL checkpoint without VAE",
  ],
  [
    [`${UNET}input_blocks.0.0.weight`, "conditioner.embedders.0.model.ln_final.bias"],
    "other-checkpoint: SDXL's refiner",
  ],
  [
    [`${UNET}input_blocks.0.0.weight`, "cond_stage_model.transformer.text_model.final_layer_norm.bias"],
    "other-checkpoint: an SD 1.x checkpoint",
  ],
  [
    [`${UNET}input_blocks.0.0.weight`, "cond_stage_model.model.ln_final.bias"],
    "other-checkpoint: an SD 2.x checkpoint",
  ],
  [
    ["edm_mean", "edm_std", `${UNET}input_blocks.0.0.weight`, "conditioner.embedders.1.model.ln_final.bias"],
    "other-checkpoint: Playground 2.5, SDXL's networks with another noise process",
  ],
  [[`${UNET}input_blocks.0.0.weight`, `${UNET}label_emb.0.0.weight`], "sdxl-unet: only the UNet of an SDXL checkpoint"],
  [["input_blocks.0.0.weight", "label_emb.0.0.weight"], "sdxl-unet: only the UNet of an SDXL checkpoint"],
  [[`${UNET}input_blocks.0.0.weight`], "unet: a UNet of another family than SDXL"],
  [
    ["down_blocks.0.resnets.0.conv1.weight", "add_embedding.linear_1.weight"],
    "sdxl-unet: the UNet of a diffusers SDXL checkpoint",
  ],
  [["down_blocks.0.resnets.0.conv1.weight"], "unet: a diffusers UNet of another family than SDXL"],
  [{ "decoder.conv_in.weight": [512, 4, 3, 3] }, "vae: a VAE"],
  [{ "first_stage_model.decoder.conv_in.weight": [512, 4, 3, 3] }, "vae: a VAE"],
  [{ "decoder.conv_in.weight": [512, 16, 3, 3] }, "vae: a VAE of 16 latent channels"],
  [["text_model.encoder.layers.0.self_attn.q_proj.weight"], "text-encoder: a CLIP text encoder"],
  [["encoder.layers.0.self_attn.q_proj.weight"], "text-encoder: a CLIP text encoder"],
  [["transformer.resblocks.0.attn.in_proj_weight"], "text-encoder: a CLIP text encoder"],
  [["encoder.block.0.layer.0.SelfAttention.q.weight"], "text-encoder: a T5 text encoder"],
  [
    { "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight": [16, 2048] },
    "lora: a LoRA in kohya's format for SDXL",
  ],
  [
    { "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": [8, 768] },
    "lora: a LoRA in kohya's format for SD 1.x",
  ],
  [["lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"], "lora: a LoRA in kohya's format for SDXL"],
  [["lora_unet_double_blocks_0_img_attn_proj.lora_down.weight"], "lora: a LoRA in kohya's format for Flux"],
  [
    { "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": [4, 2048] },
    "lora: a LoRA in diffusers' format for SDXL",
  ],
  [
    { "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight": [4, 2048] },
    "lora: a LoRA in diffusers' format",
  ],
  [["lora_unet_input_blocks_4_1_proj_in.hada_w1_a"], "lora: a LoRA in LyCORIS's format"],
  [["lora_unet_input_blocks_4_1_proj_in.lokr_w1", "lora_te2_x.lokr_w2"], "lora: a LoRA in LyCORIS's format for SDXL"],
  [["clip_g", "clip_l"], "embedding: a textual-inversion embedding for SDXL"],
  [["emb_params"], "embedding: a textual-inversion embedding for SD 1.x or 2.x"],
  [["control_model.input_blocks.0.0.weight"], "adapter: a ControlNet"],
  [["controlnet_cond_embedding.conv_in.weight", "down_blocks.0.resnets.0.conv1.weight"], "adapter: a ControlNet"],
  [["ip_adapter.1.to_k_ip.weight", "image_proj.proj.weight"], "adapter: an IP-Adapter"],
  [["adapter.body.0.block1.weight"], "adapter: a T2I-Adapter"],
  [[`${UNET}joint_blocks.0.context_block.attn.qkv.weight`], "other-checkpoint: a Stable Diffusion 3 model"],
  [["double_blocks.0.img_attn.qkv.weight"], "other-checkpoint: a Flux model or one of its kind"],
  [["single_transformer_blocks.0.proj_out.weight"], "other-checkpoint: a Flux model or one of its kind"],
  [["cap_embedder.0.weight", "noise_refiner.0.attention.qkv.weight"], "other-checkpoint: a Lumina model"],
  [["conv1.weight"], "unknown: no kind of file that is known here"],
  [[], "unknown: a file without tensors"],
])("%j", (keys, expected) => {
  expect(name(keys)).toBe(expected);
});
