/** @file What parameters each network has, by its configuration, and where checkpoints of either layout keep them. */

import type { ClipConfig, SdxlConfigs, UNetConfig, VaeConfig } from "./config.ts";
import { clipParameters } from "./names-clip.ts";
import type { Parameter } from "./names-table.ts";
import { unetParameters } from "./names-unet.ts";
import { vaeParameters } from "./names-vae.ts";

export type Component = keyof SdxlConfigs;

export const COMPONENTS: readonly Component[] = ["unet", "vae", "textEncoder", "textEncoder2"];

/** Component folders of a diffusers checkpoint. */
export const FOLDER: Record<Component, string> = {
  unet: "unet",
  vae: "vae",
  textEncoder: "text_encoder",
  textEncoder2: "text_encoder_2",
};

/** What a single-file checkpoint puts before the keys of each component. */
export const SGM_PREFIX: Record<Component, string> = {
  unet: "model.diffusion_model.",
  vae: "first_stage_model.",
  textEncoder: "conditioner.embedders.0.transformer.",
  textEncoder2: "conditioner.embedders.1.model.",
};

/** Shapes by parameter name, as the graph must declare them. */
export type Expected = ReadonlyMap<string, readonly number[]>;

export function expectedUNetParameters(config: UNetConfig): Expected {
  return shapes(unetParameters(config));
}

export function expectedVaeParameters(config: VaeConfig): Expected {
  return shapes(vaeParameters(config));
}

export function expectedClipParameters(config: ClipConfig): Expected {
  return shapes(clipParameters(config));
}

/** The table of one component; undefined if the configurations lack it (a checkpoint without VAE). */
export function parametersOf(component: Component, configs: SdxlConfigs): readonly Parameter[] | undefined {
  switch (component) {
    case "unet":
      return unetParameters(configs.unet);
    case "vae":
      return configs.vae && vaeParameters(configs.vae);
    case "textEncoder":
    case "textEncoder2":
      return clipParameters(configs[component]);
  }
}

/** What other versions of diffusers and transformers call a parameter in their files. */
export function otherDiffusersNames(name: string): string[] {
  // transformers 5 leaves the prefix out of the first encoder.
  if (name.startsWith("text_model.")) return [name.slice("text_model.".length)];
  // diffusers before 0.18 named the VAE's attention so, and files of that time are still in use.
  const attention = /^((?:en|de)coder\.mid_block\.attentions\.0\.)(to_q|to_k|to_v|to_out\.0)(\..*)$/.exec(name);
  if (!attention) return [];
  const old: Record<string, string> = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" };
  return [attention[1]! + old[attention[2]!]! + attention[3]!];
}

function shapes(parameters: readonly Parameter[]): Expected {
  return new Map(parameters.map(({ name, shape }) => [name, shape]));
}
