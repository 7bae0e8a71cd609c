/**
 * @file A job read back from ComfyUI's graph, which may be anybody's: fields that it computes, or that stand in nodes not known
 * here, are missing, and what is lost with them is said.
 */

import type { ComfyJob } from "./comfy-graph.ts";
import { lorasOf } from "./comfy-graph-loras.ts";
import { lossesOf } from "./comfy-graph-losses.ts";
import {
  encoderOf,
  held,
  heldNumber,
  heldSeed,
  isEmptyLatent,
  type Node,
  type Nodes,
  number,
  parseNodes,
  type Side,
  sourcesOf,
  string,
  textOf,
  upstream,
} from "./comfy-graph-nodes.ts";
import { asKSampler, isSampler } from "./comfy-graph-samplers.ts";

export type ComfyReading = {
  readonly job: Partial<ComfyJob>;
  /** What made the picture and is not in the job, in whole sentences. */
  readonly notes: readonly string[];
};

/**
 * What can be told of a job from a graph. Of several samplers the one counts that begins with noise alone.
 *
 * @param json the text under the PNG key `prompt`
 * @throws IllustriousError `bad_file` when it is not a JSON object
 */
export function readComfyGraph(json: string): Partial<ComfyJob> {
  return readComfyRecord(json).job;
}

/** As `readComfyGraph`, with what is left out. */
export function readComfyRecord(json: string): ComfyReading {
  const nodes = parseNodes(json);
  const first = firstPass(nodes);
  if (!first) return { job: {}, notes: [noSampler(nodes)] };
  const sampler = asKSampler(nodes, first);
  const input = sampler.inputs;
  const text = (side: Side) => {
    const encoder = encoderOf(nodes, input.get(side), side);
    return string(input.get(side)) ?? (encoder && textOf(nodes, encoder, side));
  };
  const job = defined({
    ...readModel(nodes, input.get("model")),
    vae: readVae(nodes),
    clipSkip: readClipSkip(nodes, input.get("positive")),
    zeroNegative: encoderOf(nodes, input.get("negative"), "negative")?.type === "ConditioningZeroOut" || undefined,
    prompt: text("positive"),
    negativePrompt: text("negative"),
    ...readLatent(nodes, input.get("latent_image")),
    seed: readSeed(nodes, sampler),
    steps: heldNumber(nodes, input.get("steps"), "steps"),
    cfg: heldNumber(nodes, input.get("cfg"), "cfg"),
    sampler: held(nodes, input.get("sampler_name"), string, "sampler_name", "value"),
    scheduler: held(nodes, input.get("scheduler"), string, "scheduler", "value"),
    denoise: heldNumber(nodes, input.get("denoise"), "denoise"),
    filenamePrefix: string(
      [...nodes.values()].find((node) => node.type === "SaveImage")?.inputs.get("filename_prefix"),
    ),
  });
  return { job, notes: lossesOf(nodes, sampler, job) };
}

/** Others by their types, which mostly say so. */
function noSampler(nodes: Nodes): string {
  const types = new Set([...nodes.values()].flatMap(({ type }) => (/sampler/i.test(type) ? [type] : [])));
  const others = types.size > 0 ? `; it has ${[...types].slice(0, 12).join(", ")}` : "";
  return `Its ComfyUI graph has no sampler that is known here${others}.`;
}

/** Every field of a job, known to be there or not. */
type Found = { readonly [K in keyof ComfyJob]-?: ComfyJob[K] | undefined };

/** Guards against a graph made to be walked for hours. */
const MOST_SAMPLERS = 64;

/** The sampler whose latents are empty, and not another sampler's; of several such, or of none, the first by id. */
function firstPass(nodes: Nodes): Node | undefined {
  const samplers = [...nodes.values()].filter(isSampler).slice(0, MOST_SAMPLERS);
  const starts = samplers.map(({ inputs }) =>
    sourcesOf(nodes, [inputs.get("latent_image")], (node) => isSampler(node) || isEmptyLatent(node)),
  );
  const first = samplers.find((_, i) => starts[i]!.some(isEmptyLatent) && !starts[i]!.some(isSampler));
  return first ?? samplers.find((_, i) => !starts[i]!.some(isSampler)) ?? samplers[0];
}

