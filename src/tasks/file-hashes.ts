/** @file Hashes of model files, remembered: seven gigabytes take seconds to read, and the answer changes with the file only. */

import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { illustriousHome } from "../base/home.ts";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import { type HashProgress, hashModel, type ModelHashes } from "../formats/hash.ts";
import { makeFolder } from "./output-place.ts";

/** Yields progress while a file is read; returns at once when its hashes are known. */
export async function* fileHashes(path: string): AsyncGenerator<HashProgress, ModelHashes> {
  const memory = await memoryOf(path);
  const known = await readFile(memory, "utf8").catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as ModelHashes;
  const hashes = yield* hashModel(path);
  // A cache that cannot be written (a read-only home) costs time and nothing else.
  await makeFolder(join(illustriousHome(), "hashes"))
    .then(() => writeFileAtomic(memory, new TextEncoder().encode(JSON.stringify(hashes))))
    .catch(() => {});
  return hashes;
}

/** Another name for every path, size and time of change. */
async function memoryOf(path: string): Promise<string> {
  const real = await realpath(path);
  const { size, mtimeMs } = await stat(real);
  const key = createHash("sha256").update(`${real}\n${size}\n${mtimeMs}`).digest("hex");
  return join(illustriousHome(), "hashes", `${key.slice(0, 32)}.json`);
}
