import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseA1111 } from "./grammar-a1111.ts";
import { parseComfyUi } from "./grammar-comfyui.ts";
import type { Parsed, Segment } from "./segments.ts";

type Pair = [text: string, weight: number];
type Case = { prompt: string; parsed: Pair[] };
const fixture = join(import.meta.dirname, "../../../test/fixtures/conditioning.json.gz");
const goldens: { a1111: Case[]; comfy: Case[] } = JSON.parse(gunzipSync(readFileSync(fixture)).toString("utf8"));

/** As A1111 lists it: a break is ["BREAK", -1]. */
const pairs = ({ segments }: Parsed): Pair[] =>
  segments.map(({ text, weight, isBreak }) => [text, isBreak ? -1 : weight]);

describe("A1111", () => {
  const parse = (prompt: string) => pairs(parseA1111(prompt));

  test.each(goldens.a1111.map(({ prompt, parsed }) => ({ prompt, parsed })))(
    "golden: $prompt",
    ({ prompt, parsed }) => {
      expect(parse(prompt)).toEqual(parsed);
    },
  );

  // From the docstring of A1111's parse_prompt_attention.
  test.each<[string, Pair[]]>([
    ["normal text", [["normal text", 1]]],
    [
      "an (important) word",
      [
        ["an ", 1],
        ["important", 1.1],
        [" word", 1],
      ],
    ],
    ["(unbalanced", [["unbalanced", 1.1]]],
    ["\\(literal\\]", [["(literal]", 1]]],
    ["(unnecessary)(parens)", [["unnecessaryparens", 1.1]]],
    [
      "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
      [
        ["a ", 1],
        ["house", 1.5730000000000004],
        [" ", 1.1],
        ["on", 1],
        [" a ", 1.1],
        ["hill", 0.55],
        [", sun, ", 1.1],
        ["sky", 1.4641000000000006],
        [".", 1.1],
      ],
    ],
  ])("docstring: %s", (prompt, parsed) => expect(parse(prompt)).toEqual(parsed));

  test("what A1111 stops at is text, with a warning", () => {
    expect(parse("(a:1.2.3) b")).toEqual([
      ["a:1.2.3", 1.1],
      [" b", 1],
    ]);
    expect(parseA1111("(a:1.2.3)").warnings).toEqual(['"1.2.3" is not a number: ":1.2.3)" is read as text.']);
    expect(parse(`(a:${"9".repeat(400)})`)[0]![1]).toBe(1.1);
  });

  test.each([
    ["(a", /never closed/],
    ["a :( b [", /\(2 here\)/],
    ["(a BREAK b)", /BREAK inside brackets/],
    [`${"(".repeat(33)}a${")".repeat(33)}`, /nested deeper than 32/],
  ])("warns: %s", (prompt, warning) => {
    expect(parseA1111(prompt).warnings).toEqual([expect.stringMatching(warning)]);
  });

  test("what is well formed warns of nothing", () => {
    expect(parseA1111("masterpiece, (1girl:1.2), [solo], ((a)) BREAK \\(b\\), 16:9").warnings).toEqual([]);
  });

  test("a BREAK needs no spaces, but a word boundary, in any script", () => {
    expect(parse("a,BREAK,b")).toEqual([
      ["a,", 1],
      ["BREAK", -1],
      [",b", 1],
    ]);
    expect(parse("éBREAK")).toEqual([["éBREAK", 1]]);
    expect(parse("_BREAK BREAK_ BREAK2")).toEqual([["_BREAK BREAK_ BREAK2", 1]]);
  });
});

describe("ComfyUI", () => {
  const parse = (prompt: string) => pairs(parseComfyUi(prompt));

  test.each(goldens.comfy.map(({ prompt, parsed }) => ({ prompt, parsed })))(
    "golden: $prompt",
    ({ prompt, parsed }) => {
      expect(parse(prompt)).toEqual(parsed);
    },
  );

  // From the docstring of ComfyUI's token_weights, with the weights that the code gives.
  test.each<[string, Pair[]]>([
    ["(foo)", [["foo", 1.1]]],
    [
      "(foo)(bar)",
      [
        ["foo", 1.1],
        ["bar", 1.1],
      ],
    ],
    ["(foo:2.0)", [["foo", 2]]],
    ["((foo))", [["foo", 1.1 * 1.1]]],
    ["((foo):1.1)", [["foo", 1.1 * 1.1]]],
    ["((foo:1.1))", [["foo", 1.1]]],
    ["(foo:0.0)", [["foo", 0]]],
    ["((foo:1.0):0.0)", [["foo", 1]]],
    [
      "foo ((((lol (cat:666) attack:100)))) baz",
      [
        ["foo ", 1],
        ["lol ", 100],
        ["cat", 666],
        [" attack", 100],
        [" baz", 1],
      ],
    ],
    [
      "foo ((((lol (cat:666) attack):100))) baz",
      [
        ["foo ", 1],
        ["lol ", 100 * 1.1],
        ["cat", 666],
        [" attack", 100 * 1.1],
        [" baz", 1],
      ],
    ],
  ])("docstring: %s", (prompt, parsed) => expect(parse(prompt)).toEqual(parsed));

  test.each<[string, Pair[]]>([
    ["a) (b) c", [["a) (b) c", 1]]],
    [
      "a) ((b) c)",
      [
        ["a) (", 1],
        ["b", 1.1],
        [" c)", 1],
      ],
    ],
    [
      "x (a (b)",
      [
        ["x ", 1],
        ["a ", 1.1],
        ["(b", 1.1],
      ],
    ],
    ["(:1.2)", [[":1.2", 1.1]]],
    ["(a:b:1.2)", [["a:b", 1.2]]],
    ["(a: 1.2 )", [["a", 1.2]]],
    ["(a:1.2e0)", [["a", 1.2]]],
    [
      "(a:nan) (b:inf)",
      [
        ["a:nan", 1.1],
        [" ", 1],
        ["b:inf", 1.1],
      ],
    ],
    ["()", []],
    ["\\\\(a)", [["\\(a)", 1]]],
  ])("%s", (prompt, parsed) => expect(parse(prompt)).toEqual(parsed));

  test("says what it has from elsewhere", () => {
    const { warnings } = parseComfyUi("a BREAK b AND <lora:c:1>");
    expect(warnings.map((warning) => warning.split(" ")[0])).toEqual(["BREAK", "AND", "<lora:…>"]);
  });
});

