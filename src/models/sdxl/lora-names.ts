/**
 * @file What LoRA files call SDXL's layers, and the parts of the pairs beside them.
 *
 * kohya's trainers write a prefix for the network and then the layer's path with `_` for `.`: SGM's path for SDXL's UNet,
 * transformers' for both encoders (`networks/lora.py`); others write diffusers' path for the UNet in the same way.
 * diffusers and PEFT keep the dots, PEFT's own files without a network's name; ComfyUI puts its own prefixes before a checkpoint's paths.
 */

import type { LoraRole } from "../../nn/lora.ts";
import type { SdxlConfigs } from "./config.ts";
import { LORA_COMPONENTS, type LoraComponent } from "./lora-targets.ts";
import { FOLDER, otherDiffusersNames, parametersOf } from "./names.ts";
import type { Parameter } from "./names-table.ts";

const KOHYA: Record<LoraComponent, string> = {
  unet: "lora_unet_",
  textEncoder: "lora_te1_",
  textEncoder2: "lora_te2_",
};

const COMFYUI: Record<LoraComponent, string> = {
  unet: "diffusion_model.",
  textEncoder: "text_encoders.clip_l.transformer.",
  textEncoder2: "text_encoders.clip_g.transformer.",
};

/** What PEFT itself writes before the paths of the one network that it saves; from SDXL that is the UNet. */
const PEFT = "base_model.model.";

/** The name under which kohya's trainers save what stands beside a parameter's layer. */
export function kohyaModule(component: LoraComponent, { name, sgm }: Parameter): string {
  return KOHYA[component] + underscored(component === "unet" ? sgm.key : name);
}

/** A parameter that a LoRA may stand beside. */
export type LoraPlace = { readonly component: LoraComponent; readonly parameter: Parameter };

/** Every name that files give to SDXL's matrices and kernels; kohya's own come first. */
export function loraModules(configs: SdxlConfigs): ReadonlyMap<string, LoraPlace> {
  const modules = new Map<string, LoraPlace>();
  for (const component of LORA_COMPONENTS) {
    for (const parameter of parametersOf(component, configs)!) {
      if (parameter.shape.length < 2 || parameter.name.includes("embeddings.")) continue;
      for (const module of spellings(component, parameter)) {
        if (!modules.has(module)) modules.set(module, { component, parameter });
      }
    }
  }
  return modules;
}

function spellings(component: LoraComponent, parameter: Parameter): string[] {
  const names = [parameter.name, ...otherDiffusersNames(parameter.name)].map(withoutWeight);
  const inComfyUi = component === "unet" ? withoutWeight(parameter.sgm.key) : withoutWeight(parameter.name);
  return [
    kohyaModule(component, parameter),
    KOHYA[component] + underscored(parameter.name),
    ...names.map((name) => `${FOLDER[component]}.${name}`),
    ...(component === "unet" ? names.flatMap((name) => [name, PEFT + name]) : []),
    COMFYUI[component] + inComfyUi,
  ];
}

const withoutWeight = (name: string): string => name.replace(/\.weight$/, "");

const underscored = (name: string): string => withoutWeight(name).replaceAll(".", "_");

/** What a key is of its module. */
export type LoraKey = { readonly module: string; readonly part: LoraRole | "alpha" };

const PARTS: readonly (readonly [suffix: RegExp, part: LoraKey["part"]])[] = [
  [/\.lora_down\.weight$|\.lora_A\.(?:[\w-]+\.)?weight$|\.lora(?:_linear_layer)?\.down\.weight$/, "down"],
  [/\.lora_up\.weight$|\.lora_B\.(?:[\w-]+\.)?weight$|\.lora(?:_linear_layer)?\.up\.weight$/, "up"],
  [/\.lora_mid\.weight$/, "middle"],
  [/\.alpha$/, "alpha"],
];

/** Undefined for a key that is no part of a low-rank pair. */
export function readLoraKey(key: string): LoraKey | undefined {
  for (const [suffix, part] of PARTS) {
    if (suffix.test(key)) return { module: ofProcessor(key.replace(suffix, "")), part };
  }
  // diffusers before 0.18 kept attention's pairs apart from its layers.
  const old = /^(.*)\.processor\.to_(q|k|v|out)_lora\.(down|up)\.weight$/.exec(key);
  if (!old) return undefined;
  return { module: `${old[1]}.to_${old[2] === "out" ? "out.0" : old[2]}`, part: old[3] as "down" | "up" };
}

/** Alphas of those files: `…processor.to_q_lora.alpha`. */
function ofProcessor(module: string): string {
  return module.replace(/\.processor\.to_(q|k|v)_lora$/, ".to_$1").replace(/\.processor\.to_out_lora$/, ".to_out.0");
}

/** Ways of changing weights other than by low-rank pairs, by a key that only they have. */
const OTHER_ALGEBRAS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\.dora_scale$|\.lora_magnitude_vector(\.|$)/, "DoRA"],
  [/\.hada_[tw]\d/, "LoHa"],
  [/\.lokr_[tw]\d/, "LoKr"],
  [/\.boft_/, "BOFT"],
  [/\.oft_/, "OFT"],
  [/\.[ab][12]\.weight$/, "GLoRA"],
  [/\.on_input$/, "IA3"],
  [/\.(diff|diff_b|w_norm|b_norm)$/, "whole weights as differences"],
  [/\.lora_(down|up|A|B)\.(\w+\.)?bias$|\.lora\.(down|up)\.bias$/, "a bias beside the pairs"],
];

/** The algebra that a key belongs to, if it is one of those that cannot be applied. */
export function otherAlgebra(key: string): string | undefined {
  return OTHER_ALGEBRAS.find(([pattern]) => pattern.test(key))?.[1];
}
