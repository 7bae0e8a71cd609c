import fc from "fast-check";
import { expect, test } from "vitest";
import { cpuTime } from "../../test/fixtures/formats/cpu-time.ts";
import { formatInfotext, parseInfotext } from "./infotext.ts";

const SAMPLE = `girl with an artist's beret, ((eyeshadow)), <lora:style:0.8>
(detailed:1.2), [a:b:0.5]
BREAK

sky
Negative prompt: ugly, (((deformed))), [blurry]
bad: hands
Steps: 28, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 965400086, Size: 832x1216, Model hash: 45dee52b10, \
Model: illustrious-v3.5, Prediction: v, Zero SNR: true, Sigmas: "inf, 14.6, 7, 0", CFG Rescale phi: 0.7, \
Lora hashes: "style: 0123456789ab, other: ba9876543210", Version: v1.10.1`;

test("an infotext as A1111 writes it, with our own keys", () => {
  const { prompt, negativePrompt, fields } = parseInfotext(SAMPLE);
  expect(prompt.split("\n")).toEqual([
    "girl with an artist's beret, ((eyeshadow)), <lora:style:0.8>",
    "(detailed:1.2), [a:b:0.5]",
    "BREAK",
    "",
    "sky",
  ]);
  expect(negativePrompt).toBe("ugly, (((deformed))), [blurry]\nbad: hands");
  expect(Object.fromEntries(fields)).toEqual({
    Steps: "28",
    Sampler: "Euler a",
    "Schedule type": "Karras",
    "CFG scale": "5.5",
    Seed: "965400086",
    Size: "832x1216",
    "Model hash": "45dee52b10",
    Model: "illustrious-v3.5",
    Prediction: "v",
    "Zero SNR": "true",
    Sigmas: "inf, 14.6, 7, 0",
    "CFG Rescale phi": "0.7",
    "Lora hashes": "style: 0123456789ab, other: ba9876543210",
    Version: "v1.10.1",
  });
  expect(formatInfotext({ prompt, negativePrompt, fields })).toBe(SAMPLE);
});

test.each([
  ["", "Template: {red|blue} hair\nNegative Template: bad"],
  [
    "of several lines",
    "Template:{red|blue} hair,\n(blue eyes:1.2), (red hair:1.1), (long hair:1.3)\n\nNegative Template:bad\nworse",
  ],
  ["of the negative prompt alone", "Negative Template: bad\n"],
])("behind the settings sd-dynamic-prompts appends its templates %s", (_, templates) => {
  expect(parseInfotext(`${SAMPLE}\n${templates}`)).toEqual(parseInfotext(SAMPLE));
});

test("a template in a prompt is part of it", () => {
  const prompt = "a\nTemplate: b\nNegative Template: c";
  expect(parseInfotext(`${prompt}\nSteps: 1, Seed: 2, Size: 8x8`)).toMatchObject({ prompt });
  expect(parseInfotext(prompt)).toMatchObject({ prompt });
});

test("Hashes are JSON as it stands, where Civitai looks for it, and read back", () => {
  // civitai/civitai, src/utils/metadata/automatic.metadata.ts
  const civitai = /, Hashes:\s*({[^}]+})/;
  const hashes = { model: "0123456789", "lora:a, b": "abcdef0123" };
  const text = formatInfotext({
    prompt: "x",
    fields: [
      ["Steps", 1],
      ["Hashes", JSON.stringify(hashes)],
      ["Version", "illustrious 1.2.3"],
    ],
  });
  expect(text).toBe('x\nSteps: 1, Hashes: {"model":"0123456789","lora:a, b":"abcdef0123"}, Version: illustrious 1.2.3');
  expect(JSON.parse(civitai.exec(text)![1]!)).toEqual(hashes);
  expect([...parseInfotext(text).fields]).toEqual([
    ["Steps", "1"],
    ["Hashes", JSON.stringify(hashes)],
    ["Version", "illustrious 1.2.3"],
  ]);
  // As A1111 writes it, with spaces; and what is quoted, cut off or no JSON is read as ever.
  const read = (value: string) =>
    parseInfotext(`x\nSteps: 1, Seed: 2, Size: 8x8, Hashes: ${value}, Z: 3`).fields.get("Hashes");
  expect(read('{"vae": "01", "model": "23"}')).toBe('{"vae": "01", "model": "23"}');
  expect(read('"{\\"model\\":\\"01\\"}"')).toBe('{"model":"01"}');
  expect(read('{"model": "01", "b')).toBe('{"model": "01"');
  expect(read("{a, b}")).toBe("{a");
  for (const value of ['{"a":"}"}', '{"a":{"b":1}}', "{}", '{"a":1}x', '{"a":\n1}']) {
    const { fields } = parseInfotext(
      formatInfotext({
        prompt: "x",
        fields: [
          ["Steps", 1],
          ["Seed", 2],
          ["Hashes", value],
          ["Zeta", 3],
        ],
      }),
    );
    expect(fields.get("Hashes")).toBe(value);
    expect(fields.get("Zeta")).toBe("3");
  }
});

