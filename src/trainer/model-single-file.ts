/** @file A whole trained model as one file, which A1111, Forge, ComfyUI and we read. It has no tokenizers. */

import { mkdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { bytesFromFloat32 } from "../base/float-bytes.ts";
import { writeSafetensors } from "../formats/safetensors/index.ts";
import { FOLDER } from "../models/sdxl/names.ts";
import { predictionMarks } from "../models/sdxl/prediction-marks.ts";
import { singleFileMetadata } from "../models/sdxl/single-file-metadata.ts";
import { singleFileTensors } from "../models/sdxl/single-file-tensors.ts";
import { storableType } from "../models/sdxl/storable.ts";
import { type FolderContents, ZEROS_FOR_EMPTY_PROMPT } from "./model-folder.ts";
import { schedulerConfig } from "./scheduler-config.ts";

/**
 * Returns the names of parameters that the type cannot hold and whose tensors are F32.
 *
 * @throws IllustriousError `bad_file` for values that are not finite
 */
export async function writeModelSingleFile(path: string, contents: FolderContents): Promise<string[]> {
  const { configs, networks, schedule, dtype, metadata } = contents;
  const marks = predictionMarks(schedule);
  const widened: string[] = [];
  const tensors = singleFileTensors(
    configs,
    (component, name) => {
      const values = networks[component].get(name)?.values;
      if (!values) return undefined;
      const full = `${FOLDER[component]}.${name}`;
      const storedAs = storableType(full, values, dtype);
      if (storedAs !== dtype) widened.push(full);
      return { dtype: "F32", storedAs, bytes: () => bytesFromFloat32(values, "F32") };
    },
    marks,
  );
  const facts = {
    configs,
    marks,
    scheduler: schedulerConfig(schedule),
    zerosForEmptyPrompt: ZEROS_FOR_EMPTY_PROMPT,
    title: basename(path, ".safetensors"),
    metadata,
  };
  await mkdir(dirname(path), { recursive: true });
  await writeSafetensors(path, tensors, singleFileMetadata(facts));
  return widened;
}
