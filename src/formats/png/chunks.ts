/**
 * @file The chunks of a PNG file: length, type, data, checksum, one after another behind a signature.
 * Format: PNG (Third Edition), W3C 2025, §5. Pixels are not decoded here.
 */

import { crc32 } from "node:zlib";
import { IllustriousError } from "../../base/error.ts";

export type PngChunk = {
  /** Four letters. */
  readonly type: string;
  /** A view of the file's bytes, not a copy. */
  readonly data: Uint8Array;
  /** Bytes from the start of the file to the chunk's length field, and to the end of its checksum. */
  readonly start: number;
  readonly end: number;
};

export const PNG_SIGNATURE: Uint8Array = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A chunk's bytes besides its data: length and type before, checksum behind. */
const FRAME = 12;

/** The format's limit for a chunk, so that readers may use signed integers. */
const MAX_DATA = 2 ** 31 - 1;

/**
 * Walks the chunks up to and including IEND, as far as the caller asks; what follows IEND is not looked at.
 * Checksums are compared for all but IDAT, whose own stream has one and which may be large.
 *
 * @throws IllustriousError `bad_file` when this is no PNG, or where it breaks off
 */
export function* pngChunks(png: Uint8Array): Generator<PngChunk> {
  if (!PNG_SIGNATURE.every((byte, i) => png[i] === byte)) throw notPng("it does not begin with PNG's signature");
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  let first = true;
  for (let start = PNG_SIGNATURE.length; ; ) {
    if (start + FRAME > png.length) throw notPng(`it ends at byte ${png.length}, before its IEND chunk`);
    const length = view.getUint32(start);
    const end = start + FRAME + length;
    if (length > MAX_DATA || end > png.length) {
      throw notPng(`the chunk at byte ${start} declares ${length} bytes, and ${png.length - start - FRAME} follow`);
    }
    const type = Buffer.from(png.subarray(start + 4, start + 8)).toString("latin1");
    if (!/^[A-Za-z]{4}$/.test(type)) throw notPng(`at byte ${start} stands no chunk's type`);
    if (first && type !== "IHDR") throw notPng(`its first chunk is ${type}, not IHDR`);
    if (type !== "IDAT" && crc32(png.subarray(start + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw notPng(`the ${type} chunk at byte ${start} does not match its checksum`);
    }
    yield { type, data: png.subarray(start + 8, end - 4), start, end };
    if (type === "IEND") return;
    first = false;
    start = end;
  }
}

/** A whole chunk: length, type, data, checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  if (data.length > MAX_DATA) {
    const hint = "Leave something out, or write it to a file beside the picture.";
    throw new IllustriousError("bad_option", `a ${type} chunk of ${data.length} bytes; PNG allows ${MAX_DATA}`, hint);
  }
  const out = new Uint8Array(FRAME + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(Buffer.from(type, "latin1"), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

export function notPng(why: string): IllustriousError {
  return new IllustriousError("bad_file", `not a whole PNG file: ${why}`, "Take the picture from its source again.");
}
