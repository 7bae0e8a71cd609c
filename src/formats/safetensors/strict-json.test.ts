/** @file Our JSON reader against `JSON.parse`, which accepts the same but for what is listed here. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonFault, type JsonValue, parseStrictJson } from "./strict-json.ts";

function plain(value: JsonValue): unknown {
  if (value.kind === "number") return Number(value.text);
  if (value.kind === "array") return value.items.map(plain);
  if (value.kind === "object") return Object.fromEntries([...value.entries].map(([key, item]) => [key, plain(item)]));
  return value.value;
}

function attempt<T>(run: () => T): { value: T } | undefined {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof JsonFault) return undefined;
    throw error;
  }
}

test("5,000 JSON values, spaced at random, are read as JSON.parse reads them", () => {
  const property = fc.property(fc.jsonValue({ depthSize: "medium" }), fc.nat(4), (value, indent) => {
    const text = JSON.stringify(value, null, indent);
    fc.pre(!/\\ud[89a-f]/.test(text));
    expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text));
  });
  fc.assert(property, { numRuns: 5000 });
});

const fragments = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  '"',
  "\\",
  '"a"',
  '"b":',
  "\\u00",
  "\\n",
  "\\\\",
  "41",
  "0",
  "-",
  "1.5",
  "e3",
  "true",
  "null",
  "nul",
  " ",
  "\n",
  "\u0000",
];

test("10,000 texts of fragments: refused where JSON.parse refuses", () => {
  let accepted = 0;
  const property = fc.property(
    fc.array(fc.constantFrom(...fragments), { minLength: 1, maxLength: 10 }),
    fc.boolean(),
    (pieces, quoted) => {
      const text = quoted ? `"${pieces.join("")}"` : pieces.join("");
      const theirs = attempt(() => JSON.parse(text));
      const ours = attempt(() => parseStrictJson(text));
      if (theirs) accepted++;
      // A key twice is the one thing here on which the two differ.
      if (theirs && !ours) expect(text.match(/"b"\s*:|"a"\s*:/g)!.length).toBeGreaterThan(1);
      else expect(ours && { value: plain(ours.value) }).toEqual(theirs);
    },
  );
  fc.assert(property, { numRuns: 10_000 });
  expect(accepted).toBeGreaterThan(250);
});
