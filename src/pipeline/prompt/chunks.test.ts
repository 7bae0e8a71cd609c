import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadTokenizer } from "../../models/sdxl/tokenizer.ts";
import { chunkA1111, chunkComfyUi, emptyChunk, type PromptChunk } from "./chunks.ts";
import { parseA1111 } from "./grammar-a1111.ts";
import { parseComfyUi } from "./grammar-comfyui.ts";
import type { Segment } from "./segments.ts";

type Golden = { ids_1: number[]; ids_2: number[]; weights: number[] };
type Case = { prompt: string; chunks: Golden[]; literal?: { chunks: Golden[] } };
const fixture = join(import.meta.dirname, "../../../test/fixtures/conditioning.json.gz");
const goldens: { a1111: Case[]; comfy: Case[] } = JSON.parse(gunzipSync(readFileSync(fixture)).toString("utf8"));

const tokenizer = await loadTokenizer();
const { start, end } = tokenizer;
const text = (value: string): Segment => ({ text: value, weight: 1, isBreak: false });
const asGolden = ({ ids, ids2, weights }: PromptChunk) => ({
  ids_1: [...ids],
  ids_2: [...ids2],
  weights: [...weights],
});
const rounded = (chunk: Golden) => ({ ...chunk, weights: [...Float32Array.from(chunk.weights)] });
/** The text's ids alone. */
const words = ({ ids, end: at }: PromptChunk): number[] => [...ids.subarray(1, at)];
const lengths = (chunks: readonly PromptChunk[]): number[] => chunks.map((chunk) => words(chunk).length);

describe("goldens", () => {
  test.each(goldens.a1111)("A1111: $prompt", ({ prompt, chunks, literal }) => {
    expect(chunkA1111(parseA1111(prompt).segments, tokenizer).map(asGolden)).toEqual(chunks.map(rounded));
    if (literal) expect(chunkA1111([text(prompt)], tokenizer).map(asGolden)).toEqual(literal.chunks.map(rounded));
  });

  test.each(goldens.comfy)("ComfyUI: $prompt", ({ prompt, chunks }) => {
    expect(chunkComfyUi(parseComfyUi(prompt).segments, tokenizer).map(asGolden)).toEqual(chunks.map(rounded));
  });
});

describe("A1111", () => {
  const chunk = (prompt: string, backtrack?: number) => chunkA1111(parseA1111(prompt).segments, tokenizer, backtrack);

  test("an empty prompt is one chunk, of start, end and padding", () => {
    for (const chunks of [chunk(""), chunk("  \n"), chunkComfyUi([], tokenizer), [emptyChunk(tokenizer)]]) {
      expect(chunks.length).toBe(1);
      expect([...chunks[0]!.ids]).toEqual([start, ...Array(76).fill(end)]);
      expect([...chunks[0]!.ids2]).toEqual([start, end, ...Array(75).fill(0)]);
      expect(chunks[0]!.end).toBe(1);
    }
  });

  test("75 tokens fit, 76 do not", () => {
    expect(lengths(chunk("word ".repeat(75)))).toEqual([75]);
    expect(lengths(chunk("word ".repeat(76)))).toEqual([75, 1]);
    expect(lengths(chunk("word ".repeat(750)))).toEqual(Array(10).fill(75));
  });

  // A comma at index c of a full chunk has 74 - c tokens behind it; those move when 75 - c is at most the backtrack.
  test.each([
    { comma: 55, backtrack: 20, expected: [56, 44] },
    { comma: 54, backtrack: 20, expected: [75, 25] },
    { comma: 74, backtrack: 20, expected: [75, 25] },
    { comma: 55, backtrack: 0, expected: [75, 25] },
    { comma: 30, backtrack: 75, expected: [31, 69] },
  ])("comma at $comma, backtrack $backtrack", ({ comma, backtrack, expected }) => {
    expect(lengths(chunk(`${"word ".repeat(comma)}, ${"word ".repeat(99 - comma)}`, backtrack))).toEqual(expected);
  });

  test("weights move along with their tokens", () => {
    const chunks = chunk(`${"word ".repeat(60)}, ${"word ".repeat(10)} (heavy ${"word ".repeat(10)}:1.5)`);
    expect(lengths(chunks)).toEqual([61, 21]);
    expect([...chunks[1]!.weights.subarray(0, 13)]).toEqual([1, ...Array(10).fill(1), 1.5, 1.5]);
  });

  test("an end token in the text ends it for the second encoder, whose pooled output is read there", () => {
    const [only] = chunk("a <|endoftext|> b");
    expect([...only!.ids.subarray(0, 5)]).toEqual([start, 320, end, 321, end]);
    expect([...only!.ids2.subarray(0, 5)]).toEqual([start, 320, end, 0, 0]);
    expect(only!.end).toBe(2);
  });
});

describe("ComfyUI", () => {
  const chunk = (prompt: string) => chunkComfyUi(parseComfyUi(prompt).segments, tokenizer);

  test("a short run of one weight moves as a whole, a long one is cut where the chunk is full", () => {
    const full = "word ".repeat(70);
    expect(lengths(chunk(`${full}(${"heavy ".repeat(5)}:1.2)`))).toEqual([75]);
    expect(lengths(chunk(`${full}(${"heavy ".repeat(7)}:1.2)`))).toEqual([70, 7]);
    expect(lengths(chunk(`${full}(${"heavy ".repeat(8)}:1.2)`))).toEqual([75, 3]);
    expect(lengths(chunk("word ".repeat(80)))).toEqual([75, 5]);
  });
});

test("whatever the segments: 77 ids, every token once and in order, only its own weight, padding as each encoder wants it", () => {
  const segment = fc.record({
    text: fc.oneof(
      fc
        .array(fc.constantFrom("word", ",", "girl,", "supercalifragilistic", "初音ミク"), { maxLength: 60 })
        .map((w) => w.join(" ")),
      fc.string({ unit: "grapheme", maxLength: 30 }),
    ),
    weight: fc.constantFrom(1, 1.1, 0.5, -2, 0),
    isBreak: fc.constant(false),
  });
  const segments = fc.array(
    fc.oneof({ weight: 6, arbitrary: segment }, fc.constant({ text: "BREAK", weight: 1, isBreak: true })),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(segments, fc.constantFrom(0, 5, 20, 75), (list, backtrack) => {
      const texts = list.filter(({ isBreak }) => !isBreak);
      const expected = texts.flatMap((s) => tokenizer.encode(s.text).map((id) => [id, Math.fround(s.weight)]));
      fc.pre(!expected.some(([id]) => id === end));
      for (const chunks of [chunkA1111(list, tokenizer, backtrack), chunkComfyUi(texts, tokenizer)]) {
        const found: number[][] = [];
        for (const { ids, ids2, weights, end: at } of chunks) {
          expect([ids.length, ids2.length, weights.length]).toEqual([77, 77, 77]);
          expect([ids[0], ids[at], ids2[at]]).toEqual([start, end, end]);
          expect([...ids2.subarray(0, at)]).toEqual([...ids.subarray(0, at)]);
          expect(ids.subarray(at).every((id) => id === end) && ids2.subarray(at + 1).every((id) => id === 0)).toBe(
            true,
          );
          expect(weights[0] === 1 && weights.subarray(at).every((weight) => weight === 1)).toBe(true);
          for (let i = 1; i < at; i++) found.push([ids[i]!, weights[i]!]);
        }
        expect(found).toEqual(expected);
      }
    }),
    { numRuns: 400 },
  );
});
