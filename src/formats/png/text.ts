/**
 * @file The texts inside a PNG: what made the picture, under keys such as `parameters` (A1111) and `prompt` (ComfyUI).
 * Format: PNG (Third Edition), W3C 2025, §11.3.3.
 */

import { isUtf8 } from "node:buffer";
import { inflateSync } from "node:zlib";
import { IllustriousError } from "../../base/error.ts";
import { notPng, type PngChunk, pngChunk, pngChunks } from "./chunks.ts";

/** A key may come more than once in a file. */
export type PngText = readonly [key: string, value: string];

/** Guards against files made to exhaust memory: 242 kB of zTXt can unpack to 200 MB. */
const MAX_TEXTS = 64;
const MAX_UNPACKED = 16 * 2 ** 20;
const MAX_TOTAL = 32 * 2 ** 20;

/**
 * The texts that stand before the pixels, where every writer puts them, in the file's order.
 *
 * @throws IllustriousError `bad_file`: no PNG, a broken text, more than 64 of them, one of more than 16 MiB, or more than
 * 32 MiB together
 */
export function readPngText(png: Uint8Array): PngText[] {
  const texts: PngText[] = [];
  let total = 0;
  for (const chunk of pngChunks(png)) {
    if (chunk.type === "IDAT") break;
    if (!isText(chunk)) continue;
    if (texts.length === MAX_TEXTS) throw tooMuch(`more than ${MAX_TEXTS} texts`);
    const text = decodeText(chunk);
    total += text[1].length;
    if (total > MAX_TOTAL) throw tooMuch(`more than ${MAX_TOTAL} characters of text`);
    texts.push(text);
  }
  return texts;
}

/**
 * A copy of the picture with these texts. Texts that it had under the same keys are gone, wherever they stood; all other
 * chunks, and so the pixels, stay as they are.
 *
 * A value of Latin-1 letters becomes tEXt, any other iTXt, as Pillow does; so do Latin-1 letters whose bytes pass for
 * UTF-8 (`Ã©`). PNG text cannot hold a zero character, nor UTF-8 half a surrogate pair: each becomes U+FFFD. All else
 * reads back as it was.
 *
 * @throws IllustriousError `bad_file`: no PNG; `bad_option`: a key that PNG does not allow
 */
export function writePngText(png: Uint8Array, texts: Iterable<PngText>): Uint8Array {
  const wanted = [...texts];
  const keys = new Set(wanted.map(([key]) => key));
  const parts: Uint8Array[] = [png.subarray(0, 8)];
  let placed = false;
  for (const chunk of pngChunks(png)) {
    if (isText(chunk) && keys.has(splitKey(chunk).key)) continue;
    if (!placed && (chunk.type === "IDAT" || chunk.type === "IEND")) {
      for (const text of wanted) parts.push(encodeText(text));
      placed = true;
    }
    parts.push(png.subarray(chunk.start, chunk.end));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** One tEXt or iTXt chunk; see `writePngText`. */
export function encodeText([key, value]: PngText): Uint8Array {
  if (!isKey(key)) {
    const hint = "A key has 1 to 79 Latin-1 letters, without spaces at its ends or two in a row.";
    throw new IllustriousError("bad_option", `${JSON.stringify(key.slice(0, 120))} is no key of a PNG text`, hint);
  }
  const text = value.replace(/\0|\p{Surrogate}/gu, "\ufffd");
  if (decodePlain(Buffer.from(text, "latin1")) === text) {
    return pngChunk("tEXt", Buffer.from(`${key}\0${text}`, "latin1"));
  }
  // Neither compressed, nor with a language, nor with a translated key.
  const head = Buffer.from(`${key}\0\0\0\0\0`, "latin1");
  return pngChunk("iTXt", Buffer.concat([head, Buffer.from(text, "utf8")]));
}

function isText({ type }: PngChunk): boolean {
  return type === "tEXt" || type === "zTXt" || type === "iTXt";
}

function isKey(key: string): boolean {
  return /^[!-~\xa1-\xff](?: ?[!-~\xa1-\xff])*$/.test(key) && key.length <= 79;
}

function splitKey({ type, data, start }: PngChunk): { key: string; rest: Uint8Array } {
  const zero = data.indexOf(0);
  if (zero < 1 || zero > 79) throw notPng(`the ${type} chunk at byte ${start} has no key of 1 to 79 bytes`);
  return { key: latin1(data.subarray(0, zero)), rest: data.subarray(zero + 1) };
}

function decodeText(chunk: PngChunk): PngText {
  const { key, rest } = splitKey(chunk);
  if (chunk.type === "tEXt") return [key, decodePlain(bounded(rest, chunk))];
  if (chunk.type === "zTXt") return [key, decodePlain(unpack(rest[0], rest.subarray(1), chunk))];
  return [key, decodeInternational(rest, chunk)];
}

/** Latin-1 by the format. stable-diffusion.cpp and others write UTF-8 all the same, for which Latin-1 hardly ever passes. */
function decodePlain(bytes: Uint8Array): string {
  return isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8") : latin1(bytes);
}

/** Compression flag and method, language, translated key, each but the first two ended by a zero; then UTF-8. */
function decodeInternational(rest: Uint8Array, chunk: PngChunk): string {
  const language = rest.indexOf(0, 2);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) throw notPng(`the iTXt chunk at byte ${chunk.start} breaks off before its text`);
  const body = rest.subarray(translated + 1);
  const bytes = rest[0] === 0 ? bounded(body, chunk) : unpack(rest[1], body, chunk);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw notPng(`the iTXt chunk at byte ${chunk.start} is not UTF-8`);
  }
}

function bounded(bytes: Uint8Array, chunk: PngChunk): Uint8Array {
  if (bytes.length <= MAX_UNPACKED) return bytes;
  throw tooMuch(
    `the ${chunk.type} chunk at byte ${chunk.start} holds ${bytes.length} bytes, more than ${MAX_UNPACKED}`,
  );
}

function unpack(method: number | undefined, bytes: Uint8Array, chunk: PngChunk): Uint8Array {
  const where = `the ${chunk.type} chunk at byte ${chunk.start}`;
  if (method !== 0) throw notPng(`${where} is compressed by method ${method}, and there is only 0`);
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_UNPACKED });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw notPng(`${where} cannot be unpacked`);
    throw tooMuch(`${where} unpacks to more than ${MAX_UNPACKED} bytes`);
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function tooMuch(what: string): IllustriousError {
  const hint = "No program that makes pictures writes so much; strip the file's metadata if you trust the picture.";
  return new IllustriousError("bad_file", `a PNG file with too much text: ${what}`, hint);
}
