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

function shapes(parameters: readonly Parameter[]): Expected {
  return new Map(parameters.map(({ name, shape }) => [name, shape]));
}
