import { expect, test } from "vitest";
import {
  CONTROL_FAMILIES,
  CONTROL_FAMILY_NAMES,
  type ControlThresholds,
  fitThresholds,
  tokensOf,
} from "./control-tokens.ts";
import { type ColourMeasures, measureColours } from "./measures.ts";
import { parseThresholds, printThresholds } from "./threshold-file.ts";

/** Grey pictures of the lumas 0 to 100, whose quantiles are known without computing any. */
const greys = Array.from({ length: 101 }, (_, luma) =>
  measureColours({ width: 1, height: 1, rgb: new Uint8Array(3).fill(luma) }, 64),
);
const fitted = fitThresholds(greys, { name: "greys" });

/** A picture's measures, of which only those named matter. */
const measured = (changes: Partial<ColourMeasures>): ColourMeasures => ({ ...greys[0]!, ...changes });

test("24 words, as Illustrious 3.5 was trained with", () => {
  expect(Object.values(CONTROL_FAMILIES).map((words) => words.join(" · "))).toEqual([
    "low contrast · medium contrast · high contrast · very high contrast",
    "dark · normal brightness · bright · very bright",
    "blurry · slightly sharp · sharp · very sharp",
    "static colors · medium dynamic colors · high dynamic colors · very dynamic colors",
    "monotonic color · medium colorfulness · high colorfulness · very high colorfulness",
    "muted colors · average colors · vibrant colors · very vibrant colors",
  ]);
});

test("cuts are the quantiles of the set, and a value is past a cut when it is greater", () => {
  const cuts = fitted.cuts.brightness;
  [25, 60, 90].forEach((luma, i) => {
    expect(cuts[i]).toBeCloseTo(luma, 9);
  });
  const cut: ControlThresholds = { ...fitted, cuts: { ...fitted.cuts, brightness: [25, 60, 90] } };
  const word = (brightness: number) => tokensOf(measured({ brightness }), cut)[1];
  expect([0, 25, 25.01, 60, 61, 90, 91].map(word)).toEqual([
    "dark",
    "dark",
    "normal brightness",
    "normal brightness",
    "bright",
    "bright",
    "very bright",
  ]);
});

test("a family whose measure never varies says its first word for what is like the set", () => {
  expect(tokensOf(greys[50]!, fitted)).toEqual([
    "low contrast",
    "normal brightness",
    "blurry",
    "static colors",
    "monotonic color",
    "muted colors",
  ]);
});

test("each family goes by its own measure", () => {
  const cuts = Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, [1, 2, 3]]));
  const thresholds = { ...fitted, cuts } as ControlThresholds;
  const zero = Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, 0]));
  for (const [i, family] of CONTROL_FAMILY_NAMES.entries()) {
    const tokens = tokensOf(measured({ ...zero, [family]: 2.5 }), thresholds);
    const expected = CONTROL_FAMILY_NAMES.map((name) => CONTROL_FAMILIES[name][0] as string);
    expected[i] = CONTROL_FAMILIES[family][2];
    expect(tokens).toEqual(expected);
  }
});

test("only what stands out, when asked", () => {
  expect(tokensOf(measured({ brightness: 255, saturation: 1 }), fitted, "outer")).toEqual([
    "low contrast",
    "very bright",
    "blurry",
    "static colors",
    "monotonic color",
    "very vibrant colors",
  ]);
  expect(tokensOf(measured({ brightness: 50 }), fitted, "outer")).not.toContain("normal brightness");
});

test("thresholds go through a file", () => {
  const text = printThresholds(fitted);
  expect(parseThresholds(text)).toEqual(fitted);
  expect(text).toContain('"quantiles": [0.25, 0.6, 0.9]');
});

test.each([
  ["no JSON", "{", "not a JSON object"],
  ["a list", "[]", "its format is undefined"],
  ["another format", '{"format":"x"}', 'its format is "x"'],
  ["a later version", JSON.stringify({ ...fitted, version: 2 }), "version 2, known is 1"],
  ["no name", JSON.stringify({ ...fitted, name: 7 }), "it has no name"],
  [
    "no pictures",
    JSON.stringify({ ...fitted, pictures: 0 }),
    "pictures and workingSide must be positive whole numbers",
  ],
  ["a family left out", JSON.stringify({ ...fitted, cuts: {} }), "cuts of contrast must be three numbers"],
  ["cuts that fall", JSON.stringify({ ...fitted, quantiles: [0.5, 0.4, 0.9] }), "quantiles must be three numbers"],
])("a file with %s is refused", (_what, text, message) => {
  expect(() => parseThresholds(text, "cuts.json")).toThrowError(
    expect.objectContaining({ code: "bad_file", message: expect.stringContaining(`cuts.json: ${message}`) }),
  );
});

test("measures at another working size are refused, not compared", () => {
  const refused = expect.objectContaining({
    code: "bad_option",
    message: "measured at a working size of 768, compared with 64",
  });
  expect(() => tokensOf(measured({ workingSide: 768 }), fitted)).toThrowError(refused);
  expect(() => fitThresholds([...greys, measured({ workingSide: 768 })], { name: "mixed" })).toThrowError(refused);
});

test("nothing to fit to, and quantiles that do not rise, are refused", () => {
  const refused = expect.objectContaining({ code: "bad_option" });
  expect(() => fitThresholds([], { name: "none" })).toThrowError(refused);
  expect(() => fitThresholds(greys, { name: "x", quantiles: [0.5, 0.5, 0.9] })).toThrowError(refused);
  expect(() => fitThresholds(greys, { name: "x", quantiles: [0, 0.5, 0.9] })).toThrowError(refused);
  expect(() => fitThresholds(greys, { name: "x", quantiles: [0.1, 0.5, 1] })).toThrowError(refused);
});