test("values are quoted as A1111 quotes them, and where it would lose them", () => {
  const fields = {
    plain: "a b",
    comma: "a,b",
    colon: "a:b",
    line: "a\nb",
    empty: "",
    edge: " a",
    quote: '"a"',
    same: "same",
    é1: 7,
  };
  expect(formatInfotext({ prompt: "", fields: Object.entries(fields) })).toBe(
    'plain: a b, comma: "a,b", colon: "a:b", line: "a\\nb", empty: "", edge: " a", quote: "\\"a\\"", same, é1: 7',
  );
});

test("a field without a value is left out, and a key that no one could read back is refused", () => {
  expect(
    formatInfotext({
      prompt: "p",
      fields: [
        ["Clip skip", undefined],
        ["Seed", 1],
      ],
    }),
  ).toBe("p\nSeed: 1");
  for (const key of ["", "a", " ab", "-ab", "a,b", "a:b", "a.b", "a\nb", 'a"b']) {
    expect(() => formatInfotext({ prompt: "p", fields: [[key, 1]] })).toThrow(
      expect.objectContaining({ code: "bad_option" }),
    );
  }
});

test.each<[string, string, string, [string, string][]]>([
  ["", "", "", []],
  ["only a prompt", "only a prompt", "", []],
  ["a\nSteps: 1, Seed: 2", "a\nSteps: 1, Seed: 2", "", []],
  [
    "Steps: 1, Seed: 2, Size: 8x8",
    "",
    "",
    [
      ["Steps", "1"],
      ["Seed", "2"],
      ["Size", "8x8"],
    ],
  ],
  ["Negative prompt: b", "", "b", []],
  [
    "  a  \r\n b \r\nNegative prompt:b\r\nab: 1, cd: 2, ef: 3\r\n",
    "a\nb",
    "b",
    [
      ["ab", "1"],
      ["cd", "2"],
      ["ef", "3"],
    ],
  ],
  ["a\nNegative prompt: \n\nb\nNegative prompt: c", "a", "b\nc", []],
  ["\n\na\n\nb", "a\n\nb", "", []],
  [
    "p\naa: 1, bb: 2, cc: 3, aa: 4",
    "p",
    "",
    [
      ["aa", "4"],
      ["bb", "2"],
      ["cc", "3"],
    ],
  ],
  [
    "p\naa: , bb:2,cc:  3 ,dd",
    "p",
    "",
    [
      ["aa", ""],
      ["bb", "2"],
      ["cc", "3 "],
      ["dd", "dd"],
    ],
  ],
  [
    'p\naa: "x" y, bb: "", cc: "\\q", dd: "open',
    "p",
    "",
    [
      ["aa", '"x" y'],
      ["bb", ""],
      ["cc", '"\\q"'],
      ["dd", '"open'],
    ],
  ],
  [
    "p\n(x) -/ kk: 1, GFPGAN, bb: 2, cc: 3",
    "p",
    "",
    [
      ["kk", "1"],
      ["GFPGAN", "GFPGAN"],
      ["bb", "2"],
      ["cc", "3"],
    ],
  ],
  [
    "p\n__proto__: 1, constructor: 2, 幅 広: 3",
    "p",
    "",
    [
      ["__proto__", "1"],
      ["constructor", "2"],
      ["幅 広", "3"],
    ],
  ],
])("reads %j", (text, prompt, negativePrompt, fields) => {
  expect(parseInfotext(text)).toEqual({ prompt, negativePrompt, fields: new Map(fields) });
});

