/** @file Reading safetensors files: the header at once, tensors one at a time and only on request. */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { IllustriousError } from "../../base/error.ts";
import { float32FromBfloat16, float32FromFloat16 } from "../../base/half.ts";
import { refuseUnlessSafetensors } from "../file-kind.ts";
import type { SafetensorsDType } from "./dtype.ts";
import {
  headerLength,
  PREFIX_BYTES,
  parseSafetensorsHeader,
  type SafetensorsFile,
  type TensorEntry,
} from "./header.ts";

/** Node reads at most 2 GiB in one call. */
const MAX_READ = 2 ** 30;

/**
 * Reads and checks the header of a file; no tensor is read. `path` is kept as given, relative or not.
 *
 * @throws IllustriousError `missing_file`; `pickle_refused`; `bad_file`
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return withFile(path, async (handle, size) => {
    const start = await readAt(handle, 0, Math.min(size, 512), path);
    refuseUnlessSafetensors(start, size, path);
    const length = headerLength(start.subarray(0, PREFIX_BYTES), size, path);
    const header = await readAt(handle, PREFIX_BYTES, length, path);
    return parseSafetensorsHeader(header, size, path);
  });
}

/** The same for a file that is already in memory. */
export function parseSafetensors(bytes: Uint8Array, path = "(memory)"): SafetensorsFile {
  const length = headerLength(bytes.subarray(0, PREFIX_BYTES), bytes.length, path);
  return parseSafetensorsHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), bytes.length, path);
}

/**
 * The bytes of one tensor, as they lie in the file (little-endian, row-major), in a buffer of their own.
 *
 * @throws IllustriousError `missing_weight`; `missing_file`; `bad_file`, also when the file changed since it was opened
 */
export async function readTensorBytes(file: SafetensorsFile, name: string): Promise<Uint8Array> {
  const entry = entryOf(file, name);
  return withFile(file.path, (handle, size) => {
    if (size === file.size) return readAt(handle, entry.offset, entry.length, file.path);
    const hint = "Something writes to this file while it is read; wait for that to end, then start again.";
    throw new IllustriousError("bad_file", `${file.path}: had ${file.size} bytes, now has ${size}`, hint);
  });
}

/**
 * One tensor as float32: F32 as it is, F16 and BF16 exactly, F64 rounded.
 *
 * @throws IllustriousError `unsupported` for other types; else as `readTensorBytes`
 */
export async function readFloat32(file: SafetensorsFile, name: string): Promise<Float32Array> {
  const { dtype } = entryOf(file, name);
  const decode = float32Decoders[dtype];
  if (!decode) {
    const hint = "Only F32, F16, BF16 and F64 weights are read: convert the file to one of them.";
    throw new IllustriousError(
      "unsupported",
      `${file.path}: tensor "${name}" is ${dtype}, not a float read here`,
      hint,
    );
  }
  const bytes = await readTensorBytes(file, name);
  return decode(bytes.buffer as ArrayBuffer);
}

/** Typed arrays take the machine's byte order; every machine that ONNX Runtime runs on is little-endian, as the file is. */
const float32Decoders: { readonly [D in SafetensorsDType]?: (buffer: ArrayBuffer) => Float32Array } = {
  F32: (buffer) => new Float32Array(buffer),
  F16: (buffer) => float32FromFloat16(new Uint16Array(buffer)),
  BF16: (buffer) => float32FromBfloat16(new Uint16Array(buffer)),
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
};

function entryOf(file: SafetensorsFile, name: string): TensorEntry {
  const entry = file.tensors.get(name);
  if (entry) return entry;
  const hint = "Is this the right file for this model? `tensors.keys()` lists what it holds.";
  throw new IllustriousError(
    "missing_weight",
    `${file.path}: no tensor "${name}" among its ${file.tensors.size}`,
    hint,
  );
}

async function withFile<T>(path: string, use: (handle: FileHandle, size: number) => Promise<T>): Promise<T> {
  const handle = await openForReading(path);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new IllustriousError("bad_file", `${path}: not a regular file`, "Name the file itself.");
    return await use(handle, found.size);
  } finally {
    await handle.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK (Windows has none), opening a named pipe would wait for a writer for ever.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new IllustriousError("missing_file", `${path}: no such file`, "Check the path.", { cause: error });
    }
    const hint = "Check the file's permissions.";
    throw new IllustriousError("bad_file", `${path}: cannot be opened (${code})`, hint, { cause: error });
  }
}

async function readAt(handle: FileHandle, offset: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(length - at, MAX_READ), offset + at);
    if (bytesRead === 0) {
      const hint = "Something shortened the file while it was read; start again.";
      throw new IllustriousError("bad_file", `${path}: ends at byte ${offset + at}, not ${offset + length}`, hint);
    }
    at += bytesRead;
  }
  return bytes;
}
