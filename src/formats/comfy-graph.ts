/**
 * @file ComfyUI's API graph: what its pictures carry under the PNG key `prompt`, so that dropping ours on ComfyUI makes
 * the same picture there, and theirs tell us how they were made.
 *
 * A graph maps ids to nodes; an input is a value or a link `[id, output]`. Nodes and their inputs are those of
 * Comfy-Org/ComfyUI, `nodes.py` and `comfy_extras/nodes_model_advanced.py`.
 */

import { IllustriousError } from "../base/error.ts";

export type ComfyLink = readonly [id: string, output: number];
export type ComfyNode = {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, string | number | boolean | ComfyLink>>;
};
export type ComfyGraph = Readonly<Record<string, ComfyNode>>;

export type ComfyLora = { readonly name: string; readonly strengthModel: number; readonly strengthClip: number };

/** One text-to-image job in ComfyUI's terms: its names of samplers and schedulers, files relative to its folders. */
export type ComfyJob = {
  readonly checkpoint: string;
  /** Another VAE than the checkpoint's. */
  readonly vae?: string;
  /** Text layer from the end; 2, ComfyUI's own for SDXL, unless given. */
  readonly clipSkip?: number;
  readonly loras?: readonly ComfyLora[];
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Zeros in the place of the negative prompt, which is then empty. */
  readonly zeroNegative?: boolean;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly batchSize?: number;
  readonly seed: number;
  readonly steps: number;
  readonly cfg: number;
  readonly sampler: string;
  readonly scheduler: string;
  readonly denoise?: number;
  /** Told to ComfyUI unless it is `eps` without zero terminal SNR, which it assumes of itself. */
  readonly prediction?: "eps" | "v_prediction" | "edm_v" | "flow";
  readonly zsnr?: boolean;
  /** Of `flow`, 1 unless given. */
  readonly shift?: number;
  /** Of `edm_v`, ComfyUI's 0.002 to 120 unless given. */
  readonly sigmaMin?: number;
  readonly sigmaMax?: number;
  /** RescaleCFG's phi, 0 to 1. */
  readonly rescaleCfg?: number;
  readonly filenamePrefix?: string;
};

/** The graph of a job; ids are those of ComfyUI's default workflow, additional nodes count on from 10. */
export function comfyGraph(job: ComfyJob): ComfyGraph {
  const graph: Record<string, ComfyNode> = {};
  const add = (id: string, class_type: string, inputs: ComfyNode["inputs"]) => {
    graph[id] = { class_type, inputs };
  };
  let next = 10;
  let model: ComfyLink = ["4", 0];
  let clip: ComfyLink = ["4", 1];
  add("4", "CheckpointLoaderSimple", { ckpt_name: job.checkpoint });
  for (const { name, strengthModel, strengthClip } of job.loras ?? []) {
    const id = String(next++);
    add(id, "LoraLoader", { model, clip, lora_name: name, strength_model: strengthModel, strength_clip: strengthClip });
    model = [id, 0];
    clip = [id, 1];
  }
  const { prediction = "eps", zsnr = false, rescaleCfg, clipSkip, zeroNegative = false } = job;
  if (prediction === "flow") {
    const id = String(next++);
    add(id, "ModelSamplingSD3", { model, shift: job.shift ?? 1 });
    model = [id, 0];
  } else if (prediction === "edm_v") {
    const id = String(next++);
    const range = { sigma_max: job.sigmaMax ?? 120, sigma_min: job.sigmaMin ?? 0.002 };
    add(id, "ModelSamplingContinuousEDM", { model, sampling: "v_prediction", ...range });
    model = [id, 0];
  } else if (prediction !== "eps" || zsnr) {
    const id = String(next++);
    add(id, "ModelSamplingDiscrete", { model, sampling: prediction, zsnr });
    model = [id, 0];
  }
  if (clipSkip !== undefined && clipSkip !== 2) {
    const id = String(next++);
    add(id, "CLIPSetLastLayer", { clip, stop_at_clip_layer: -clipSkip });
    clip = [id, 0];
  }
  if (rescaleCfg !== undefined) {
    const id = String(next++);
    add(id, "RescaleCFG", { model, multiplier: rescaleCfg });
    model = [id, 0];
  }
  add("5", "EmptyLatentImage", { width: job.width, height: job.height, batch_size: job.batchSize ?? 1 });
  add("6", "CLIPTextEncode", { text: job.prompt, clip });
  add("7", "CLIPTextEncode", { text: job.negativePrompt, clip });
  let negative: ComfyLink = ["7", 0];
  if (zeroNegative) {
    const id = String(next++);
    add(id, "ConditioningZeroOut", { conditioning: negative });
    negative = [id, 0];
  }
  let vae: ComfyLink = ["4", 2];
  if (job.vae !== undefined) {
    const id = String(next++);
    add(id, "VAELoader", { vae_name: job.vae });
    vae = [id, 0];
  }
  add("3", "KSampler", {
    model,
    positive: ["6", 0],
    negative,
    latent_image: ["5", 0],
    seed: job.seed,
    steps: job.steps,
    cfg: job.cfg,
    sampler_name: job.sampler,
    scheduler: job.scheduler,
    denoise: job.denoise ?? 1,
  });
  add("8", "VAEDecode", { samples: ["3", 0], vae });
  add("9", "SaveImage", { images: ["8", 0], filename_prefix: job.filenamePrefix ?? "illustrious" });
  return graph;
}