/** A1111's own expression, of quadratic time, in JavaScript's spelling. */
const A1111 = /\s*([\p{L}\p{N}_][\p{L}\p{N}_ \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/gsu;

function fieldsByExpression(line: string): Map<string, string> | undefined {
  const found = [...line.matchAll(A1111)];
  if (found.length < 3) return undefined;
  return new Map(
    found.map(([, key, value]) => {
      try {
        return [key!, /^".*"$/s.test(value!) ? JSON.parse(value!) : value!];
      } catch {
        return [key!, value!];
      }
    }),
  );
}

const piece = fc.constantFrom(
  ...[
    '"',
    "\\",
    ",",
    ":",
    ": ",
    ", ",
    " ",
    "-",
    "/",
    "a",
    "bc",
    "Key",
    "_",
    "é",
    "𝒜",
    "\ud83d",
    "\ude00",
    "😀",
    "\t",
    "1x2",
    '\\"',
    '": "',
    '",',
    "\\\\",
  ],
);

test("10,000 lines of fragments: the fields that A1111's expression finds", () => {
  const property = fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    // The sentinel keeps the text's end from being trimmed, and makes three fields of one.
    const line = `${pieces.join("")},ww:0,xx:1,yy:2,zz:3`;
    const expected = fieldsByExpression(line)!;
    const { fields } = parseInfotext(`prompt\n${line}`);
    // We read items without a colon besides, which the expression passes over.
    const shared = new Map([...fields].filter(([key, value]) => key !== value || expected.get(key) === value));
    expect(shared).toEqual(expected);
  });
  fc.assert(property, { numRuns: 10_000 });
});

const key = fc.stringMatching(/^[A-Za-zé0-9_][A-Za-zé0-9_ \-/]{1,12}$/).filter((k) => k.trim() === k);
const value = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.array(piece).map((p) => p.join("")),
  fc.integer().map(String),
);
const lines = fc
  .array(fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constantFrom("", "aa: 1, bb: 2, cc: 3", "a:b")))
  .map((all) =>
    all
      .flatMap((line) => line.split("\n"))
      .map((line) => line.trim())
      .filter((line) => !line.startsWith("Negative prompt:")),
  )
  .map((all) => all.join("\n").replace(/^\n+/, ""));

test("10,000 infotexts read back as they were written", () => {
  const fields = fc.uniqueArray(fc.tuple(key, value), { selector: ([k]) => k, minLength: 0, maxLength: 8 });
  const property = fc.property(lines, lines, fields, (prompt, negativePrompt, extra) => {
    const all = new Map([["Steps", "28"], ["Seed", "1"], ["Size", "8x8"], ...extra]);
    const text = formatInfotext({ prompt, negativePrompt, fields: all });
    expect(parseInfotext(text)).toEqual({ prompt, negativePrompt, fields: all });
  });
  fc.assert(property, { numRuns: 10_000 });
});

const MEGABYTE = 2 ** 20;
const fill = (unit: string) => unit.repeat(Math.ceil(MEGABYTE / unit.length));

test.each([
  ["letters", fill("a")],
  ["spaces between letters", `a${fill(" ")}a`],
  ["keys without values", fill("ab:")],
  ["open quotes", fill('ab:"')],
  ["open quotes and commas", fill('ab:",')],
  ["hashes that do not end", fill("Hashes: {")],
  ["hashes that are no JSON", fill("Hashes: {a}, ")],
  ["escaped quotes", `ab: "${fill('\\"')}`],
  ["one quoted value", `ab: "${fill("x")}", cd: 1, ef: 2`],
  ["commas", fill(",")],
  ["bare items", fill("ab, ")],
  ["colons", fill(":")],
  ["surrogates", fill("\ud83d")],
  ["letters beyond 16 bits", `${fill("𝒜")}:`],
  ["backslashes", `ab: "${fill("\\")}`],
  ["lines", fill("a\n")],
  ["empty lines", `a${fill("\n")}a`],
  ["negative prompts", fill("Negative prompt:\n")],
  ["a long prompt and fields", `${fill("a tag, ")}\nSteps: 1, Seed: 2, Size: 3x4`],
])("a megabyte takes linear time: %s", (_, text) => {
  const times = [1, 2, 3].map(() => cpuTime(() => parseInfotext(text)));
  // Measured 0 to 66 ms; quadratic would take minutes. Room for a busy machine.
  expect(Math.min(...times)).toBeLessThan(500);
});
