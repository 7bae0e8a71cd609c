/** @file What is in a run's folder, by which two runs are told to be equal. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pngChunks } from "../../src/formats/png/chunks.ts";

const WHEN = ["modelspec.date", "ss_training_started_at", "ss_training_finished_at"];

/** A hash of what a file is, but for when it was made: a model's header has the date, and a preview's text the model's hash. */
function contentOf(path: string): string {
  const bytes = readFileSync(path);
  const hash = createHash("sha256");
  if (path.endsWith(".png")) {
    for (const { type, data } of pngChunks(bytes))
      if (!["tEXt", "zTXt", "iTXt"].includes(type)) hash.update(type).update(data);
    return hash.digest("hex");
  }
  if (!path.endsWith(".safetensors")) return hash.update(bytes).digest("hex");
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, end));
  for (const key of WHEN) delete header.__metadata__?.[key];
  return hash.update(JSON.stringify(header)).update(bytes.subarray(end)).digest("hex");
}

/** By path below the folder. */
export function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length), contentOf(path)]),
  );
}
