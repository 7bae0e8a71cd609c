/** @file What a safetensors file is, told by its keys and a few shapes, so that the wrong file is refused by its name. */

import type { TensorEntry } from "../../formats/safetensors/index.ts";

export type FileKind =
  | "sdxl"
  | "sdxl-unet"
  | "unet"
  | "vae"
  | "text-encoder"
  | "lora"
  | "embedding"
  | "adapter"
  | "other-checkpoint"
  | "unknown";

export type FileIdentity = {
  readonly kind: FileKind;
  /** In words, to follow "is": `a LoRA in kohya's format for SDXL`. */
  readonly name: string;
};

type Tensors = ReadonlyMap<string, Pick<TensorEntry, "shape">>;

export function identify(tensors: Tensors): FileIdentity {
  return (
    lora(tensors) ??
    embedding(tensors) ??
    adapter(tensors) ??
    checkpoint(tensors) ??
    component(tensors) ?? {
      kind: "unknown",
      name: tensors.size === 0 ? "a file without tensors" : "no kind of file that is known here",
    }
  );
}

/** Ends of LoRA keys; the second part of the pattern is LyCORIS's other algebras. */
const LORA = /[._](?:lora[._](?:down|up|mid|A|B)|lora_linear_layer\.(?:down|up))(?:\.|$)/;
const LYCORIS =
  /\.(?:hada_[tw][12](?:_[ab])?|lokr_[tw][12](?:_[ab])?|oft_(?:blocks|diag)|boft_\w+|w_norm|b_norm|diff|diff_b)$/;

function lora(tensors: Tensors): FileIdentity | undefined {
  const keys = [...tensors.keys()];
  const lycoris = keys.some((key) => LYCORIS.test(key));
  if (!lycoris && !keys.some((key) => LORA.test(key))) return undefined;
  const kohya = keys.some((key) => /^lora_(unet|te\d?|transformer)_/.test(key));
  const peft = keys.some((key) => key.startsWith("base_model.model."));
  const format = lycoris ? "LyCORIS's" : kohya ? "kohya's" : peft ? "PEFT's" : "diffusers'";
  return { kind: "lora", name: `a LoRA in ${format} format${loraBase(tensors)}` };
}

/** The width of the text that cross-attention takes tells the family. */
function loraBase(tensors: Tensors): string {
  for (const [key, { shape }] of tensors) {
    if (/double_blocks|single_transformer_blocks/.test(key)) return " for Flux";
    if (/^lora_te2_|text_encoder_2[._]/.test(key)) return " for SDXL";
    if (!/attn2[._]to_k[._]lora[._](down|A)\.(\w+\.)?weight$/.test(key)) continue;
    const width = TEXT_WIDTH[shape[1] ?? 0];
    if (width) return ` for ${width}`;
  }
  return "";
}

const TEXT_WIDTH: Readonly<Record<number, string>> = {
  768: "SD 1.x",
  1024: "SD 2.x",
  1280: "SDXL's refiner",
  2048: "SDXL",
};

function embedding(tensors: Tensors): FileIdentity | undefined {
  if (tensors.has("clip_g") || tensors.has("clip_l"))
    return { kind: "embedding", name: "a textual-inversion embedding for SDXL" };
  if (tensors.has("emb_params") || [...tensors.keys()].some((key) => key.startsWith("string_to_param")))
    return { kind: "embedding", name: "a textual-inversion embedding for SD 1.x or 2.x" };
  return undefined;
}

const ADAPTERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^(control_model\.|controlnet_|input_hint_block\.)/, "a ControlNet"],
  [/^(ip_adapter\.|image_proj\.)/, "an IP-Adapter"],
  [/^adapter\.body\./, "a T2I-Adapter"],
];

function adapter(tensors: Tensors): FileIdentity | undefined {
  const found = ADAPTERS.find(([pattern]) => [...tensors.keys()].some((key) => pattern.test(key)));
  return found && { kind: "adapter", name: found[1] };
}

