/**
 * @file Everything that can be said of a model file or folder without reading its weights, as plain data: what it is,
 * what it holds, what it predicts and why, and what is wrong with it.
 */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import type { SafetensorsFile } from "../../formats/safetensors/index.ts";
import { type KeyReport, reportOf } from "./checkpoint.ts";
import { cluesOf, openSingleFile } from "./checkpoint-file.ts";
import { openWeights } from "./checkpoint-files.ts";
import { type Opened, openFolder } from "./checkpoint-folder.ts";
import { type FileKind, identify } from "./checkpoint-kind.ts";
import type { SdxlConfigs } from "./config.ts";
import { type LoraFacts, loraFacts } from "./inspect-lora.ts";
import { type ResolutionHint, resolutionHints } from "./inspect-resolution.ts";
import { type Tally, tallyByComponent, tallyByDType } from "./inspect-tally.ts";
import { FOLDER } from "./names.ts";
import { type Claim, type Detection, detectPrediction } from "./prediction.ts";

export type Inspection = {
  readonly path: string;
  readonly kind: FileKind;
  /** In words, to follow "is". */
  readonly name: string;
  readonly layout: "diffusers" | "file";
  readonly files: readonly { readonly path: string; readonly size: number }[];
  readonly keys: number;
  /** Numbers in all tensors together. */
  readonly parameters: number;
  readonly dtypes: readonly Tally[];
  readonly components: readonly Tally[];
  /** For what has a prediction type: checkpoints, UNets, LoRAs. */
  readonly prediction?: Detection;
  readonly configs?: SdxlConfigs;
  readonly lora?: LoraFacts;
  readonly resolutions: readonly ResolutionHint[];
  /** All of it, sorted by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of a checkpoint. */
  readonly report?: KeyReport;
  /** Why it cannot be opened as a checkpoint, though it looks like one. */
  readonly problems: readonly string[];
};

/** @throws IllustriousError when the path is missing or not safetensors at all; lesser faults become `problems` */
export async function inspectModel(path: string, override?: Claim): Promise<Inspection> {
  const found = await stat(path).catch((cause) => {
    throw new IllustriousError("missing_file", `${path}: no such file or folder`, "Check the path.", { cause });
  });
  return found.isDirectory() ? inspectFolder(path, override) : inspectFile(path, override);
}

async function inspectFolder(path: string, override?: Claim): Promise<Inspection> {
  const { value: opened, problems } = await tried(() => openFolder(path));
  const detected = await tried(async () => opened && detectPrediction(opened.clues, override));
  const files = opened?.files ?? (await filesUnder(path));
  return {
    ...common(path, files, componentsByFile(files, opened), opened),
    kind: opened ? "sdxl" : "unknown",
    name: opened ? "an SDXL checkpoint in diffusers' layout" : "a folder that does not open as an SDXL checkpoint",
    layout: "diffusers",
    ...(detected.value && { prediction: detected.value }),
    problems: [...problems, ...detected.problems],
  };
}

async function inspectFile(path: string, override?: Claim): Promise<Inspection> {
  const file = await openWeights(path);
  const identity = identify(file.tensors);
  const { value: opened, problems } =
    identity.kind === "sdxl" ? await tried(() => openSingleFile(path)) : { value: undefined, problems: [] };
  const predicts = identity.kind === "sdxl" || identity.kind === "sdxl-unet" || identity.kind === "lora";
  const component = LONE_COMPONENT[identity.kind];
  return {
    ...common(path, [file], new Map(component ? [[file.path, component]] : []), opened),
    ...identity,
    layout: "file",
    ...(predicts && { prediction: detectPrediction(opened?.clues ?? (await cluesOf(file, path)), override) }),
    ...(identity.kind === "lora" && { lora: loraFacts(file) }),
    problems,
  };
}

/** Files whose keys need no prefix, for they hold one network. */
const LONE_COMPONENT: Readonly<Partial<Record<FileKind, string>>> = {
  "sdxl-unet": "unet",
  unet: "unet",
  vae: "vae",
  "text-encoder": "text_encoder",
};

/** By the weights that were found in each file, else by the folder that it lies in. */
function componentsByFile(files: readonly SafetensorsFile[], opened?: Opened): Map<string, string> {
  const components = new Map(files.map(({ path }) => [path, basename(dirname(path))]));
  for (const [component, { weights }] of opened?.bound ?? [])
    for (const { path } of weights.values()) components.set(path, FOLDER[component]);
  return components;
}

function common(
  path: string,
  files: readonly SafetensorsFile[],
  components: ReadonlyMap<string, string>,
  opened?: Opened,
) {
  const tensors = files.flatMap((file) => [...file.tensors.values()].map((tensor) => ({ ...tensor, path: file.path })));
  const metadata = new Map(files.flatMap((file) => [...file.metadata]));
  const dtypes = tallyByDType(tensors);
  return {
    path,
    files: files.map(({ path, size }) => ({ path, size })),
    keys: tensors.length,
    parameters: dtypes.reduce((sum, row) => sum + row.parameters, 0),
    dtypes,
    components: tallyByComponent(tensors, components),
    ...(opened && { configs: opened.configs, report: reportOf(opened) }),
    resolutions: resolutionHints(metadata),
    metadata: Object.fromEntries([...metadata].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** What was asked for, or the reasons why there is none; faults that are not the file's own go on. */
async function tried<T>(ask: () => Promise<T>): Promise<{ value: T | undefined; problems: string[] }> {
  try {
    return { value: await ask(), problems: [] };
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    return { value: undefined, problems: [error.hint ? `${error.message}. ${error.hint}` : error.message] };
  }
}

/** Every safetensors file in a folder and in the folders directly inside it. */
async function filesUnder(path: string): Promise<SafetensorsFile[]> {
  const inside = await readdir(path, { withFileTypes: true });
  const folders = [path, ...inside.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name))];
  const names = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).sort().map((name) => join(folder, name))),
  );
  return Promise.all(
    names
      .flat()
      .filter((name) => name.endsWith(".safetensors"))
      .map(openWeights),
  );
}
