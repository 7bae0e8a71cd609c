/**
 * @file TFRecord, the framing of TensorBoard's files: records one after another, each its length (8 bytes), the masked
 * checksum of those, the data, and the masked checksum of the data; little-endian. TensorFlow,
 * `tensorflow/core/lib/io/record_writer.h`.
 */

import type { FileHandle } from "node:fs/promises";
import { readAt } from "../regular-file.ts";
import { maskedCrc32c } from "./crc32c.ts";

const HEAD = 12;
const TAIL = 4;

export function encodeRecord(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEAD + data.length + TAIL);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(data, HEAD);
  view.setUint32(HEAD + data.length, maskedCrc32c(data), true);
  return out;
}

export type StoredRecord = {
  data: Uint8Array;
  /** Bytes from the start of the file to the record's first and past its last. */
  start: number;
  end: number;
};

/**
 * The records of a file, up to its end or to the first that is not whole: what a killed process was writing, or what
 * the disk lost. One record is in memory at a time.
 *
 * @param size the file's, in bytes
 */
export async function* readRecords(file: FileHandle, size: number, path: string): AsyncGenerator<StoredRecord> {
  for (let start = 0; start + HEAD + TAIL <= size; ) {
    const head = viewOf(await readAt(file, start, HEAD, path));
    if (maskedCrc32c(bytesOf(head).subarray(0, 8)) !== head.getUint32(8, true)) return;
    const end = start + HEAD + Number(head.getBigUint64(0, true)) + TAIL;
    if (end > size) return;
    const body = await readAt(file, start + HEAD, end - start - HEAD, path);
    const data = body.subarray(0, body.length - TAIL);
    if (maskedCrc32c(data) !== viewOf(body).getUint32(data.length, true)) return;
    yield { data, start, end };
    start = end;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