/** Networks other than SDXL's, by a key that only they have, with or without ComfyUI's prefix. */
const OTHERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/(^|\.)joint_blocks\.0\./, "a Stable Diffusion 3 model"],
  [/(^|\.)double_blocks\.0\./, "a Flux model or one of its kind"],
  [/(^|\.)single_transformer_blocks\.0\./, "a Flux model or one of its kind"],
  [/(^|\.)(noise_refiner|cap_embedder)\./, "a Lumina model"],
  [/(^|\.)(effnet_mapper|clip_txt_pooled_mapper)\./, "a Stable Cascade model"],
  [/(^|\.)t_block\.1\.weight$/, "a PixArt model"],
  [/(^|\.)blocks\.0\.cross_attn\.norm_k\./, "a Wan model"],
];

const UNET = "model.diffusion_model.";

function checkpoint(tensors: Tensors): FileIdentity | undefined {
  const keys = [...tensors.keys()];
  const starts = (prefix: string) => keys.some((key) => key.startsWith(prefix));
  const other = OTHERS.find(([pattern]) => keys.some((key) => pattern.test(key)));
  if (other) return { kind: "other-checkpoint", name: other[1] };
  if (tensors.has("edm_mean") && tensors.has("edm_std"))
    return { kind: "other-checkpoint", name: "Playground 2.5, SDXL's networks with another noise process" };
  if (!tensors.has(`${UNET}input_blocks.0.0.weight`)) return undefined;
  if (starts("conditioner.embedders.1.model."))
    return {
      kind: "sdxl",
      name: starts("first_stage_model.") ? "an SDXL checkpoint" : "an SDXL checkpoint without VAE",
    };
  if (starts("conditioner.embedders.0.model.")) return { kind: "other-checkpoint", name: "SDXL's refiner" };
  if (starts("cond_stage_model.transformer.")) return { kind: "other-checkpoint", name: "an SD 1.x checkpoint" };
  if (starts("cond_stage_model.model.")) return { kind: "other-checkpoint", name: "an SD 2.x checkpoint" };
  return sgmUNet(tensors, UNET);
}

function sgmUNet(tensors: Tensors, prefix: string): FileIdentity {
  if (tensors.has(`${prefix}label_emb.0.0.weight`))
    return { kind: "sdxl-unet", name: "only the UNet of an SDXL checkpoint" };
  return { kind: "unet", name: "a UNet of another family than SDXL" };
}

function component(tensors: Tensors): FileIdentity | undefined {
  if (tensors.has("input_blocks.0.0.weight")) return sgmUNet(tensors, "");
  if (tensors.has("down_blocks.0.resnets.0.conv1.weight")) {
    return tensors.has("add_embedding.linear_1.weight")
      ? { kind: "sdxl-unet", name: "the UNet of a diffusers SDXL checkpoint" }
      : { kind: "unet", name: "a diffusers UNet of another family than SDXL" };
  }
  for (const prefix of VAE_PREFIXES) {
    const shape = tensors.get(`${prefix}decoder.conv_in.weight`)?.shape;
    if (!shape) continue;
    const channels = shape[1];
    return { kind: "vae", name: channels === 4 ? "a VAE" : `a VAE of ${channels} latent channels` };
  }
  const keys = [...tensors.keys()];
  if (keys.some((key) => /(^|\.)(encoder\.layers|resblocks)\.0\.(self_attn\.q_proj|attn\.in_proj_)/.test(key)))
    return { kind: "text-encoder", name: "a CLIP text encoder" };
  if (keys.some((key) => /(^|\.)block\.0\.layer\.0\.SelfAttention\./.test(key)))
    return { kind: "text-encoder", name: "a T5 text encoder" };
  return undefined;
}

/** What may stand before a VAE's keys, in a file of its own or in a checkpoint. */
export const VAE_PREFIXES: readonly string[] = ["", "first_stage_model.", "vae."];
