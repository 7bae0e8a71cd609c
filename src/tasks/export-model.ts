/** @file A model as one file in the layout that A1111, Forge and ComfyUI read, tensor by tensor out of where it lies now. */

import { basename, dirname, extname, resolve } from "node:path";
import type { WeightDType } from "../base/dtype.ts";
import { IllustriousError } from "../base/error.ts";
import { float32FromBytes } from "../base/float-bytes.ts";
import { ticks } from "../base/ticks.ts";
import { byteLengthOf, type TensorToWrite, writeSafetensors } from "../formats/safetensors/index.ts";
import { type Checkpoint, openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { COMPONENTS, FOLDER } from "../models/sdxl/names.ts";
import { agreeingScheduler, marksOf } from "../models/sdxl/prediction-marks.ts";
import { singleFileMetadata } from "../models/sdxl/single-file-metadata.ts";
import { singleFileTensors, storedWeight } from "../models/sdxl/single-file-tensors.ts";
import { storableType, widenedWarnings } from "../models/sdxl/storable.ts";
import { trainedLevels } from "../pipeline/noise-model.ts";
import { readWeightBytes } from "../runtime/read-weight.ts";
import type { WeightSource } from "../runtime/weights.ts";
import { type ExportInput, type ExportOptions, parseExportOptions } from "./export-options.ts";
import { findModel } from "./find-model.ts";
import { checkFile, makeFolder } from "./output-place.ts";
import { type SingleFileWarning, singleFileWarnings } from "./single-file-warnings.ts";

export type ExportEvent =
  | ({ readonly type: "warning" } & SingleFileWarning)
  | { readonly type: "progress"; readonly bytes: number; readonly total: number }
  | { readonly type: "done"; readonly path: string; readonly bytes: number; readonly tensors: number };

const DTYPES = { fp16: "F16", bf16: "BF16", fp32: "F32" } as const;

/** Milliseconds between two events of progress. */
const EVERY = 250;

/**
 * Writes a single-file checkpoint, whole or not at all. One tensor is in memory at a time.
 *
 * @throws IllustriousError `bad_option`; what opening the model throws; `write_failed`; `cancelled` after an abort
 */
export async function* exportModel(
  input: ExportInput,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<ExportEvent, void> {
  const options = parseExportOptions(input);
  const place = await checkFile(options.out);
  const checkpoint = await openModel(options);
  refuseItself(checkpoint, place, options.out);
  for (const warning of await warningsOf(checkpoint)) yield { type: "warning", ...warning };

  const asked = options.dtype && DTYPES[options.dtype];
  const { types, widened } = await storedTypes(checkpoint, asked, signal);
  if (asked) for (const warning of widenedWarnings(widened, asked)) yield { type: "warning", ...warning };
  const tensors = tensorsOf(checkpoint, types);
  const total = tensors.reduce((sum, { dtype, shape }) => sum + byteLengthOf(dtype, shape)!, 0);
  let bytes = 0;
  let isLeft = false;
  const counted = tensors.map((tensor): TensorToWrite => {
    const { data } = tensor;
    return {
      ...tensor,
      async data() {
        if (signal?.aborted || isLeft)
          throw new IllustriousError("cancelled", `stopped after ${bytes} of ${total} bytes`);
        const read = typeof data === "function" ? await data() : data;
        bytes += read.length;
        return read;
      },
    };
  });
  await makeFolder(dirname(place));
  const writing = writeSafetensors(place, counted, singleFileMetadata(factsOf(checkpoint)));
  try {
    for await (const _ of ticks(writing, EVERY)) yield { type: "progress", bytes, total };
    await writing;
    yield { type: "progress", bytes, total };
  } finally {
    // Whoever stops to listen has the file as it was before.
    isLeft = true;
    await writing.catch(() => {});
  }
  yield { type: "done", path: options.out, bytes: total, tensors: tensors.length };
}

async function openModel({ model, vae, prediction, zeroSnr }: ExportOptions): Promise<Checkpoint> {
  const { path } = await findModel(model);
  return openCheckpoint(path, {
    ...(vae !== undefined && { vae: (await findModel(vae, process.env, "VAE")).path }),
    prediction: {
      ...(prediction !== "auto" && { prediction }),
      ...(zeroSnr !== "auto" && { zeroSnr: zeroSnr === "on" }),
    },
  });
}

function refuseItself({ files }: Checkpoint, place: string, out: string): void {
  if (!files.includes(place)) return;
  throw new IllustriousError("bad_option", `${out} is a file of the model itself`, "Give the new file another name.");
}

type StoredTypes = ReadonlyMap<WeightSource, WeightDType>;

/** What each weight is stored as. Where one could be too large for the asked type it is read, for a file's header comes before its numbers. */
async function storedTypes(
  { weights }: Checkpoint,
  asked: WeightDType | undefined,
  signal: AbortSignal | undefined,
): Promise<{ types: StoredTypes; widened: string[] }> {
  const types = new Map<WeightSource, WeightDType>();
  const widened: string[] = [];
  for (const component of COMPONENTS) {
    for (const [parameter, source] of weights[component] ?? []) {
      if (signal?.aborted) throw new IllustriousError("cancelled", "stopped while looking for the largest weights");
      const name = `${FOLDER[component]}.${parameter}`;
      const { dtype } = source;
      const holdsAll = asked === undefined || asked === "F32" || asked === dtype;
      const type = holdsAll
        ? (asked ?? dtype)
        : storableType(name, float32FromBytes(await readWeightBytes(source), dtype), asked);
      types.set(source, type);
      if (asked && type !== asked) widened.push(name);
    }
  }
  return { types, widened };
}

function tensorsOf({ configs, weights, prediction }: Checkpoint, types: StoredTypes): TensorToWrite[] {
  return singleFileTensors(
    configs,
    (component, name) => {
      const source = weights[component]?.get(name);
      return source && { ...storedWeight(source), storedAs: types.get(source)! };
    },
    marksOf(prediction),
  );
}

function factsOf({ path, configs, prediction, clues, zerosForEmptyPrompt }: Checkpoint) {
  const scheduler = agreeingScheduler(prediction, clues.scheduler?.json);
  const name = basename(resolve(path));
  return {
    configs,
    marks: marksOf(prediction),
    ...(scheduler !== undefined && { scheduler }),
    ...(zerosForEmptyPrompt !== undefined && { zerosForEmptyPrompt }),
    title: extname(name) === ".safetensors" ? basename(name, ".safetensors") : name,
    metadata: Object.fromEntries(clues.metadata),
  };
}

async function warningsOf(checkpoint: Checkpoint): Promise<SingleFileWarning[]> {
  const { configs, prediction: found, report, tokenizerFolders, weights } = checkpoint;
  const { prediction, confidence, conflicts } = found;
  const warnings: SingleFileWarning[] = conflicts.map((message) => ({
    message,
    hint: "Say what the model predicts: --prediction and --zero-snr.",
  }));
  if (confidence === "guess") {
    const message = `that the model predicts ${prediction} is a guess, so nothing in the file will say it`;
    warnings.push({
      message,
      hint: "State it with --prediction and --zero-snr; other programs take what is not marked for eps.",
    });
  }
  const { unknown } = report;
  if (unknown.length > 0) {
    const more = unknown.length > 3 ? ` and ${unknown.length - 3} more` : "";
    const message = `left out, for no network of SDXL has them: ${unknown.slice(0, 3).join(", ")}${more}`;
    warnings.push({ message, hint: "Pictures do not need them." });
  }
  if (!weights.vae)
    warnings.push({ message: "the model has no VAE, and the file will have none", hint: "Name one with --vae." });
  const levels = trainedLevels(found);
  const shift = levels?.betas ? undefined : levels?.shift;
  const carried = { configs, prediction, shift, ...(tokenizerFolders && { tokenizerFolders }) };
  return [...warnings, ...(await singleFileWarnings(carried))];
}
