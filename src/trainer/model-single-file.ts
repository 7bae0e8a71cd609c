/** @file A whole trained model as one file, which A1111, Forge, ComfyUI and we read. It has no tokenizers. */

import { mkdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { bytesFromFloat32 } from "../base/float-bytes.ts";
import { writeSafetensors } from "../formats/safetensors/index.ts";
import { predictionMarks } from "../models/sdxl/prediction-marks.ts";
import { singleFileMetadata } from "../models/sdxl/single-file-metadata.ts";
import { singleFileTensors } from "../models/sdxl/single-file-tensors.ts";
import { type FolderContents, ZEROS_FOR_EMPTY_PROMPT } from "./model-folder.ts";
import { schedulerConfig } from "./scheduler-config.ts";

export async function writeModelSingleFile(path: string, contents: FolderContents): Promise<void> {
  const { configs, networks, schedule, dtype, metadata } = contents;
  const marks = predictionMarks(schedule);
  const tensors = singleFileTensors(
    configs,
    (component, name) => {
      const values = networks[component].get(name)?.values;
      return values && { dtype: "F32", bytes: () => bytesFromFloat32(values, "F32") };
    },
    marks,
    dtype,
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
}
