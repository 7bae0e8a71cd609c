/** @file Captions to chunks of 77 tokens, as generation makes them, and to the rows that a step looks up. */

import type { Tokenizer } from "../models/sdxl/tokenizer.ts";
import { CHUNK, chunkA1111, type PromptChunk } from "../pipeline/prompt/chunks.ts";

/** Captions whose chunks are remembered. */
const REMEMBERED = 100_000;

/** A word in capitals that ends a chunk, as in prompts. Other signs of prompts (weights, editing) are plain text in captions. */
const BREAK = /\bBREAK\b/;

/** A caption as both encoders read it. */
export type CaptionText = {
  readonly chunks: readonly PromptChunk[];
  /** Whether it comes again word for word. */
  readonly recurs: boolean;
};

export type CaptionChunks = (caption: string) => readonly PromptChunk[];

export function captionChunks(tokenizer: Tokenizer): CaptionChunks {
  const known = new Map<string, readonly PromptChunk[]>();
  return (caption) => {
    const found = known.get(caption);
    if (found) return found;
    const texts = caption.split(BREAK);
    const segments = texts.flatMap((text, i) => [
      ...(i > 0 ? [{ text: "", weight: 1, isBreak: true }] : []),
      { text, weight: 1, isBreak: false },
    ]);
    const chunks = chunkA1111(segments, tokenizer);
    if (known.size >= REMEMBERED) known.clear();
    known.set(caption, chunks);
    return chunks;
  };
}

/** What one encoder reads of a batch of texts, all of so many chunks. */
export type WordRows = {
  /** [texts * chunks, 77] */
  readonly ids: Int32Array;
  readonly ids2: Int32Array;
  /** Each text's first end token, as a row of all texts' tokens. */
  readonly endRows: readonly number[];
  readonly chunks: number;
};

/** @param texts each of the same number of chunks */
export function wordRows(texts: readonly (readonly PromptChunk[])[]): WordRows {
  const chunks = texts[0]!.length;
  const ids = new Int32Array(texts.length * chunks * CHUNK);
  const ids2 = new Int32Array(ids.length);
  for (const [i, text] of texts.entries()) {
    for (const [k, chunk] of text.entries()) {
      ids.set(chunk.ids, (i * chunks + k) * CHUNK);
      ids2.set(chunk.ids2, (i * chunks + k) * CHUNK);
    }
  }
  const endRows = texts.map(([first], i) => i * chunks * CHUNK + first!.end);
  return { ids, ids2, endRows, chunks };
}

/** Rows of a table [vocabulary, width], one an id. */
export function lookUp(table: Float32Array, width: number, ids: Int32Array): Float32Array {
  const out = new Float32Array(ids.length * width);
  for (let i = 0; i < ids.length; i++) out.set(table.subarray(ids[i]! * width, (ids[i]! + 1) * width), i * width);
  return out;
}
