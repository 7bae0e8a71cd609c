/**
 * @file Opens a LoRA file for SDXL: each low-rank pair's layer, rank and alpha, and where its bytes lie. Weights stay in
 * the file; only the alphas, one number each, are read. A file that says no alpha means the rank.
 */

import { basename } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { readFloat32, type SafetensorsFile } from "../../formats/safetensors/index.ts";
import { type LoraRole, type LoraShape, loraName } from "../../nn/lora.ts";
import type { WeightSource } from "../../runtime/weights.ts";
import { type StoredTensor, sameBut1, weightDType } from "./checkpoint-bind.ts";
import { openWeights } from "./checkpoint-files.ts";
import { identify } from "./checkpoint-kind.ts";
import type { SdxlConfigs } from "./config.ts";
import { type AdapterAlpha, adapterAlphas } from "./lora-adapter.ts";
import { type LoraPlace, loraModules, otherAlgebra, readLoraKey } from "./lora-names.ts";
import { LORA_COMPONENTS, type LoraComponent } from "./lora-targets.ts";

/** One network's pairs. */
export type LoraPart = {
  /** For `withLora`, by the names of the network's weights. */
  readonly targets: ReadonlyMap<string, LoraShape>;
  /** By the names that `withLora` gives without a prefix. */
  readonly weights: ReadonlyMap<string, WeightSource>;
};

export type LoraFile = {
  readonly path: string;
  /** Without folder and extension: what prompts call it. */
  readonly name: string;
  readonly parts: Readonly<Record<LoraComponent, LoraPart>>;
  /** Keys that belong to no layer of this model. */
  readonly unknown: readonly string[];
  /** What its metadata says that the model predicts on which it was trained. */
  readonly trainedFor?: "eps" | "v" | "flow";
};

/**
 * @param configs of the model that it shall be applied to
 * @throws IllustriousError `missing_file`; `bad_file`; `pickle_refused`; `unknown_model` for a file that is no LoRA or
 * fits no layer; `unsupported` naming DoRA, LoHa, LoKr and others, or a number type; `bad_shape`; `missing_weight`
 */
export async function openLora(path: string, configs: SdxlConfigs): Promise<LoraFile> {
  const file = await openWeights(path);
  refuseOthers(file, path);
  const { found, unknown } = sortKeys(file, configs);
  if (found.size === 0) throw fitsNothing(file, path);
  const parts = Object.fromEntries(LORA_COMPONENTS.map((name) => [name, emptyPart()])) as Record<
    LoraComponent,
    ReturnType<typeof emptyPart>
  >;
  const ofAdapter = adapterAlphas(file);
  const pairs = await Promise.all([...found.values()].map((pair) => readPair(file, path, pair, ofAdapter)));
  for (const { place, shape, sources } of pairs) {
    const { targets, weights } = parts[place.component];
    targets.set(place.parameter.name, shape);
    for (const [role, source] of sources) weights.set(loraName(place.parameter.name, role), source);
  }
  const said = PREDICTIONS.get(file.metadata.get("modelspec.prediction_type") ?? "");
  const name = basename(path).replace(/\.safetensors$/i, "");
  return { path, name, parts, unknown, ...(said && { trainedFor: said }) };
}

/** ModelSpec's words, and one that is ours. */
const PREDICTIONS = new Map<string, LoraFile["trainedFor"]>([
  ["epsilon", "eps"],
  ["v", "v"],
  ["flow", "flow"],
]);

const emptyPart = () => ({ targets: new Map<string, LoraShape>(), weights: new Map<string, WeightSource>() });

/** One layer's keys. */
type Pair = { readonly place: LoraPlace; readonly keys: Map<LoraRole | "alpha", string> };

function sortKeys(file: SafetensorsFile, configs: SdxlConfigs): { found: Map<string, Pair>; unknown: string[] } {
  const modules = loraModules(configs);
  const found = new Map<string, Pair>();
  const unknown: string[] = [];
  for (const key of file.tensors.keys()) {
    const read = readLoraKey(key);
    const place = read && modules.get(read.module);
    if (!place) {
      unknown.push(key);
      continue;
    }
    const layer = `${place.component} ${place.parameter.name}`;
    const pair = found.get(layer) ?? { place, keys: new Map() };
    const other = pair.keys.get(read.part);
    if (other !== undefined) {
      const message = `${file.path}: ${other} and ${key} are the same layer's`;
      throw new IllustriousError("bad_file", message, "The file holds two LoRAs in one; separate them.");
    }
    pair.keys.set(read.part, key);
    found.set(layer, pair);
  }
  return { found, unknown };
}

