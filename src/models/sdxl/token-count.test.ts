/** @file Counts of tokens are the lengths of what the tokenizer makes of the whole text. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { tokenCounter } from "./token-count.ts";
import { loadTokenizer } from "./tokenizer.ts";

test("as many as transformers' tokenizer has, text by text", async () => {
  const file = gunzipSync(readFileSync(join(import.meta.dirname, "../../../test/fixtures/tokenizer.json.gz")));
  const cases: { prompt: string; ids: number[] }[] = JSON.parse(file.toString("utf8"));
  const count = tokenCounter(await loadTokenizer());
  expect(cases.filter(({ prompt, ids }) => count(prompt) !== ids.length)).toEqual([]);
});

test("as many as the whole text's, for any text", async () => {
  const tokenizer = await loadTokenizer();
  const count = tokenCounter(tokenizer);
  const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 60 }), fc.string({ unit: "binary", maxLength: 60 }));
  fc.assert(
    fc.property(text, (value) => {
      expect(count(value)).toBe(tokenizer.encode(value).length);
    }),
    { numRuns: 300 },
  );
});
