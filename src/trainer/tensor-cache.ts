/**
 * @file Tensors that take long to make, kept between runs: latents of pictures and states of texts. An entry's name is a hash of all
 * that it was made from, so what has changed never meets old values. What a disk has damaged since is noticed and made again.
 */

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { IllustriousError } from "../base/error.ts";
import { removeStrayTemporaries } from "../formats/atomic-write.ts";
import { openSafetensors, readFloat32, type SafetensorsFile, writeSafetensors } from "../formats/safetensors/index.ts";
import { hashOf } from "./content-hashes.ts";

export type CachedTensor = { readonly data: Float32Array; readonly shape: readonly number[] };

export type TensorCache = {
  /** `undefined` for what is not there, or not as it was written. */
  get(key: string): Promise<CachedTensor | undefined>;
  add(key: string, tensor: CachedTensor): Promise<void>;
  /** Writes what is not written yet. */
  flush(): Promise<void>;
};

/** So much is written at a time, and is in memory until then. */
const SHARD_BYTES = 32 * 2 ** 20;

/** @param folder `undefined` keeps everything in memory */
export async function openTensorCache(folder: string | undefined, shardBytes = SHARD_BYTES): Promise<TensorCache> {
  /** An entry may lie in several files: what was damaged in one was made again. */
  const written = new Map<string, SafetensorsFile[]>();
  const fresh = new Map<string, CachedTensor>();
  let bytes = 0;
  let writing: Promise<void> = Promise.resolve();
  const adopt = async (path: string) => {
    const file = await orNothing(openSafetensors(path));
    for (const name of file?.tensors.keys() ?? []) written.set(name, [file!, ...(written.get(name) ?? [])]);
  };
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true });
    await removeStrayTemporaries(folder);
    for (const name of await readdir(folder)) if (name.endsWith(".safetensors")) await adopt(join(folder, name));
  }

  async function write(): Promise<void> {
    if (folder === undefined || fresh.size === 0) return;
    const entries = [...fresh];
    // Named by what is in it: a run that is stopped and begun again does not write a shard twice.
    const path = join(folder, `${hashOf(entries.map(([key]) => key).join(" ")).slice(0, 16)}.safetensors`);
    const tensors = entries.map(([name, { data, shape }]) => ({
      name,
      dtype: "F32" as const,
      shape,
      data: bytesOf(data),
    }));
    await writeSafetensors(path, tensors, Object.fromEntries(entries.map(([key, tensor]) => [key, checksum(tensor)])));
    await adopt(path);
    for (const [key, { data }] of entries) {
      fresh.delete(key);
      bytes -= data.byteLength;
    }
  }

  /** One writing after another: others may add meanwhile. */
  function flush(): Promise<void> {
    const done = writing.then(write);
    writing = done.catch(() => {});
    return done;
  }

  return {
    async get(key) {
      const kept = fresh.get(key);
      if (kept) return kept;
      for (let files = written.get(key) ?? []; files.length > 0; files = files.slice(1)) {
        written.set(key, files);
        const found = await orNothing(read(files[0]!, key));
        if (found) return found;
      }
      written.delete(key);
      return undefined;
    },
    async add(key, tensor) {
      // The same picture may be asked for twice at a time.
      if (fresh.has(key)) return;
      fresh.set(key, tensor);
      bytes += tensor.data.byteLength;
      if (bytes >= shardBytes) await flush();
    },
    flush,
  };
}

/** What cannot be read, or not to its end, is as good as not there. */
async function orNothing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: unknown) => {
    if (error instanceof IllustriousError) return undefined;
    throw error;
  });
}

async function read(file: SafetensorsFile, key: string): Promise<CachedTensor | undefined> {
  const { shape } = file.tensors.get(key)!;
  const tensor = { data: await readFloat32(file, key), shape };
  // A file without checksums is believed.
  const told = file.metadata.get(key);
  return told === undefined || told === checksum(tensor) ? tensor : undefined;
}

function checksum({ data, shape }: CachedTensor): string {
  return crc32(bytesOf(data), crc32(shape.join(" ")))
    .toString(16)
    .padStart(8, "0");
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
