/**
 * @file CLIP's byte-pair vocabulary: from the built-in asset, or from a tokenizer's own files (`vocab.json` with `merges.txt`, or
 * `tokenizer.json`, as diffusers folders have them).
 *
 * A token is a run of bytes, with or without an end of word. In files a token is a string of GPT-2's byte alphabet, where the end of
 * a word is spelled `</w>`; here it is only its id, and a merge is a pair of ids.
 */

import { createHash } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { IllustriousError } from "../../base/error.ts";

export type Vocabulary = {
  /** Ids of the single bytes: 0 to 255 within a word, 256 to 511 at its end. A byte without a token has the id of `end`. */
  readonly bytes: Int32Array;
  /** Left and right id of each merge; an earlier merge wins. */
  readonly pairs: Int32Array;
  /** The id that each merge makes. */
  readonly merged: Int32Array;
  readonly start: number;
  readonly end: number;
};

export const START = "<|startoftext|>";
export const END = "<|endoftext|>";

const ASSET = new URL("../../../assets/clip-merges.u16.gz", import.meta.url);
const ASSET_SHA256 = "88d5677a60bb2d33e2c2b0e57fcd83b2b64fe832ff26e0395aff9a749db6f546";
/** The files that came with CLIP and that most folders repeat: known by their hashes, they need no parsing (140 ms). */
const RELEASED_VOCAB = "87718b2035abd343d017c9149c09fc91044f6079eded0c0b5957306bf92ab193";
const RELEASED_MERGES = "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a";
/** Ids stay below this: two of them then fit the integers of a number, as the tokenizer's keys need. */
const MAX_ID = 2 ** 20;

/** Bytes in the order of their ids: the printable ones first, which stand for themselves, then the rest, which take U+0100 and on. */
const isPrintable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
const everyByte: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte);
const byteOrder = [...everyByte.filter(isPrintable), ...everyByte.filter((byte) => !isPrintable(byte))];
const letterOf = (byte: number, index: number): string =>
  String.fromCharCode(isPrintable(byte) ? byte : 256 + index - 188);

/** The vocabulary of both of SDXL's encoders, 49,408 tokens, as released with CLIP. */
export async function builtInVocabulary(): Promise<Vocabulary> {
  const file = gunzipSync(await readFile(ASSET));
  const hash = sha256(file);
  if (hash !== ASSET_SHA256) {
    throw new IllustriousError(
      "bad_file",
      `built-in vocabulary: sha256 is ${hash}, ${ASSET_SHA256} expected`,
      "The installation is damaged: install the package again.",
    );
  }
  const pairs = Int32Array.from({ length: file.length / 2 }, (_, i) => file.readUInt16LE(i * 2));
  const merges = pairs.length / 2;
  const bytes = new Int32Array(512);
  for (const [id, byte] of byteOrder.entries()) {
    bytes[byte] = id;
    bytes[256 + byte] = 256 + id;
  }
  const merged = Int32Array.from({ length: merges }, (_, rank) => 512 + rank);
  return { bytes, pairs, merged, start: 512 + merges, end: 513 + merges };
}

/** Reads a tokenizer's folder. Throws `missing_file` when it has no vocabulary, `bad_file` when that makes no sense. */
export async function folderVocabulary(folder: string): Promise<Vocabulary> {
  const vocab = join(folder, "vocab.json");
  const merges = join(folder, "merges.txt");
  const whole = join(folder, "tokenizer.json");
  if ((await exists(vocab)) && (await exists(merges))) {
    const [words, list] = [await readFile(vocab), await readFile(merges)];
    if (sha256(words) === RELEASED_VOCAB && sha256(list) === RELEASED_MERGES) return builtInVocabulary();
    return fromStrings(parseJson(words, vocab), mergeLines(list.toString("utf8")), merges);
  }
  if (await exists(whole)) {
    const file = parseJson(await readFile(whole), whole) as { model?: { vocab?: unknown; merges?: unknown } } | null;
    const model = file?.model;
    if (!Array.isArray(model?.merges))
      throw bad(whole, "`model.merges` is not a list", "A CLIP tokenizer is of type BPE.");
    return fromStrings(model.vocab, model.merges, whole);
  }
  throw new IllustriousError(
    "missing_file",
    `${folder} holds neither vocab.json with merges.txt nor tokenizer.json`,
    "Name the folder that has them, or name none to use the built-in vocabulary, which every SDXL model shares.",
  );
}

/** `merges` as "left right" or [left, right]; `file` names the culprit in errors. */
function fromStrings(vocab: unknown, merges: readonly unknown[], file: string): Vocabulary {
  if (typeof vocab !== "object" || vocab === null) throw bad(file, "the vocabulary is not an object");
  // A Map, for "constructor" is a word like any other.
  const ids = new Map<string, unknown>(Object.entries(vocab));
  const idOf = (token: string, where: string): number => {
    const id = ids.get(token);
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id < MAX_ID) return id;
    throw bad(file, `${where}: the vocabulary has ${JSON.stringify(id)} as id of ${JSON.stringify(token)}`);
  };
  const start = idOf(START, "start token");
  const end = idOf(END, "end token");
  const bytes = new Int32Array(512).fill(end);
  for (const [index, byte] of byteOrder.entries()) {
    const letter = letterOf(byte, index);
    if (ids.has(letter)) bytes[byte] = idOf(letter, `byte ${byte}`);
    if (ids.has(`${letter}</w>`)) bytes[256 + byte] = idOf(`${letter}</w>`, `byte ${byte} at the end of a word`);
  }
  const pairs = new Int32Array(merges.length * 2);
  const merged = new Int32Array(merges.length);
  for (const [rank, merge] of merges.entries()) {
    const [left, right, ...rest] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    if (typeof left !== "string" || typeof right !== "string" || rest.length > 0)
      throw bad(file, `merge ${rank} is ${JSON.stringify(merge)}, not two tokens`);
    pairs[rank * 2] = idOf(left, `merge ${rank}`);
    pairs[rank * 2 + 1] = idOf(right, `merge ${rank}`);
    merged[rank] = idOf(left + right, `merge ${rank}`);
  }
  return { bytes, pairs, merged, start, end };
}

function mergeLines(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines.filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
}

function parseJson(bytes: Buffer, file: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw bad(file, `not JSON: ${(cause as SyntaxError).message}`);
  }
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

function bad(file: string, what: string, hint?: string): IllustriousError {
  return new IllustriousError(
    "bad_file",
    `${file}: ${what}`,
    hint ?? "Copy the file again from the model it belongs to.",
  );
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
