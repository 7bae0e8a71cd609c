/** @file What made a picture in ComfyUI and is not in the job that its graph is read as. */

import type { ComfyJob } from "./comfy-graph.ts";
import { type GraphLora, LORA_NODES, lorasOf } from "./comfy-graph-loras.ts";
import {
  encoderOf,
  heldNumber,
  heldSeed,
  heldText,
  isEmptyLatent,
  linksOf,
  type Node,
  type Nodes,
  sourcesOf,
  string,
  textOf,
} from "./comfy-graph-nodes.ts";
import { isSampler, levelsLeftOut, SAMPLER_PARTS, SAMPLERS } from "./comfy-graph-samplers.ts";

/** What changes a picture and has no place in a job, by the types of its nodes. */
const LOSSES: readonly (readonly [types: RegExp, note: string])[] = [
  [/^FreeU/, "FreeU weighed the network's features anew, which is left out."],
  [/^PAG|^(PerturbedAttention|SelfAttention)Guidance/, "Its guidance by perturbed attention is left out."],
  [/IPAdapter/, "IPAdapter steered it by a picture, which is left out."],
  [/ControlNet/, "ControlNet steered it, which is left out."],
  [/^SplitSigmas/, "Its noise levels are split between samplers; here one makes all steps."],
  [/^Dual(CFG|Model)Guider$/, "Two prompts or models guided it; only the first is read."],
  [/^Conditioning(Combine|Concat|Average)$/, "It has prompts that are joined; only the first of each is read."],
];

/** Read, or without a say in the picture that is repeated. */
const KNOWN = new Set([
  ...[...SAMPLERS, ...SAMPLER_PARTS, ...LORA_NODES, "CheckpointLoaderSimple"],
  ...["ModelSamplingDiscrete", "ModelSamplingContinuousEDM", "ModelSamplingSD3", "RescaleCFG", "CLIPSetLastLayer"],
  ...["CLIPTextEncode", "CLIPTextEncodeSDXL", "ConditioningZeroOut", "LatentUpscale", "LatentUpscaleBy"],
  ...["EmptyLatentImage", "EmptySD3LatentImage", "VAELoader", "VAEDecode", "VAEDecodeTiled", "SaveImage", "Reroute"],
]);

/** In whole sentences. Of the sampler with KSampler's inputs. */
export function lossesOf(nodes: Nodes, sampler: Node, job: Partial<ComfyJob>): string[] {
  const notes: string[] = [];
  const all = [...nodes.values()];
  const others = all.filter(isSampler).length - 1;
  if (others > 0) {
    const more = others === 1 ? "another sampler" : `${others} more samplers`;
    notes.push(`It has ${more}: a second pass is not repeated, only the one that begins with noise.`);
  }
  const missing = NEEDED.filter((field) => job[field] === undefined);
  if (missing.length > 0) notes.push(`Not read from its graph, so what is usual here is taken: ${missing.join(", ")}.`);
  notes.push(
    ...stepsLeftOut(nodes, sampler, job),
    ...noiseLeftOut(nodes, sampler, job),
    ...conditioningLeftOut(nodes, sampler, job),
  );
  const loras = lorasOf(nodes, sampler.inputs.get("model"));
  notes.push(...computedStrengths(loras), ...customLevels(nodes, sampler, job));
  const saved = all.filter(({ type }) => type === "SaveImage");
  const made = sourcesOf(nodes, [sampler, ...saved].flatMap(linksOf), () => false);
  const named = new Set(["None", ...loras.map(({ name }) => name)]);
  const isRead = (node: Node) => KNOWN.has(node.type) || isEmptyLatent(node) || namesFile(node, named);
  const types = new Set(made.flatMap((node) => (isRead(node) ? [] : [node.type])));
  const lost = LOSSES.filter(([pattern]) => [...types].some((type) => pattern.test(type)));
  const unread = [...types].filter((type) => !LOSSES.some(([pattern]) => pattern.test(type)));
  notes.push(...lost.map(([, note]) => note));
  if (unread.length > 0) notes.push(`Nodes that are not read here: ${unread.slice(0, 12).join(", ")}.`);
  return notes;
}

const NEEDED = [
  ...(["checkpoint", "prompt", "negativePrompt", "seed", "steps", "cfg", "sampler", "scheduler"] as const),
  ...(["width", "height"] as const),
];

