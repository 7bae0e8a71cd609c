/** @file Sentences come with the figures that ask for them, and not without. */

import { expect, test } from "vitest";
import { leaningOf } from "./leaning.ts";
import type { AuditReport } from "./report.ts";

const spread = (median: number) => ({ quantiles: { 50: median } });

/** A set in the middle of everything. */
const EVEN = {
  ...{ images: 100, measured: 100, hues: Array(36).fill(1 / 36), vividGrid: Array(9).fill(0.2) },
  marks: { colourful: 5, dark: 20, whiteGround: 2, blackGround: 2 },
  measures: {
    saturation: spread(90),
    brightness: spread(120),
    contrast: spread(0.2),
    sharpness: spread(500),
    dynamicColours: spread(2),
  },
  orientations: { portrait: 40, landscape: 40, square: 20 },
  coverage: [{ side: 1024, images: 90 }],
  captions: { with: 100, tokens: spread(40), tags: [{ tag: "1girl", images: 30 }] },
  nearDuplicates: { groups: 0, images: 0 },
};

const lean = (more: object) => leaningOf({ ...EVEN, ...more } as unknown as AuditReport);
const measures = (more: object) => ({ measures: { ...EVEN.measures, ...more } });

test("a set in the middle leans to nothing", () => expect(lean({})).toEqual([]));

test.each<[name: string, more: object, sentence: RegExp]>([
  ["muted", measures({ saturation: spread(30.04) }), /^Muted: .* at most 30 of 255/],
  ["saturated", measures({ saturation: spread(140) }), /^Saturated: .* at least 140 of 255/],
  ["bright", measures({ brightness: spread(200) }), /^Bright: .* 200 of 255/],
  ["dark", measures({ brightness: spread(60) }), /^Dark: .* 60 of 255/],
  ["blurred", measures({ sharpness: spread(20) }), /^Blurred: .* at most 20\./],
  ["flat", measures({ contrast: spread(0.1) }), /^Flat: .* 0\.1 of 0\.5/],
  ["few dark ones", { marks: { ...EVEN.marks, dark: 1 } }, /^Few dark images: 1\.0 % /],
  ["white grounds", { marks: { ...EVEN.marks, whiteGround: 40 } }, /^White grounds: in 40 %/],
  ["colourful", { marks: { ...EVEN.marks, colourful: 25 } }, /^25 % are colourful/],
  ["red, round the end of the circle", { hues: [0.3, ...Array(34).fill(0), 0.7] }, /around red have 100 %/],
  ["vivid in the middle", { vividGrid: [0, 0, 0, 0, 0.3, 0, 0, 0, 0] }, /middle: 30 % .* 0\.0 %/],
  ["portrait", { orientations: { portrait: 70, landscape: 20, square: 10 } }, /^Mostly portrait: 70 %/],
  ["no dark ones", { marks: { ...EVEN.marks, dark: 0 } }, /^Few dark images: none has a mean luma/],
  ["all small", { coverage: [{ side: 1024, images: 0 }] }, /^Small: no image has .*; all are enlarged/],
  ["small", { coverage: [{ side: 1024, images: 10 }] }, /^Small: only 10 %/],
  ["no captions", { captions: { ...EVEN.captions, with: 80 } }, /^20 % have no caption/],
  ["short captions", { captions: { ...EVEN.captions, tokens: spread(8) } }, /^Short captions: .* 8 tokens/],
  ["long captions", { captions: { ...EVEN.captions, tokens: spread(90) } }, /^Long captions: .* 90 tokens/],
  ["one tag", { captions: { ...EVEN.captions, tags: [{ tag: "x", images: 95 }] } }, /^One tag .* 95 %/],
  ["duplicates", { nearDuplicates: { groups: 5, images: 15 } }, /^10 % are near-duplicates/],
  ["faults", { measured: 98, images: 100 }, /^2\.0 % cannot be read/],
])("%s is said, with its number and nothing else", (_, more, sentence) => {
  const sentences = lean(more);
  expect(sentences).toEqual([expect.stringMatching(sentence)]);
});
