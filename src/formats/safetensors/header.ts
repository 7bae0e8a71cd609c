/**
 * @file The header of a safetensors file, checked: 8 bytes of length, then JSON that says where each tensor lies.
 *
 * Format: https://github.com/huggingface/safetensors#format. Everything is checked before anything is allocated or read,
 * because these files come from strangers. Stricter than the reference in two ways: a repeated key is an error, and sizes
 * end at 2^53, the last integers that JavaScript counts.
 */

import { IllustriousError } from "../../base/error.ts";
import { byteLengthOf, isSafetensorsDType, type SafetensorsDType } from "./dtype.ts";
import { JsonFault, type JsonValue, parseStrictJson } from "./strict-json.ts";

export type TensorEntry = {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
};

export type SafetensorsFile = {
  readonly path: string;
  /** Bytes of the whole file when its header was read. */
  readonly size: number;
  readonly metadata: ReadonlyMap<string, string>;
  /** By name, in the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
};

/** Bytes before the JSON: its length as an unsigned 64-bit little-endian integer. */
export const PREFIX_BYTES = 8;

/** The format's own limit. */
const FORMAT_MAX_HEADER = 100_000_000;

/** Ours, as huggingface.js has it. A full SDXL header takes 0.3 MB; one of 100 MB takes seconds to parse. */
const MAX_HEADER = 25_000_000;

/** A byte order mark stays in the text, to be refused as it is by the reference. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const METADATA_KEY = "__metadata__";

/**
 * Bytes of the JSON header that follows the prefix.
 *
 * @param prefix the first 8 bytes of the file, or all of a shorter one
 * @param fileSize bytes of the whole file
 * @param path for messages only
 * @throws IllustriousError `bad_file`
 */
export function headerLength(prefix: Uint8Array, fileSize: number, path: string): number {
  if (fileSize < PREFIX_BYTES || prefix.length < PREFIX_BYTES) {
    throw notSafetensors(path, `the file has ${fileSize} bytes, and the header's length alone takes ${PREFIX_BYTES}`);
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (length > FORMAT_MAX_HEADER) {
    throw notSafetensors(path, `it declares a header of ${length} bytes, and the format allows ${FORMAT_MAX_HEADER}`);
  }
  if (PREFIX_BYTES + length > fileSize) {
    throw notSafetensors(path, `it declares a header of ${length} bytes in a file of ${fileSize}`);
  }
  if (length > MAX_HEADER) {
    const hint = "A full SDXL checkpoint has 0.3 MB of header; save the tensors again with less metadata.";
    throw new IllustriousError(
      "bad_file",
      `${path}: a header of ${length} bytes, more than the ${MAX_HEADER} read`,
      hint,
    );
  }
  return length;
}

/**
 * Reads and checks the JSON header.
 *
 * @param header the JSON's bytes, without the prefix
 * @param fileSize bytes of the whole file, prefix and header included
 * @param path for messages, and kept in the result
 * @throws IllustriousError `bad_file`, naming the tensor at fault
 */
export function parseSafetensorsHeader(header: Uint8Array, fileSize: number, path = "(memory)"): SafetensorsFile {
  const root = parseJson(header, path);
  if (root.kind !== "object") throw notSafetensors(path, `the header is a JSON ${root.kind}, not an object`);
  const dataStart = PREFIX_BYTES + header.length;
  const entries: TensorEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of root.entries) {
    if (name === METADATA_KEY) metadata = parseMetadata(value, path);
    else entries.push(parseEntry(name, value, dataStart, path));
  }
  entries.sort((a, b) => a.offset - b.offset || a.length - b.length);
  checkTiling(entries, dataStart, fileSize, path);
  return { path, size: fileSize, metadata, tensors: new Map(entries.map((entry) => [entry.name, entry])) };
}

function parseJson(header: Uint8Array, path: string): JsonValue {
  let text: string;
  try {
    text = utf8.decode(header);
  } catch {
    throw notSafetensors(path, "the header is not UTF-8");
  }
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (error instanceof JsonFault)
      throw notSafetensors(path, `the header, at character ${error.at}: ${error.message}`);
    throw error;
  }
}

function parseMetadata(value: JsonValue, path: string): ReadonlyMap<string, string> {
  if (value.kind !== "object") throw notSafetensors(path, `${METADATA_KEY} is a JSON ${value.kind}, not an object`);
  const metadata = new Map<string, string>();
  for (const [key, item] of value.entries) {
    if (item.kind !== "string") {
      throw notSafetensors(path, `${METADATA_KEY} ${quoted(key)} is a JSON ${item.kind}, and only strings are allowed`);
    }
    metadata.set(key, item.value);
  }
  return metadata;
}

/** Fields other than the three are ignored, as the reference ignores them. */
function parseEntry(name: string, value: JsonValue, dataStart: number, path: string): TensorEntry {
  const fault = (what: string) => notSafetensors(path, `tensor ${quoted(name)}: ${what}`);
  if (value.kind !== "object") throw fault(`described by a JSON ${value.kind}, not an object`);
  const dtype = value.entries.get("dtype");
  if (dtype?.kind !== "string") throw fault("no dtype");
  if (!isSafetensorsDType(dtype.value)) throw fault(`unknown dtype ${quoted(dtype.value)}`);
  const shape = integers(value.entries.get("shape"));
  if (!shape) throw fault("its shape is not a list of integers from 0 to 2^53 - 1");
  const offsets = integers(value.entries.get("data_offsets"));
  const [begin, end] = offsets ?? [];
  if (begin === undefined || end === undefined || offsets?.length !== 2) {
    throw fault("its data_offsets are not two integers from 0 to 2^53 - 1");
  }
  const length = byteLengthOf(dtype.value, shape);
  if (length === undefined) throw fault(`${dtype.value} [${shape}] has no whole number of bytes below 2^53`);
  if (end - begin !== length) {
    throw fault(
      `${dtype.value} [${shape}] takes ${length} bytes, and its data_offsets [${begin}, ${end}] hold ${end - begin}`,
    );
  }
  const offset = dataStart + begin;
  if (!Number.isSafeInteger(offset + length)) throw fault(`its data ends at byte ${dataStart} + ${end}, beyond 2^53`);
  return { name, dtype: dtype.value, shape, offset, length };
}

function integers(value: JsonValue | undefined): number[] | undefined {
  if (value?.kind !== "array") return undefined;
  const out: number[] = [];
  for (const item of value.items) {
    if (item.kind !== "number" || !/^\d+$/.test(item.text)) return undefined;
    const number = Number(item.text);
    if (!Number.isSafeInteger(number)) return undefined;
    out.push(number);
  }
  return out;
}

/** No holes, in which other files could hide, no overlaps, by which a small file could claim much, and nothing behind. */
function checkTiling(sorted: readonly TensorEntry[], dataStart: number, fileSize: number, path: string): void {
  let end = dataStart;
  for (const { name, offset, length } of sorted) {
    if (offset !== end) {
      throw notSafetensors(
        path,
        `tensor ${quoted(name)} begins at byte ${offset}, where the one before ends at ${end}`,
      );
    }
    end = offset + length;
  }
  if (end !== fileSize) {
    throw notSafetensors(path, `its tensors end at byte ${end}, and the file has ${fileSize}`);
  }
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}...` : name);
}

function notSafetensors(path: string, why: string): IllustriousError {
  const hint = "Not a whole safetensors file: download it again, and compare its size or its sha256 with its source.";
  return new IllustriousError("bad_file", `${path}: ${why}`, hint);
}
