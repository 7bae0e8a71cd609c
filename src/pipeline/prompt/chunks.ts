/**
 * @file From weighted text to chunks: the 77 ids that a text encoder reads at once, of which 75 are text. Both encoders get the same
 * text in the same chunk; they differ only in what fills the rest, the first encoder's own end token and zeros for the second.
 *
 * A1111 fills chunks token by token, but moves what follows the last comma to the next chunk if that is at most 20 tokens; BREAK
 * ends a chunk. ComfyUI keeps a run of text of one weight and up to 7 tokens in one piece and cuts longer ones where the chunk is full.
 */

import type { Tokenizer } from "../../models/sdxl/tokenizer.ts";
import type { Segment } from "./segments.ts";

/** Ids of a chunk, with start and end. */
export const CHUNK = 77;
const TEXT = CHUNK - 2;

export type PromptChunk = {
  /** First encoder: start, text, end, then the end token again. */
  readonly ids: Int32Array;
  /** Second encoder: the same, but zeros after the first end token. */
  readonly ids2: Int32Array;
  /** One a token; start, end and padding weigh 1. */
  readonly weights: Float32Array;
  /** Index of the first end token, where the pooled output is read. */
  readonly end: number;
};

type Token = { readonly id: number; readonly weight: number };

export function emptyChunk(tokenizer: Tokenizer): PromptChunk {
  return finish([], tokenizer);
}

/**
 * `commaBacktrack` is A1111's `comma_padding_backtrack`, in tokens, which captions in training have, too; 0 cuts at the 75th
 * whatever it is, as sd-scripts does. Source: `modules/sd_hijack_clip.py`, tokenize_line.
 */
export function chunkA1111(segments: readonly Segment[], tokenizer: Tokenizer, commaBacktrack = 20): PromptChunk[] {
  const comma = tokenizer.encode(",")[0];
  const chunks: PromptChunk[] = [];
  let tokens: Token[] = [];
  let lastComma = -1;
  const next = (): void => {
    chunks.push(finish(tokens, tokenizer));
    tokens = [];
    lastComma = -1;
  };
  for (const { text, weight, isBreak } of segments) {
    if (isBreak) {
      next();
      continue;
    }
    for (const id of tokenizer.encode(text)) {
      const isFull = tokens.length === TEXT;
      if (id === comma) lastComma = tokens.length;
      else if (isFull && commaBacktrack > 0 && lastComma >= 0 && TEXT - lastComma <= commaBacktrack) {
        const moved = tokens.splice(lastComma + 1);
        next();
        tokens = moved;
      }
      if (tokens.length === TEXT) next();
      tokens.push({ id, weight });
    }
  }
  if (tokens.length > 0 || chunks.length === 0) next();
  return chunks;
}

/** Runs shorter than this move to the next chunk as a whole. */
const LONG_RUN = 8;

/** Source: `comfy/sd1_clip.py`, tokenize_with_weights. */
export function chunkComfyUi(segments: readonly Segment[], tokenizer: Tokenizer): PromptChunk[] {
  const chunks: PromptChunk[] = [];
  let tokens: Token[] = [];
  const next = (): void => {
    chunks.push(finish(tokens, tokenizer));
    tokens = [];
  };
  const add = (run: readonly number[], weight: number): void => {
    const isLong = run.length >= LONG_RUN;
    let read = 0;
    while (run.length - read > TEXT - tokens.length) {
      const fits = isLong ? TEXT - tokens.length : 0;
      for (const id of run.slice(read, read + fits)) tokens.push({ id, weight });
      read += fits;
      next();
    }
    for (const id of run.slice(read)) tokens.push({ id, weight });
  };
  for (const { text, weight } of segments) add(tokenizer.encode(text), weight);
  next();
  return chunks;
}

function finish(tokens: readonly Token[], { start, end }: Tokenizer): PromptChunk {
  const ids = new Int32Array(CHUNK).fill(end);
  const weights = new Float32Array(CHUNK).fill(1);
  ids[0] = start;
  for (const [i, { id, weight }] of tokens.entries()) {
    ids[i + 1] = id;
    weights[i + 1] = weight;
  }
  const first = ids.indexOf(end);
  return { ids, ids2: ids.slice().fill(0, first + 1), weights, end: first };
}
