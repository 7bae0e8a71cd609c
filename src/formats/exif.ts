/**
 * @file The texts of an EXIF block, by the keys that PNGs have for them. A1111, Forge and Civitai put the infotext into
 * UserComment; ComfyUI puts `prompt:…` and `workflow:…` into the camera's tags. Format: TIFF 6.0; EXIF 2.32, §4.6.5.
 */

import type { PngText } from "./png/index.ts";

const EXIF_IFD = 0x8769;
const USER_COMMENT = 0x9286;
const BYTES_OF_TYPE: Readonly<Record<number, number>> = { 1: 1, 2: 1, 4: 4, 7: 1 };
/** Guards against blocks made to be read for long. */
const MOST_ENTRIES = 256;
const MOST_BYTES = 16 * 2 ** 20;

type Entry = { readonly tag: number; readonly data: Uint8Array };

/** @param exif with or without the `Exif` mark in front; what is out of bounds in it is passed over */
export function exifTexts(exif: Uint8Array): PngText[] {
  const tiff = latin1(exif.subarray(0, 6)) === "Exif\0\0" ? exif.subarray(6, MOST_BYTES) : exif.subarray(0, MOST_BYTES);
  const order = latin1(tiff.subarray(0, 4));
  if (order !== "II*\0" && order !== "MM\0*") return [];
  const little = order.startsWith("I");
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const long = (at: number) => (at + 4 <= tiff.length ? view.getUint32(at, little) : tiff.length);

  function* entries(start: number): Generator<Entry> {
    const count = start + 2 <= tiff.length ? Math.min(view.getUint16(start, little), MOST_ENTRIES) : 0;
    for (let at = start + 2; at < start + 2 + 12 * count && at + 12 <= tiff.length; at += 12) {
      const bytes = (BYTES_OF_TYPE[view.getUint16(at + 2, little)] ?? 0) * long(at + 4);
      const from = bytes <= 4 ? at + 8 : long(at + 8);
      if (from + bytes <= tiff.length) {
        yield { tag: view.getUint16(at, little), data: tiff.subarray(from, from + bytes) };
      }
    }
  }

  const texts = new Map<string, string>();
  const main = [...entries(long(4))];
  for (const { data } of main) {
    const key = /^(prompt|workflow):/.exec(latin1(data.subarray(0, 9)))?.[1];
    if (key !== undefined && !texts.has(key)) texts.set(key, utf8(data.subarray(key.length + 1)).replace(/\0.*$/s, ""));
  }
  const pointer = main.find(({ tag, data }) => tag === EXIF_IFD && data.length === 4)?.data;
  const own = pointer === undefined ? [] : [...entries(long(pointer.byteOffset - tiff.byteOffset))];
  const comment = decodeComment(own.find(({ tag }) => tag === USER_COMMENT)?.data);
  // Civitai keeps ComfyUI's graphs there, too.
  const isGraph = comment.startsWith("{") && comment.includes('"class_type"');
  if (comment !== "") texts.set(isGraph ? "prompt" : "parameters", comment);
  return [...texts];
}

/** Eight bytes say how the rest is written. */
function decodeComment(data: Uint8Array = new Uint8Array()): string {
  const text = data.subarray(8);
  const isWide = latin1(data.subarray(0, 8)) === "UNICODE\0";
  return (isWide ? utf16(text) : utf8(text)).replace(/^\ufeff/, "").replace(/\0.*$/s, "");
}

/** Big-endian in A1111, whatever the block's order, and not everywhere: most letters are ASCII, whose high byte is zero. */
function utf16(bytes: Uint8Array): string {
  let high = 0;
  for (const [i, byte] of bytes.entries()) if (byte === 0) high += i % 2 === 0 ? 1 : -1;
  return new TextDecoder(high >= 0 ? "utf-16be" : "utf-16le").decode(bytes);
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
