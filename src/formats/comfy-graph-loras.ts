/**
 * @file LoRAs of a ComfyUI graph: its own loaders, rgthree's nodes for several (`power_lora_loader.py`, `lora_stack.py`), and stacks of
 * efficiency-nodes-comfyui and Comfyroll, which a loader or CR Apply LoRA Stack is linked to.
 */

import type { ComfyLora } from "./comfy-graph.ts";
import { heldNumber, isObject, type Node, type Nodes, string, upstream } from "./comfy-graph-nodes.ts";

const POWER_LORAS = "Power Lora Loader (rgthree)";
const FOUR_LORAS = "Lora Loader Stack (rgthree)";
const STACKER = "LoRA Stacker";
const SWITCHED_STACK = "CR LoRA Stack";

/** Nodes that are read here. */
export const LORA_NODES: readonly string[] = [
  ...["LoraLoader", "LoraLoaderModelOnly", POWER_LORAS, FOUR_LORAS],
  ...[STACKER, SWITCHED_STACK, "CR Apply LoRA Stack"],
];

/** A node of strangers may have any number of them. */
const MOST = 64;

/** Strengths as they stand in the node: numbers, links, or nothing. */
type Row = { readonly name: unknown; readonly model?: unknown; readonly clip?: unknown };

export type GraphLora = ComfyLora & {
  /** Whether a node computes a strength, which is taken to be 1. */
  readonly isComputed: boolean;
};

/** On the way from a sampler's model back to the checkpoint, as they were applied. */
export function lorasOf(nodes: Nodes, model: unknown): GraphLora[] {
  const loras: GraphLora[] = [];
  for (const { type, inputs } of upstream(nodes, model, "model")) {
    const stacked = [...upstream(nodes, inputs.get("lora_stack"), "lora_stack")].flatMap((node) =>
      stackRows(nodes, node),
    );
    // A loader for the model only leaves the text encoders as they are. Efficiency's loads the checkpoint as well.
    const hasClip = inputs.has("clip") || inputs.has("ckpt_name");
    loras.unshift(...[...loaderRows(type, inputs), ...stacked].flatMap((row) => loraOf(nodes, row, hasClip)));
  }
  return loras;
}

function loraOf(nodes: Nodes, { name: named, model, clip = model }: Row, hasClip: boolean): GraphLora[] {
  const name = string(named);
  if (name === undefined || name === "None") return [];
  const strengthModel = strength(nodes, model);
  const strengthClip = hasClip ? strength(nodes, clip) : 0;
  const isComputed = strengthModel === undefined || strengthClip === undefined;
  return [{ name, strengthModel: strengthModel ?? 1, strengthClip: strengthClip ?? strengthModel ?? 1, isComputed }];
}

const strength = (nodes: Nodes, value: unknown) => (value === undefined ? 1 : heldNumber(nodes, value));

function loaderRows(type: string, inputs: Node["inputs"]): Row[] {
  switch (type) {
    case POWER_LORAS:
      return [...inputs].slice(0, MOST).flatMap(([key, value]) => {
        if (!/^lora_\d+$/i.test(key) || !isObject(value) || value.on !== true) return [];
        return [{ name: value.lora, model: value.strength ?? undefined, clip: value.strengthTwo ?? undefined }];
      });
    case FOUR_LORAS:
      return ["01", "02", "03", "04"].map((i) => ({
        name: inputs.get(`lora_${i}`),
        model: inputs.get(`strength_${i}`),
      }));
    default: {
      // Comfyroll's loader of one.
      if (inputs.get("switch") === "Off") return [];
      const of = (...names: string[]) => names.map((name) => inputs.get(name)).find((value) => value !== undefined);
      const model = of("strength_model", "lora_model_strength");
      return [{ name: inputs.get("lora_name"), model, clip: of("strength_clip", "lora_clip_strength") }];
    }
  }
}

function stackRows(nodes: Nodes, { type, inputs }: Node): Row[] {
  const rows = (count: number, row: (i: number) => Row) => Array.from({ length: count }, (_, i) => row(i + 1));
  switch (type) {
    case STACKER: {
      const isSimple = inputs.get("input_mode") === "simple";
      const count = Math.min(Math.max(Math.floor(heldNumber(nodes, inputs.get("lora_count")) ?? MOST), 0), MOST);
      return rows(count, (i) => ({
        name: inputs.get(`lora_name_${i}`),
        model: inputs.get(isSimple ? `lora_wt_${i}` : `model_str_${i}`),
        ...(!isSimple && { clip: inputs.get(`clip_str_${i}`) }),
      }));
    }
    case SWITCHED_STACK:
      return rows(3, (i) => ({
        name: inputs.get(`switch_${i}`) === "On" ? inputs.get(`lora_name_${i}`) : undefined,
        model: inputs.get(`model_weight_${i}`),
        clip: inputs.get(`clip_weight_${i}`),
      }));
    default:
      return [];
  }
}
