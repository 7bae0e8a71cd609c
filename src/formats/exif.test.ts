/** @file EXIF's texts as A1111, Forge, Civitai and ComfyUI write them, and blocks of strangers. */

import { expect, test } from "vitest";
import { exifBlock } from "../../test/fixtures/formats/exif-block.ts";
import { exifTexts } from "./exif.ts";

const infotext = "1girl, 初音\nSteps: 20, Seed: 1, Size: 64x64";
const big = Buffer.from(infotext, "utf16le").swap16();

test.each([
  ["A1111's", false, "UNICODE\0", big, infotext],
  ["little-endian around big", true, "UNICODE\0", big, infotext],
  ["little-endian", true, "UNICODE\0", Buffer.from(infotext, "utf16le"), infotext],
  ["ASCII", true, "ASCII\0\0\0", Buffer.from("x, y\0\0"), "x, y"],
])("a comment, %s", (_, little, code, bytes, text) => {
  expect(exifTexts(exifBlock(little, code, bytes))).toEqual([["parameters", text]]);
});

test("Civitai's comment with a ComfyUI graph", () => {
  const graph = '{"3":{"class_type":"KSampler","inputs":{}}}';
  expect(exifTexts(exifBlock(true, "UNICODE\0", Buffer.from(graph, "utf16le")))).toEqual([["prompt", graph]]);
});

test("cut anywhere, or with any byte changed, a block is read as far as it goes", () => {
  const block = exifBlock(false, "UNICODE\0", big);
  for (let at = 0; at < block.length; at++) {
    expect(exifTexts(block.subarray(0, at))).toEqual([]);
    expect(() => exifTexts(Buffer.from(block).fill(0xff, at, at + 1))).not.toThrow();
  }
});
