/** @file What a run begins with: networks of a checkpoint, or sizes of networks that begin with nothing, and an autoencoder. */

import { createHash } from "node:crypto";
import { IllustriousError } from "../base/error.ts";
import { shared } from "../base/shared.ts";
import type { Checkpoint } from "../models/sdxl/checkpoint.ts";
import { openVae } from "../models/sdxl/checkpoint-vae.ts";
import type { SdxlConfigs } from "../models/sdxl/config.ts";
import { LORA_COMPONENTS, type LoraComponent } from "../models/sdxl/lora-targets.ts";
import { type Component, FOLDER, parametersOf } from "../models/sdxl/names.ts";
import { checkFinite } from "../models/sdxl/storable.ts";
import { readWeight } from "../runtime/read-weight.ts";
import type { Weights } from "../runtime/weights.ts";
import { initialValues } from "../training/learner/initialise.ts";
import { type SavedLearner, takeOut } from "../training/learner/learner.ts";
import type { RandomState } from "../training/random.ts";
import type { NetworkValues } from "./model-files.ts";

export type TrainingModel = {
  readonly configs: Required<SdxlConfigs>;
  /** Where networks lie; those that begin with nothing lie nowhere. */
  readonly weights: Partial<Readonly<Record<LoraComponent, Weights>>>;
  readonly vae: Weights;
  readonly tokenizerFolders?: { readonly tokenizer: string; readonly tokenizer2: string };
};

/** @throws IllustriousError `bad_option` for a checkpoint without a VAE */
export function modelOf(checkpoint: Checkpoint): TrainingModel {
  const { configs, weights, tokenizerFolders, path } = checkpoint;
  if (!configs.vae || !weights.vae) {
    throw new IllustriousError("bad_option", `${path} has no VAE`, "Name one: vae = a .safetensors file or a folder.");
  }
  return {
    configs: { ...configs, vae: configs.vae },
    weights: { unet: weights.unet, textEncoder: weights.textEncoder, textEncoder2: weights.textEncoder2 },
    vae: weights.vae,
    ...(tokenizerFolders && { tokenizerFolders }),
  };
}

/** Networks of these sizes that have learnt nothing, around an autoencoder that has. */
export async function newModel(configs: SdxlConfigs, vae: string): Promise<TrainingModel> {
  const { config, bound } = await openVae(vae);
  return { configs: { ...configs, vae: config }, weights: {}, vae: bound.weights };
}

export type StartingNetwork = {
  readonly values: NetworkValues;
  /** Whether it begins with nothing: all its values are drawn. */
  readonly isNew: boolean;
};

/** A network's values, in shared memory: as a run left them, as its checkpoint has them, or fresh. */
export async function startingValues(
  { configs, weights }: TrainingModel,
  component: LoraComponent,
  random: RandomState,
  saved?: SavedLearner,
): Promise<StartingNetwork> {
  const network = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  let isNew = true;
  for (const { name, shape } of parametersOf(component, configs)!) {
    // Drawn in any case, so that a resumed run's other networks begin as they did.
    const fresh = weights[component] ? undefined : initialValues(name, shape, random);
    const kept = takeOut(saved, `parameter/${component}.${name}`);
    const source = weights[component]?.get(name);
    const values = kept instanceof Float32Array ? kept : source ? await readWeight({ ...source, shape }) : fresh;
    if (!values) throw new IllustriousError("missing_weight", `${FOLDER[component]} has no ${name}`);
    if (values !== fresh) isNew = false;
    network.set(name, { shape, values: shared(values) });
  }
  return { values: network, isNew };
}

/** Values of a network that is not trained, out of its file. */
export async function storedValues(weights: Weights, shapes: Iterable<{ name: string; shape: readonly number[] }>) {
  const network = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const { name, shape } of shapes) {
    const source = weights.get(name);
    if (source) network.set(name, { shape, values: await readWeight({ ...source, shape }) });
  }
  return network;
}

/** Refuses to train beside networks that have learnt nothing and will not. */
export function checkTrained(model: TrainingModel, trained: readonly LoraComponent[]): void {
  const empty = LORA_COMPONENTS.filter((component) => !model.weights[component] && !trained.includes(component));
  if (empty.length === 0) return;
  throw new IllustriousError(
    "bad_option",
    `${empty.map((component) => FOLDER[component]).join(" and ")}: neither trained nor taken from a checkpoint`,
    "Train all networks of a new model, or begin with a checkpoint.",
  );
}

/**
 * Reads all weights, to refuse what could not be saved again.
 *
 * @throws IllustriousError `bad_file` for values that are not finite
 */
export async function checkWeights({ weights, vae }: TrainingModel): Promise<void> {
  for (const [component, sources] of Object.entries({ ...weights, vae })) {
    for (const [name, source] of sources) {
      checkFinite(`${FOLDER[component as Component]}.${name}`, await readWeight(source));
    }
  }
}

/** Tells one autoencoder from another, by where its weights lie and what they are. */
export async function identityOf(weights: Weights): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, source] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith("encoder.") && !name.startsWith("quant_conv.")) continue;
    const { buffer, byteOffset, byteLength } = await readWeight(source);
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}
