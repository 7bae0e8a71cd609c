/** @file Writing safetensors files, with the bytes that the reference implementation writes. */

import { createHash } from "node:crypto";
import { IllustriousError, internalError } from "../../base/error.ts";
import { writeFileAtomic } from "../atomic-write.ts";
import { byteLengthOf, compareDTypes, type SafetensorsDType } from "./dtype.ts";
import { PREFIX_BYTES } from "./header.ts";

export type TensorToWrite = {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Little-endian and row-major; a function is called when its turn comes, so that not all need be in memory. */
  readonly data: Uint8Array | (() => Uint8Array | Promise<Uint8Array>);
};

export type SafetensorsMetadata = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

/**
 * Metadata that hold the SHA-256 of all tensors' bytes in the file's order, as 64 hexadecimal digits: known when the last
 * tensor is written, and written before the first. They must be as long with any other hash.
 */
export type HashedMetadata = (tensorsSha256: string) => SafetensorsMetadata;

/**
 * Writes a file whole or not at all (see `writeFileAtomic`).
 *
 * Tensors lie widest type first, then by name; the header is padded to 8 bytes, so that each tensor is aligned to its
 * element. Metadata is sorted by key, so that the same content gives the same bytes.
 *
 * @throws IllustriousError `bad_shape` when data, type and shape disagree; `bad_option` for names that the format cannot
 * hold or that come twice; `write_failed`
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata?: SafetensorsMetadata | HashedMetadata,
): Promise<void> {
  const metadataOf = typeof metadata === "function" ? metadata : undefined;
  const { header, sorted } = layOut(tensors, typeof metadata === "function" ? metadata("0".repeat(64)) : metadata);
  await writeFileAtomic(path, async (sink) => {
    const hash = metadataOf && createHash("sha256");
    await sink.write(header);
    for (const tensor of sorted) {
      const bytes = await bytesOf(tensor);
      hash?.update(bytes);
      await sink.write(bytes);
    }
    if (!metadataOf || !hash) return;
    const hashed = layOut(sorted, metadataOf(hash.digest("hex"))).header;
    if (hashed.length !== header.length) throw internalError("metadata whose length depends on the tensors' hash");
    await sink.rewriteStart(hashed);
  });
}

/** The same bytes, in memory. */
export async function encodeSafetensors(
  tensors: Iterable<TensorToWrite>,
  metadata?: SafetensorsMetadata,
): Promise<Uint8Array> {
  const { header, sorted, size } = layOut(tensors, metadata);
  const out = new Uint8Array(size);
  out.set(header);
  let at = header.length;
  for (const tensor of sorted) {
    const bytes = await bytesOf(tensor);
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

type Layout = { readonly header: Uint8Array; readonly sorted: readonly TensorToWrite[]; readonly size: number };

function layOut(tensors: Iterable<TensorToWrite>, metadata?: SafetensorsMetadata): Layout {
  const sorted = [...tensors].sort((a, b) => compareDTypes(a.dtype, b.dtype) || compareText(a.name, b.name));
  const fields: string[] = [];
  const pairs = [...(metadata instanceof Map ? metadata : Object.entries(metadata ?? {}))] as [string, string][];
  if (metadata !== undefined) fields.push(`"__metadata__":${metadataJson(pairs)}`);
  const names = new Set<string>();
  let end = 0;
  for (const { name, dtype, shape, data } of sorted) {
    checkName(name, names);
    const begin = end;
    end += checkedLength(name, dtype, shape, typeof data === "function" ? undefined : data.length);
    fields.push(`${json(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`);
  }
  const text = Buffer.from(`{${fields.join(",")}}`);
  const length = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, PREFIX_BYTES);
  return { header, sorted, size: header.length + end };
}

function checkName(name: string, names: Set<string>): void {
  if (name === "__metadata__") {
    throw new IllustriousError("bad_option", 'a tensor named "__metadata__"', "The format keeps this name for itself.");
  }
  if (names.has(name)) {
    throw new IllustriousError(
      "bad_option",
      `two tensors named ${JSON.stringify(name)}`,
      "Give each a name of its own.",
    );
  }
  names.add(name);
}

/** Bytes of a tensor, which `given` must agree with if it is known. */
function checkedLength(name: string, dtype: SafetensorsDType, shape: readonly number[], given?: number): number {
  const whole = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  const length = whole ? byteLengthOf(dtype, shape) : undefined;
  if (length !== undefined && (given ?? length) === length) return length;
  const what = `tensor ${JSON.stringify(name)}: ${dtype} [${shape}] takes ${length ?? "no whole number of"} bytes`;
  const but = given === undefined ? what : `${what}, and ${given} are given`;
  throw new IllustriousError("bad_shape", but, "Give a shape of whole numbers and exactly its elements.");
}

async function bytesOf({ name, dtype, shape, data }: TensorToWrite): Promise<Uint8Array> {
  const bytes = typeof data === "function" ? await data() : data;
  // An array that changed its length since would shift all that follow it.
  checkedLength(name, dtype, shape, bytes.length);
  return bytes;
}

function metadataJson(pairs: [string, string][]): string {
  pairs.sort(([a], [b]) => compareText(a, b));
  return `{${pairs.map(([key, value]) => `${json(key)}:${json(value)}`).join(",")}}`;
}

function json(text: string): string {
  if (!/\p{Surrogate}/u.test(text)) return JSON.stringify(text);
  const hint = "Half of a surrogate pair has no UTF-8; remove it.";
  throw new IllustriousError("bad_option", `${JSON.stringify(text.slice(0, 120))} is not a Unicode text`, hint);
}

/** By code points, as Rust orders strings; JavaScript's own order differs beyond U+FFFF. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