describe.each([
  { name: "A1111", parse: parseA1111 },
  { name: "ComfyUI", parse: parseComfyUi },
])("$name, on anything", ({ parse }) => {
  const sign = fc.constantFrom(
    ..."()[]:\\|#<> ,-.0129abéBREAKAND\n",
    "BREAK",
    "(a:1.5)",
    "((",
    "))",
    "<lora:x:1>",
    "初音",
  );
  const soup = fc.array(sign, { maxLength: 40 }).map((signs) => signs.join(""));
  const anything = fc.oneof({ weight: 4, arbitrary: soup }, fc.string({ unit: "binary", maxLength: 40 }));
  const textOf = (segments: readonly Segment[]) => segments.map(({ text }) => text).join("");

  test("says what extensions would replace, and nothing of what only looks like it", () => {
    const { warnings } = parse("{red|blue} hair, __poses/sit down__, __poses/*__, (embedding:easynegative:1.2)");
    expect(warnings.map((warning) => warning.split(" ")[0])).toEqual(["{…|…}", "__…__", "embedding:…"]);
    expect(parse("a {b}, |_|, ^__^, o__o, __, my_embedding:x, \\{a|b}").warnings).toEqual([]);
  });

  test.each(["1,3", "1.2x", "130%", "1.3%", "1.2.3", "--1", "-+.5", "1.2+"])(
    "a weight that is nearly a number is text, and told: (red hair:%s)",
    (weight) => {
      const { segments, warnings } = parse(`(red hair:${weight})`);
      expect(segments).toEqual([{ text: `red hair:${weight}`, weight: 1.1, isBreak: false }]);
      expect(warnings).toEqual([`"${weight}" is not a number: ":${weight})" is read as text.`]);
      expect(parse(`(red hair: ${weight} ) \\(red hair:${weight}\\)`).warnings).toHaveLength(1);
    },
  );

  test("a colon in a name is no weight, nor is one in a face or beside a number of things", () => {
    const names = ["re:zero", "nier:automata", "fate/stay night:1.2", "dagashi kashi:1", "standing:looking at viewer"];
    const more = ["a:abc", "time 12:30pm", "pose:1girl,2girls", "style:2.5d", "rating:18+", "lens:f/1.8", ":d", ":3c"];
    const prompt = [...names, ...more].map((name) => `(${name})`).join(", ");
    expect(parse(`${prompt}, >:(:3), 2b \\(nier:automata\\), 16:9`).warnings).toEqual([]);
  });

  test("never throws, weights are finite, and no letter is lost or made", () => {
    fc.assert(
      fc.property(anything, (prompt) => {
        const { segments } = parse(prompt);
        for (const { weight } of segments) expect(Number.isFinite(weight)).toBe(true);
        // Signs and numbers may be grammar; everything else must come through, in order.
        const kept = (text: string) => text.replace(/[()[\]:\\+\-.\deE\s]/g, "");
        expect(kept(textOf(segments))).toBe(kept(prompt));
      }),
      { numRuns: 25_000 },
    );
  });

  const n = 500_000;
  test.each([
    ["plain text", "1girl, solo, long hair, ".repeat(n / 12)],
    ["opening brackets", "(".repeat(2 * n)],
    ["closing brackets", ")".repeat(2 * n)],
    ["one bracket in another", `${"(".repeat(n)}${")".repeat(n)}`],
    ["brackets with text", "(a".repeat(n)],
    ["nested, with text", `${"(a".repeat(n / 2)}${")".repeat(n)}`],
    ["weights", "(a:1.1)".repeat(n / 4)],
    ["half a weight", "(a:1".repeat(n / 2)],
    ["colons", ":".repeat(2 * n)],
    ["blanks", " ".repeat(2 * n)],
    ["a colon and blanks", `(a:${" ".repeat(2 * n)}`],
    ["digits", `(a:${"1".repeat(2 * n)}`],
    ["decimals", `(a:${"1.1".repeat(n)}`],
    ["signs", `(a:${"+-".repeat(n)}1`],
    ["breaks", "BREAK ".repeat(n / 3)],
    ["blanks before breaks", `${" ".repeat(n)}BREAK${" ".repeat(n)}`],
    ["backslashes", "\\".repeat(2 * n)],
    ["both kinds, crossing", "([)]".repeat(n / 2)],
  ])("a megabyte of %s takes its time in proportion", (_, prompt) => {
    const began = process.cpuUsage();
    const { segments } = parse(prompt);
    // CPU time, for others may be at work. 5 to 500 ms where this was written; the square of the length would take minutes.
    expect(process.cpuUsage(began).user).toBeLessThan(3_000_000);
    expect(segments.every(({ weight }) => Number.isFinite(weight))).toBe(true);
  });
});