/**
 * What can be told of a job from a graph, which may be anybody's: fields that it computes, or that stand in nodes not known
 * here, are missing. The first sampler counts, by id.
 *
 * @param json the text under the PNG key `prompt`
 * @throws IllustriousError `bad_file` when it is not a JSON object
 */
export function readComfyGraph(json: string): Partial<ComfyJob> {
  const nodes = parseNodes(json);
  const sampler = [...nodes.values()].find((node) => node.type === "KSampler" || node.type === "KSamplerAdvanced");
  if (!sampler) return {};
  const input = sampler.inputs;
  return defined({
    ...readModel(nodes, input.get("model")),
    vae: readVae(nodes),
    clipSkip: readClipSkip(nodes, input.get("positive")),
    zeroNegative: readsZeros(nodes, input.get("negative")) || undefined,
    prompt: readText(nodes, input.get("positive")),
    negativePrompt: readText(nodes, input.get("negative")),
    ...readLatent(nodes, input.get("latent_image")),
    seed: number(input.get("seed") ?? input.get("noise_seed")),
    steps: number(input.get("steps")),
    cfg: number(input.get("cfg")),
    sampler: string(input.get("sampler_name")),
    scheduler: string(input.get("scheduler")),
    denoise: number(input.get("denoise")),
    filenamePrefix: string(
      [...nodes.values()].find((node) => node.type === "SaveImage")?.inputs.get("filename_prefix"),
    ),
  });
}

type Node = { readonly type: string; readonly inputs: ReadonlyMap<string, unknown> };
type Nodes = ReadonlyMap<string, Node>;

/** Every field of a job, known to be there or not. */
type Found = { readonly [K in keyof ComfyJob]-?: ComfyJob[K] | undefined };

function parseNodes(json: string): Nodes {
  const root = parseJson(json);
  if (!isObject(root)) throw notGraph("it is no JSON object");
  const nodes = new Map<string, Node>();
  for (const [id, node] of Object.entries(root)) {
    if (!isObject(node) || typeof node.class_type !== "string" || !isObject(node.inputs)) continue;
    nodes.set(id, { type: node.class_type, inputs: new Map(Object.entries(node.inputs)) });
  }
  return nodes;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return parsePythonJson(json);
  }
}