/** Of a sampler that makes some of its steps, as those before a refiner do. */
function stepsLeftOut(nodes: Nodes, { type, inputs }: Node, { steps = 0 }: Partial<ComfyJob>): string[] {
  if (type !== "KSamplerAdvanced") return [];
  const start = heldNumber(nodes, inputs.get("start_at_step")) ?? 0;
  const end = heldNumber(nodes, inputs.get("end_at_step")) ?? steps;
  if (start <= 0 && end >= steps) return [];
  return [`Its sampler makes steps ${start} to ${Math.min(end, steps)} of ${steps}; all are made here.`];
}

/** Noise is one stream through a batch's pictures, and the seed is where it begins. */
function noiseLeftOut(nodes: Nodes, sampler: Node, { batchSize = 1, seed }: Partial<ComfyJob>): string[] {
  const { inputs } = sampler;
  const written = heldSeed(nodes, sampler);
  const addsNone = inputs.get("add_noise") === false || inputs.get("add_noise") === "disable";
  return [
    ...(typeof written === "bigint" ? [`Its seed ${written} is ${seed} here, which gives the same noise.`] : []),
    ...(addsNone ? ["Its sampler adds no noise; here it begins with the seed's."] : []),
    ...(batchSize > 1
      ? [`It is one of a batch of ${batchSize}, of which only the first picture can be repeated.`]
      : []),
  ];
}

/** What a custom sampler does otherwise than a KSampler of the same names. */
function customLevels(nodes: Nodes, sampler: Node, job: Partial<ComfyJob>): string[] {
  if (!sampler.inputs.has("sigmas")) return [];
  const isSdxlTable = job.zsnr !== true && job.prediction !== "edm_v" && job.prediction !== "flow";
  const notes = levelsLeftOut(nodes, sampler, isSdxlTable);
  // For it KSampler alone leaves out the level before 0, and so does this program.
  if (job.sampler?.startsWith("uni_pc")) notes.push(`Its ${job.sampler} visits the level before 0, which is left out.`);
  return notes;
}

/** Of LoRAs whose strength comes from a node that computes it. */
function computedStrengths(loras: readonly GraphLora[]): string[] {
  const names = loras.flatMap(({ name, isComputed }) => (isComputed ? [name] : []));
  if (names.length === 0) return [];
  return [`Its graph computes the strength of LoRAs, and 1 is taken: ${names.slice(0, 12).join(", ")}.`];
}

/** What encoders of texts are told beside the one text that is read: SDXL's own, Efficiency's loader, BNK's encoder. */
function conditioningLeftOut(nodes: Nodes, sampler: Node, { width, height }: Partial<ComfyJob>): string[] {
  const notes = new Set<string>();
  for (const side of ["positive", "negative"] as const) {
    const encoder = encoderOf(nodes, sampler.inputs.get(side), side);
    for (const note of weighedOtherwise(encoder)) notes.add(note);
    if (encoder?.type !== "CLIPTextEncodeSDXL") continue;
    const { inputs } = encoder;
    if (inputs.has("text_l") && heldText(nodes, inputs.get("text_l")) !== textOf(nodes, encoder, side)) {
      notes.add(`Its ${side} prompt is another for the first text encoder (text_l), which is left out.`);
    }
    const usual = { width, height, crop_w: 0, crop_h: 0, target_width: width, target_height: height };
    const said = Object.entries(usual).flatMap(([name, one]) => {
      const value = heldNumber(nodes, inputs.get(name));
      return value === undefined || value === one ? [] : [`${name} ${value}`];
    });
    if (said.length > 0) notes.add(`Its size conditioning is left out: ${said.join(", ")}.`);
  }
  return [...notes];
}

function weighedOtherwise(encoder: Node | undefined): string[] {
  const weights = string(encoder?.inputs.get("weight_interpretation")) ?? "comfy";
  const normalization = string(encoder?.inputs.get("token_normalization")) ?? "none";
  if (weights === "comfy" && normalization === "none") return [];
  return [`Its words are weighed as ComfyUI does; there it was ${weights} with the normalization ${normalization}.`];
}

/** Loaders under any name. A LoRA's counts if it was found on the way to the sampler, or is switched off. */
function namesFile({ inputs }: Node, loras: ReadonlySet<string>): boolean {
  if (["ckpt_name", "vae_name"].some((name) => string(inputs.get(name)) !== undefined)) return true;
  const lora = string(inputs.get("lora_name"));
  return lora !== undefined && (loras.has(lora) || inputs.get("switch") === "Off");
}
