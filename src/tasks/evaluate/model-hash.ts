/** @file What a model is, in sixteen digits: the same bytes give the same, wherever they lie. */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { componentFiles } from "../component-files.ts";
import { fileHashes } from "../file-hashes.ts";

/** Reads all of a model once; what was read is remembered until it changes. */
export async function modelHash(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return (await sha256(path)).slice(0, 16);
  const all = createHash("sha256");
  for (const name of ["model_index.json", ...(await componentFiles(path))])
    all.update(`${name}\n${await sha256(join(path, name))}\n`);
  return all.digest("hex").slice(0, 16);
}

async function sha256(path: string): Promise<string> {
  if (path.endsWith(".safetensors")) {
    const reading = fileHashes(path);
    for (;;) {
      const { done, value } = await reading.next();
      if (done) return value.sha256;
    }
  }
  const bytes = await readFile(path).catch(() => new Uint8Array());
  return createHash("sha256").update(bytes).digest("hex");
}
