/** @file What a model is, in sixteen digits: the same bytes give the same, wherever they lie. */

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileHashes } from "../file-hashes.ts";

/** Of a diffusers folder; cards, samples and figures beside them change no picture. */
const COMPONENTS = ["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae"];

/** Reads all of a model once; what was read is remembered until it changes. */
export async function modelHash(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return (await sha256(path)).slice(0, 16);
  const all = createHash("sha256");
  for (const name of await filesOf(path)) all.update(`${name}\n${await sha256(join(path, name))}\n`);
  return all.digest("hex").slice(0, 16);
}

async function filesOf(folder: string): Promise<string[]> {
  const inside = await Promise.all(
    COMPONENTS.map(async (component) => {
      const names = await readdir(join(folder, component)).catch(() => []);
      return names.sort().map((name) => join(component, name));
    }),
  );
  return ["model_index.json", ...inside.flat()];
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