function readModel(nodes: Nodes, link: unknown): Pick<Found, "checkpoint" | "loras" | "rescaleCfg" | keyof Sampling> {
  let checkpoint: string | undefined;
  let sampling: Sampling | undefined;
  let rescaleCfg: number | undefined;
  for (const { type, inputs } of upstream(nodes, link, "model")) {
    checkpoint = string(inputs.get("ckpt_name")) ?? checkpoint;
    // Nearest the sampler counts: it overrides what came before it.
    sampling ??= readSampling(type, inputs);
    if (type === "RescaleCFG") rescaleCfg ??= number(inputs.get("multiplier"));
  }
  const loras = lorasOf(nodes, link).map(({ isComputed: _, ...lora }) => lora);
  return { checkpoint, loras: loras.length > 0 ? loras : undefined, rescaleCfg, ...(sampling ?? NO_SAMPLING) };
}

type Sampling = Pick<Found, "prediction" | "zsnr" | "shift" | "sigmaMin" | "sigmaMax">;

const NO_SAMPLING: Sampling = {
  prediction: undefined,
  zsnr: undefined,
  shift: undefined,
  sigmaMin: undefined,
  sigmaMax: undefined,
};

/** What a node says of the model's noise levels, if it is one that does. */
function readSampling(type: string, inputs: Node["inputs"]): Sampling | undefined {
  const sampling = inputs.get("sampling");
  switch (type) {
    case "ModelSamplingDiscrete": {
      const zsnr = inputs.get("zsnr");
      return {
        ...NO_SAMPLING,
        prediction: sampling === "eps" || sampling === "v_prediction" ? sampling : undefined,
        zsnr: typeof zsnr === "boolean" ? zsnr : undefined,
      };
    }
    case "ModelSamplingContinuousEDM": {
      const [sigmaMin, sigmaMax] = [number(inputs.get("sigma_min")), number(inputs.get("sigma_max"))];
      return sampling === "v_prediction" ? { ...NO_SAMPLING, prediction: "edm_v", sigmaMin, sigmaMax } : NO_SAMPLING;
    }
    case "ModelSamplingSD3":
      return { ...NO_SAMPLING, prediction: "flow", shift: number(inputs.get("shift")) };
    default:
      return undefined;
  }
}

/** Of the first picture that is decoded, by a node of its own or by Efficiency's sampler. */
function readVae(nodes: Nodes): string | undefined {
  const all = [...nodes.values()];
  const decoder =
    all.find(({ type }) => type === "VAEDecode" || type === "VAEDecodeTiled") ??
    all.find(({ inputs }) => inputs.has("optional_vae"));
  const link = decoder?.inputs.get("vae") ?? decoder?.inputs.get("optional_vae");
  for (const { inputs } of upstream(nodes, link, "vae", "optional_vae")) {
    const name = string(inputs.get("vae_name"));
    if (name !== undefined) return name === "Baked VAE" ? undefined : name;
  }
  return undefined;
}

/** The text layer from the end, counted from 1, that the nearest encoder of text is told to take. */
function readClipSkip(nodes: Nodes, link: unknown): number | undefined {
  const encoder = encoderOf(nodes, link, "positive")?.inputs;
  // Efficiency's loader.
  const own = number(encoder?.get("clip_skip"));
  if (own !== undefined) return -own;
  for (const { type, inputs } of upstream(nodes, encoder?.get("clip"), "clip")) {
    const layer = number(inputs.get("stop_at_clip_layer"));
    if (type === "CLIPSetLastLayer" && layer !== undefined) return -layer;
  }
  return undefined;
}

/** A seed that no number holds as one that begins the same noise: of PyTorch's on the CPU the low 32 bits count. */
function readSeed(nodes: Nodes, sampler: Node): number | undefined {
  const seed = heldSeed(nodes, sampler);
  return typeof seed === "bigint" ? Number(BigInt.asUintN(32, seed)) : seed;
}

function readLatent(nodes: Nodes, link: unknown): Pick<Found, "width" | "height" | "batchSize"> {
  const isEnd = (node: Node) => isSampler(node) || isEmptyLatent(node);
  const inputs = sourcesOf(nodes, [link], isEnd).find(isEmptyLatent)?.inputs;
  const [width, height, batchSize] = ["width", "height", "batch_size"].map((name) =>
    heldNumber(nodes, inputs?.get(name) ?? inputs?.get(`empty_latent_${name}`)),
  );
  return { width, height, batchSize };
}

function defined(found: Found): Partial<ComfyJob> {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
