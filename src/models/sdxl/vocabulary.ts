/**
 * @file CLIP's byte-pair vocabulary: from the built-in asset, or from a tokenizer's own files (`vocab.json` with `merges.txt`, or
 * `tokenizer.json`, as diffusers folders have them).
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { IllustriousError } from "../../base/error.ts";
import { exists } from "../../formats/exists.ts";

/** As Hugging Face's files have it: tokens are strings of GPT-2's byte alphabet, a word's end is spelled `</w>`. */
export type Vocabulary = {
  readonly vocab: Readonly<Record<string, number>>;
  /** "left right"; an earlier merge wins. */
  readonly merges: readonly string[];
  readonly start: number;
  readonly end: number;
};

export const START = "<|startoftext|>";
export const END = "<|endoftext|>";

const ASSET = new URL("../../../assets/clip-merges.u16.gz", import.meta.url);
const ASSET_SHA256 = "88d5677a60bb2d33e2c2b0e57fcd83b2b64fe832ff26e0395aff9a749db6f546";

/** Bytes in the order of their ids: the printable ones first, which stand for themselves, then the rest, which take U+0100 and on. */
const isPrintable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
const everyByte: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte);
const alphabet: readonly string[] = [
  ...everyByte.filter(isPrintable).map((byte) => String.fromCharCode(byte)),
  ...everyByte.filter((byte) => !isPrintable(byte)).map((_, i) => String.fromCharCode(256 + i)),
];

/** The vocabulary of both of SDXL's encoders, 49,408 tokens, as released with CLIP. */
export async function builtInVocabulary(): Promise<Vocabulary> {
  const file = gunzipSync(await readFile(ASSET));
  const hash = createHash("sha256").update(file).digest("hex");
  if (hash !== ASSET_SHA256) {
    throw new IllustriousError(
      "bad_file",
      `built-in vocabulary: sha256 is ${hash}, ${ASSET_SHA256} expected`,
      "The installation is damaged: install the package again.",
    );
  }
  // Every token has an id when it is made: the bytes, the bytes at a word's end, then one a merge, in order.
  const tokens = [...alphabet, ...alphabet.map((letter) => `${letter}</w>`)];
  const merges: string[] = [];
  for (let at = 0; at < file.length; at += 4) {
    const left = tokens[file.readUInt16LE(at)]!;
    const right = tokens[file.readUInt16LE(at + 2)]!;
    merges.push(`${left} ${right}`);
    tokens.push(left + right);
  }
  tokens.push(START, END);
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  return { vocab, merges, start: tokens.length - 2, end: tokens.length - 1 };
}

/** Reads a tokenizer's folder. Throws `missing_file` when it has no vocabulary, `bad_file` when that makes no sense. */
export async function folderVocabulary(folder: string): Promise<Vocabulary> {
  const vocab = join(folder, "vocab.json");
  const merges = join(folder, "merges.txt");
  const whole = join(folder, "tokenizer.json");
  if ((await exists(vocab)) && (await exists(merges))) {
    const lines = (await readFile(merges, "utf8")).split("\n").map((line) => line.trimEnd());
    const list = lines.filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
    return checked(parseJson(await readFile(vocab, "utf8"), vocab), list, merges);
  }
  if (await exists(whole)) {
    const file = parseJson(await readFile(whole, "utf8"), whole) as {
      model?: { vocab?: unknown; merges?: unknown };
    } | null;
    const model = file?.model;
    if (!Array.isArray(model?.merges))
      throw bad(whole, "`model.merges` is not a list", "A CLIP tokenizer is of type BPE.");
    return checked(model.vocab, model.merges, whole);
  }
  throw new IllustriousError(
    "missing_file",
    `${folder} holds neither vocab.json with merges.txt nor tokenizer.json`,
    "Name the folder that has them, or name none to use the built-in vocabulary, which every SDXL model shares.",
  );
}

/** `list` as "left right" or [left, right]; `file` names the culprit in errors. */
function checked(vocab: unknown, list: readonly unknown[], file: string): Vocabulary {
  if (typeof vocab !== "object" || vocab === null) throw bad(file, "the vocabulary is not an object");
  // A Map, for "constructor" is a word like any other.
  const ids = new Map<string, unknown>(Object.entries(vocab));
  const idOf = (token: string, where: string): number => {
    const id = ids.get(token);
    if (typeof id === "number" && Number.isInteger(id) && id >= 0) return id;
    throw bad(file, `${where}: the vocabulary has ${JSON.stringify(id)} as id of ${JSON.stringify(token)}`);
  };
  const [start, end] = [idOf(START, "start token"), idOf(END, "end token")];
  const merges = list.map((merge, rank) => {
    const [left, right, ...rest] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    if (typeof left !== "string" || typeof right !== "string" || rest.length > 0)
      throw bad(file, `merge ${rank} is ${JSON.stringify(merge)}, not two tokens`);
    for (const token of [left, right, left + right]) idOf(token, `merge ${rank}`);
    return `${left} ${right}`;
  });
  return { vocab: vocab as Record<string, number>, merges, start, end };
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw bad(file, `not JSON: ${(cause as SyntaxError).message}`);
  }
}

function bad(file: string, what: string, hint?: string): IllustriousError {
  return new IllustriousError(
    "bad_file",
    `${file}: ${what}`,
    hint ?? "Copy the file again from the model it belongs to.",
  );
}
