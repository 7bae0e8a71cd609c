/**
 * @file ComfyUI's API graph: what its pictures carry under the PNG key `prompt`, so that dropping ours on ComfyUI makes
 * the same picture there, and theirs tell us how they were made.
 *
 * A graph maps ids to nodes; an input is a value or a link `[id, output]`. Nodes and their inputs are those of
 * Comfy-Org/ComfyUI, `nodes.py` and `comfy_extras/nodes_model_advanced.py`.
 */

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
