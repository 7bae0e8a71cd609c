/**
 * @file Latents of pictures, kept between runs. An entry's name is a hash of what it was made from: the file's content, the
 * part of it that is seen, and the encoder. So a changed picture or another encoder never meets old latents.
 */

import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors, readFloat32, type SafetensorsFile, writeSafetensors } from "../formats/safetensors/index.ts";
import type { Latents } from "../pipeline/vae.ts";

export type LatentCache = {
  has(key: string): boolean;
  /** Latents as the UNet sees them, scaled. */
  get(key: string): Promise<Latents>;
  add(key: string, latents: Latents): Promise<void>;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
};

/** Entries are written so many bytes at a time. */
const SHARD_BYTES = 32 * 2 ** 20;

/** @param folder `undefined` keeps everything in memory */
export async function openLatentCache(folder: string | undefined): Promise<LatentCache> {
  const written = new Map<string, SafetensorsFile>();
  let fresh = new Map<string, Latents>();
  let bytes = 0;
  const adopt = async (path: string) => {
    const file = await openSafetensors(path);
    for (const name of file.tensors.keys()) written.set(name, file);
  };
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) if (name.endsWith(".safetensors")) await adopt(join(folder, name));
  }

  async function flush(): Promise<void> {
    if (folder === undefined || fresh.size === 0) return;
    const keys = [...fresh.keys()];
    // Named by what is in it: a run that is stopped and begun again does not write a shard twice.
    const path = join(folder, `${hashOf(keys.join(" ")).slice(0, 16)}.safetensors`);
    await writeSafetensors(
      path,
      [...fresh].map(([name, { data, height, width }]) => ({
        name,
        dtype: "F32" as const,
        shape: [data.length / (height * width), height, width],
        data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    );
    await adopt(path);
    fresh = new Map();
    bytes = 0;
  }

  return {
    has: (key) => fresh.has(key) || written.has(key),
    async get(key) {
      const kept = fresh.get(key);
      if (kept) return kept;
      const file = written.get(key)!;
      const [, height, width] = file.tensors.get(key)!.shape as [number, number, number];
      return { data: await readFloat32(file, key), height, width };
    },
    async add(key, latents) {
      fresh.set(key, latents);
      bytes += latents.data.byteLength;
      if (bytes >= SHARD_BYTES) await flush();
    },
    flush,
  };
}

export function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Hashes of files' contents; a file of the same path, size and time of change is not read again. */
export type ContentHashes = { of(path: string): Promise<string> };

export async function openContentHashes(folder: string | undefined): Promise<ContentHashes> {
  const known = new Map<string, string>();
  const log = folder && join(folder, "contents.tsv");
  const text = log ? await readFile(log, "utf8").catch(() => "") : "";
  for (const line of text.split("\n")) {
    const [hash, key] = [line.slice(0, 64), line.slice(65)];
    // A torn last line has no key, or one that no file has.
    if (/^[0-9a-f]{64}$/.test(hash)) known.set(key, hash);
  }
  return {
    async of(path) {
      const { size, mtimeMs } = await stat(path);
      const key = `${size} ${mtimeMs} ${path}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const hash = hashOf(await readFile(path));
      known.set(key, hash);
      if (log && !/[\n\r]/.test(key)) await appendFile(log, `${hash}\t${key}\n`);
      return hash;
    },
  };
}