type ReadPair = {
  readonly place: LoraPlace;
  readonly shape: LoraShape;
  readonly sources: readonly (readonly [LoraRole, WeightSource])[];
};

async function readPair(
  file: SafetensorsFile,
  path: string,
  { place, keys }: Pair,
  ofAdapter: AdapterAlpha,
): Promise<ReadPair> {
  const stored = (role: LoraRole): StoredTensor => {
    const tensor = file.tensors.get(keys.get(role) ?? "");
    if (tensor) return { ...tensor, path: file.path };
    const message = `${path}: ${[...keys.values()][0]} has no ${role} beside it`;
    throw new IllustriousError("missing_weight", message, "The download may be incomplete.");
  };
  const rank = stored("down").shape[0] ?? 0;
  const middle = keys.has("middle");
  const sources = [...Object.entries(shapesOf(place.parameter.shape, rank, middle))].map(([role, shape]) => {
    const tensor = stored(role as LoraRole);
    if (rank > 0 && sameBut1(tensor.shape, shape)) return [role as LoraRole, sourceOf(tensor, shape)] as const;
    throw new IllustriousError(
      "bad_shape",
      `${path}: ${tensor.name} has shape [${tensor.shape}], but ${place.parameter.name} needs [${shape}]`,
      "The LoRA was made for a model of other sizes.",
    );
  });
  const { component, parameter } = place;
  const alpha = (await storedAlpha(file, keys)) ?? ofAdapter(component, parameter.name, rank) ?? rank;
  return { place, shape: { rank, alpha, middle }, sources };
}

/** As `withLora` declares them. */
function shapesOf(weight: readonly number[], rank: number, middle: boolean): Partial<Record<LoraRole, number[]>> {
  const [wide, narrow, ...kernel] = weight as [number, number, ...number[]];
  const point = kernel.map(() => 1);
  return {
    down: [rank, narrow, ...(middle ? point : kernel)],
    ...(middle && { middle: [rank, rank, ...kernel] }),
    up: [wide, rank, ...point],
  };
}

function sourceOf(tensor: StoredTensor, shape: readonly number[]): WeightSource {
  const { path, offset, length } = tensor;
  return { path, offset, length, dtype: weightDType(tensor), shape };
}

async function storedAlpha(file: SafetensorsFile, keys: ReadonlyMap<string, string>): Promise<number | undefined> {
  const key = keys.get("alpha");
  if (key === undefined) return undefined;
  const [alpha] = await readFloat32(file, key);
  if (alpha !== undefined && Number.isFinite(alpha)) return alpha;
  throw new IllustriousError("bad_file", `${file.path}: ${key} is ${alpha}, not a number`, "Make the LoRA anew.");
}

function refuseOthers(file: SafetensorsFile, path: string): void {
  const { kind, name } = identify(file.tensors);
  if (kind !== "lora" && ![...file.tensors.keys()].some((key) => otherAlgebra(key))) {
    throw new IllustriousError("unknown_model", `${path}: ${name}, not a LoRA`, "Name a LoRA's .safetensors file.");
  }
  for (const key of file.tensors.keys()) {
    const algebra = otherAlgebra(key);
    if (!algebra) continue;
    const hint = "Only LoRA and LoCon are applied: take a LoRA, or a checkpoint that this one is merged into.";
    throw new IllustriousError("unsupported", `${path}: ${key} is ${algebra}, which cannot be applied`, hint);
  }
}

function fitsNothing(file: SafetensorsFile, path: string): IllustriousError {
  const { name } = identify(file.tensors);
  const first = [...file.tensors.keys()].slice(0, 3).join(", ");
  const message = `${path}: ${name}; none of its layers is this model's (${first})`;
  return new IllustriousError("unknown_model", message, "Use a LoRA made for SDXL, Illustrious, NoobAI or Pony.");
}
