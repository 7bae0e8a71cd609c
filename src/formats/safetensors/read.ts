/** @file Reading safetensors files: the header at once, tensors one at a time and only on request. */

import { IllustriousError } from "../../base/error.ts";
import { float32FromBfloat16, float32FromFloat16 } from "../../base/half.ts";
import { KIND_BYTES, refuseUnlessSafetensors } from "../file-kind.ts";
import { readAt, withRegularFile } from "../regular-file.ts";
import type { SafetensorsDType } from "./dtype.ts";
import {
  headerLength,
  PREFIX_BYTES,
  parseSafetensorsHeader,
  type SafetensorsFile,
  type TensorEntry,
} from "./header.ts";

/**
 * Reads and checks the header of a file; no tensor is read. `path` is kept as given, relative or not.
 *
 * @throws IllustriousError `missing_file`; `pickle_refused`; `bad_file`
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return withRegularFile(path, async (handle, size) => {
    const start = await readAt(handle, 0, Math.min(size, KIND_BYTES), path);
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
  return withRegularFile(file.path, (handle, size) => {
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