/** Strings, closed or not, so that what follows a `"` is looked at once only; then the words that are no JSON. */
const PYTHON_WORDS = /("[^"\\]*(?:\\.[^"\\]*)*"?)|-?\b(?:NaN|Infinity)\b/gs;

/** Python writes NaN and Infinity, which are no JSON, into the records of some nodes. */
function parsePythonJson(json: string): unknown {
  const strict = json.replace(PYTHON_WORDS, (_, text: string | undefined) => text ?? "null");
  try {
    return JSON.parse(strict);
  } catch (error) {
    throw notGraph(error instanceof Error ? error.message : String(error));
  }
}

function notGraph(why: string): IllustriousError {
  const hint = 'Expected the text that ComfyUI saves under the PNG key "prompt".';
  return new IllustriousError("bad_file", `not a ComfyUI graph: ${why}`, hint);
}

/** From a link back along inputs of the given names, nearest node first; a graph of strangers may run in circles. */
function* upstream(nodes: Nodes, link: unknown, ...names: string[]): Generator<Node> {
  const seen = new Set<string>();
  for (let at = link; Array.isArray(at) && typeof at[0] === "string" && !seen.has(at[0]); ) {
    seen.add(at[0]);
    const node = nodes.get(at[0]);
    if (!node) return;
    yield node;
    at = names.map((name) => node.inputs.get(name)).find(Array.isArray);
  }
}

function readModel(nodes: Nodes, link: unknown): Pick<Found, "checkpoint" | "loras" | "rescaleCfg" | keyof Sampling> {
  const loras: ComfyLora[] = [];
  let checkpoint: string | undefined;
  let sampling: Sampling | undefined;
  let rescaleCfg: number | undefined;
  for (const { type, inputs } of upstream(nodes, link, "model")) {
    checkpoint = string(inputs.get("ckpt_name")) ?? checkpoint;
    // Nearest the sampler counts: it overrides what came before it.
    sampling ??= readSampling(type, inputs);
    if (type === "RescaleCFG") rescaleCfg ??= number(inputs.get("multiplier"));
    const name = string(inputs.get("lora_name"));
    if (name === undefined) continue;
    const strengthModel = number(inputs.get("strength_model")) ?? 1;
    loras.unshift({ name, strengthModel, strengthClip: number(inputs.get("strength_clip")) ?? strengthModel });
  }
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

/** Of the first picture that is decoded. */
function readVae(nodes: Nodes): string | undefined {
  const decoder = [...nodes.values()].find(({ type }) => type === "VAEDecode" || type === "VAEDecodeTiled");
  for (const { inputs } of upstream(nodes, decoder?.inputs.get("vae"), "vae")) {
    const name = string(inputs.get("vae_name"));
    if (name !== undefined) return name;
  }
  return undefined;
}

/** The text layer from the end, counted from 1, that the nearest encoder of text is told to take. */
function readClipSkip(nodes: Nodes, link: unknown): number | undefined {
  for (const { inputs } of upstream(nodes, link, "conditioning", "conditioning_1", "conditioning_to")) {
    for (const { type, inputs: held } of upstream(nodes, inputs.get("clip"), "clip")) {
      const layer = number(held.get("stop_at_clip_layer"));
      if (type === "CLIPSetLastLayer" && layer !== undefined) return -layer;
    }
  }
  return undefined;
}

function readsZeros(nodes: Nodes, link: unknown): boolean {
  return upstream(nodes, link).next().value?.type === "ConditioningZeroOut";
}

/** The text of the nearest encoder; a text may itself come from a node that holds it. */
function readText(nodes: Nodes, link: unknown): string | undefined {
  for (const { type, inputs } of upstream(nodes, link, "conditioning", "conditioning_1", "conditioning_to")) {
    if (type === "ConditioningZeroOut") return "";
    const given = inputs.get("text") ?? inputs.get("text_g");
    if (typeof given === "string") return given;
    for (const source of upstream(nodes, given, "text", "string", "value")) {
      for (const name of ["text", "string", "value"]) {
        const held = source.inputs.get(name);
        if (typeof held === "string") return held;
      }
    }
  }
  return undefined;
}

function readLatent(nodes: Nodes, link: unknown): Pick<Found, "width" | "height" | "batchSize"> {
  for (const { type, inputs } of upstream(nodes, link, "samples")) {
    if (type !== "EmptyLatentImage" && type !== "EmptySD3LatentImage") continue;
    return {
      width: number(inputs.get("width")),
      height: number(inputs.get("height")),
      batchSize: number(inputs.get("batch_size")),
    };
  }
  return { width: undefined, height: undefined, batchSize: undefined };
}

function defined(found: Found): Partial<ComfyJob> {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
