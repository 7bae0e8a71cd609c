/**
 * @file CLIP's tokenizer: text to the ids that both text encoders read.
 *
 * The ids are those of transformers' current CLIP tokenizer: NFC, lower case, split into words, byte pairs. Text is taken as typed:
 * no repair of broken encodings and no HTML entities, which older implementations undo. The rules are written here, and not taken
 * from a general library, because that one took 110 ms to construct, 40 µs a call and 41 s for a megabyte of digits; it is the
 * second opinion in the tests.
 */

import { builtInVocabulary, END, folderVocabulary, START, type Vocabulary } from "./vocabulary.ts";

export type Tokenizer = {
  /** Token ids of a text of any length, without start and end tokens. */
  encode(text: string): number[];
  /**
   * The text of ids, words separated by blanks, start and end tokens spelled out. Encoding it again gives the same ids, but for
   * ids that cut a character in two.
   */
  decode(ids: Iterable<number>): string;
  /** 49406 in every released model. */
  readonly start: number;
  /** 49407 in every released model; it also pads the first encoder's chunks. */
  readonly end: number;
};

/** Reads the tokenizer in `folder`, by default the built-in one. Throws `missing_file` or `bad_file`. */
export async function loadTokenizer(folder?: string): Promise<Tokenizer> {
  return createTokenizer(folder === undefined ? await builtInVocabulary() : await folderVocabulary(folder));
}

const SPECIAL = /(<\|startoftext\|>|<\|endoftext\|>)/;
const WORD = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

/** Words of a chunk's size or so recur; a text in one piece does not, and would only fill the memory. */
const CACHED_WORDS = 20_000;
const CACHED_LENGTH = 64;

export function createTokenizer(vocabulary: Vocabulary): Tokenizer {
  const { bytes, pairs, merged, start, end } = vocabulary;
  const ranks = new Map<number, number>();
  for (let rank = merged.length - 1; rank >= 0; rank--)
    ranks.set(pairKey(pairs[rank * 2]!, pairs[rank * 2 + 1]!), rank);
  const cache = new Map<string, readonly number[]>();
  let texts: Map<number, string> | undefined;

  const encodeWord = (word: string): readonly number[] => {
    const known = cache.get(word);
    if (known) return known;
    const utf8 = Buffer.from(word, "utf8");
    const symbols = Array.from(utf8, (byte, i) => bytes[i === utf8.length - 1 ? 256 + byte : byte]!);
    const ids = symbols.length === 1 ? symbols : mergeSymbols(symbols, ranks, merged);
    if (word.length > CACHED_LENGTH) return ids;
    if (cache.size >= CACHED_WORDS) cache.clear();
    cache.set(word, ids);
    return ids;
  };

  return {
    start,
    end,
    encode(text) {
      const ids: number[] = [];
      for (const part of text.split(SPECIAL)) {
        if (part === START) ids.push(start);
        else if (part === END) ids.push(end);
        else for (const word of normalise(part).match(WORD) ?? []) for (const id of encodeWord(word)) ids.push(id);
      }
      return ids;
    },
    decode(ids) {
      texts ??= tokenTexts(vocabulary);
      const latin1 = Array.from(ids, (id) => texts?.get(id) ?? END).join("");
      return Buffer.from(latin1.endsWith(" ") ? latin1.slice(0, -1) : latin1, "latin1").toString("utf8");
    },
  };
}

/** Lower case goes letter by letter: JavaScript alone would write a sigma that ends a word as "ς". */
const normalise = (text: string): string => text.normalize("NFC").replaceAll("Σ", "σ").toLowerCase();

const pairKey = (left: number, right: number): number => left * 2 ** 20 + right;

/** A heap entry is `rank * SLOTS + position`: lowest rank first, then leftmost. Longer words than this are past any text. */
const SLOTS = 2 ** 28;

/**
 * Byte-pair encoding (Sennrich et al. 2016, algorithm 1): the earliest merge of the list first, until none applies. A heap of the
 * pairs keeps it at n log n; an entry whose pair has gone is skipped when it comes up.
 */
function mergeSymbols(symbols: number[], ranks: ReadonlyMap<number, number>, merged: Int32Array): number[] {
  const count = symbols.length;
  const next = Int32Array.from(symbols, (_, i) => i + 1);
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  const rankAt = (i: number): number | undefined => {
    const j = i >= 0 ? next[i]! : count;
    return j < count ? ranks.get(pairKey(symbols[i]!, symbols[j]!)) : undefined;
  };
  const heap: number[] = [];
  const offer = (i: number): void => {
    const rank = rankAt(i);
    if (rank !== undefined) pushHeap(heap, rank * SLOTS + i);
  };
  for (let i = 0; i < count; i++) offer(i);
  while (heap.length > 0) {
    const entry = popHeap(heap);
    const rank = Math.floor(entry / SLOTS);
    const i = entry - rank * SLOTS;
    if (symbols[i] === GONE || rankAt(i) !== rank) continue;
    const j = next[i]!;
    symbols[i] = merged[rank]!;
    symbols[j] = GONE;
    next[i] = next[j]!;
    if (next[i]! < count) previous[next[i]!] = i;
    offer(previous[i]!);
    offer(i);
  }
  return symbols.filter((id) => id !== GONE);
}

const GONE = -1;

function pushHeap(heap: number[], entry: number): void {
  let child = heap.push(entry) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    if (heap[parent]! <= entry) break;
    heap[child] = heap[parent]!;
    child = parent;
  }
  heap[child] = entry;
}

function popHeap(heap: number[]): number {
  const first = heap[0]!;
  const entry = heap.pop()!;
  let parent = 0;
  while (heap.length > 0) {
    let child = parent * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= entry) break;
    heap[parent] = heap[child]!;
    parent = child;
  }
  if (heap.length > 0) heap[parent] = entry;
  return first;
}

/** Every token as bytes in a Latin-1 string, with a blank after the end of a word. */
function tokenTexts({ bytes, pairs, merged, start, end }: Vocabulary): Map<number, string> {
  const texts = new Map<number, string>();
  for (let byte = 0; byte < 256; byte++) {
    texts.set(bytes[byte]!, String.fromCharCode(byte));
    texts.set(bytes[256 + byte]!, `${String.fromCharCode(byte)} `);
  }
  for (let rank = 0; rank < merged.length; rank++) {
    texts.set(merged[rank]!, `${texts.get(pairs[rank * 2]!) ?? ""}${texts.get(pairs[rank * 2 + 1]!) ?? ""}`);
  }
  return texts.set(start, START).set(end, END);
}
