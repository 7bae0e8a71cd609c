/** @file Colour measures against closed forms, and against numpy, scikit-image and OpenCV (`scripts/goldens/colour.py`). */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { atWorkingSize } from "./areas.ts";
import { type ColourMeasures, isColourful, measureColours } from "./measures.ts";
import type { Pixels } from "./pixels.ts";
import { quantiles } from "./quantiles.ts";

type Case = {
  name: string;
  width: number;
  height: number;
  rgb: string;
  workingSide: number;
  resized: string | null;
  measures: Omit<ColourMeasures, "workingSide" | "vividGrid">;
};

const fixture = JSON.parse(
  gunzipSync(readFileSync(new URL("../../test/fixtures/colour.json.gz", import.meta.url))).toString(),
) as { pictures: Case[]; quantiles: { sample: number[]; shares: number[]; values: number[] } };

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));

/** A picture of one row for each list of hexadecimal colours. */
function picture(...rows: string[][]): Pixels {
  const rgb = rows.flat().flatMap((hex) => [0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)));
  return { width: rows[0]!.length, height: rows.length, rgb: Uint8Array.from(rgb) };
}

function filled(width: number, height: number, paint: (x: number, y: number) => number): Pixels {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) rgb.fill(paint(i % width, Math.floor(i / width)), 3 * i, 3 * i + 3);
  return { width, height, rgb };
}

// Sums of a few thousand float64 values in another order: some 50 roundings of 1e-16, with a margin of 200.
const ROUNDING = 1e-12;

// A standard deviation from sums of squares, nearly all of which cancels, may lose half of its digits.
const CANCELLED = 1e-6;

function expectClose(value: number, golden: number): void {
  expect(Math.abs(value - golden)).toBeLessThanOrEqual(ROUNDING * Math.max(1, Math.abs(golden)));
}

test.each(fixture.pictures)("$name: what numpy, scikit-image and OpenCV measure", (golden) => {
  const original = { width: golden.width, height: golden.height, rgb: bytes(golden.rgb) };
  const working = atWorkingSize(original, golden.workingSide);
  if (golden.resized !== null) {
    const theirs = bytes(golden.resized);
    expect(working.rgb.length).toBe(theirs.length);
    // OpenCV sums in float32: a value half-way between two may go the other way.
    expect(working.rgb.every((value, i) => Math.abs(value - theirs[i]!) <= 1)).toBe(true);
    expect(working.rgb.filter((value, i) => value !== theirs[i]).length).toBeLessThan(theirs.length / 100);
  }
  // Those few steps would show in the measures, which are therefore compared on OpenCV's pixels; exact shares are the original's.
  const shrunk = golden.resized === null ? original : { ...working, rgb: bytes(golden.resized) };
  const { whiteShare, blackShare, clippedHighShare, clippedLowShare } = measureColours(original, golden.workingSide);
  const shares = { whiteShare, blackShare, clippedHighShare, clippedLowShare };
  const measures = { ...measureColours(shrunk, golden.workingSide), ...shares };
  const { hues, ...numbers } = golden.measures;
  for (const [name, value] of Object.entries(numbers)) expectClose(measures[name as keyof typeof numbers], value);
  hues.forEach((share, i) => {
    expectClose(measures.hues[i]!, share);
  });
});

test.each([
  ["red", ["ff0000"], 85.5296],
  ["blue", ["0000ff"], 76.5],
  ["yellow", ["ffff00"], 76.5],
  ["grey", ["808080"], 0],
  ["red and cyan", ["ff0000", "00ffff"], 285.1],
  ["blue and yellow", ["0000ff", "ffff00"], 255],
  // The variant with absolute differences, which tutorials copy, gives 206.52.
  ["red, green and blue", ["ff0000", "00ff00", "0000ff"], 275.43],
])("colourfulness of %s, by hand", (_name, colours, golden) => {
  // Printed to four or five digits.
  expect(Math.abs(measureColours(picture(colours)).colourfulness - golden)).toBeLessThan(0.006);
});

test("a checkerboard has the largest contrast there is, and a Laplacian of 1020 everywhere", () => {
  const board = measureColours(filled(8, 8, (x, y) => ((x + y) % 2) * 255));
  expectClose(board.contrast, 0.5);
  expectClose(board.sharpness, 1_040_400);
  expectClose(board.brightness, 127.5);
  expect(board).toMatchObject({ whiteShare: 0.5, blackShare: 0.5, saturation: 0, dynamicColours: 0 });
});

test("an impulse: variance of its Laplacian is (1020² + 4 · 255²) / 81", () => {
  const impulse = measureColours(filled(9, 9, (x, y) => (x === 4 && y === 4 ? 255 : 0)));
  expectClose(impulse.sharpness, (1020 ** 2 + 4 * 255 ** 2) / 81);
});

test("edges mirror without repeating: a ramp's Laplacian is 0 inside and twice its slope at the ends", () => {
  const slope = 10;
  const width = 8;
  const ramp = measureColours(filled(width, 4, (x) => slope * x));
  expectClose(ramp.sharpness, (2 * (2 * slope) ** 2) / width);
});

test("a single row mirrors to itself, as a single column does", () => {
  const colours = ["102030", "ff8000", "000000", "80ff40", "7f7f7f"];
  const { sharpness } = measureColours(picture(colours));
  expectClose(sharpness, measureColours(picture(...colours.map((colour) => [colour]))).sharpness);
  expectClose(measureColours(picture(["808080", "808080"])).sharpness, 0);
});

test.each([
  ["one hue", ["ff0000"], 1],
  ["shades and tints of one hue", ["ff0000", "800000", "ff8080"], 1],
  ["red and cyan", ["ff0000", "00ffff"], 2],
  ["the three primaries", ["ff0000", "00ff00", "0000ff"], 3],
  ["primaries and their opposites", ["ff0000", "ffff00", "00ff00", "00ffff", "0000ff", "ff00ff"], 6],
  // Thirty degrees apart are half alike: 1 / (1/2 + 1/2 · 1/2).
  ["red and orange", ["ff0000", "ff8000"], 4 / 3],
  ["grey", ["7f7f7f"], 0],
])("hues of %s", (_name, colours, golden) => {
  expectClose(measureColours(picture(colours)).dynamicColours, golden);
});

test("one coloured pixel in a hundred is half as much a hue", () => {
  const rgb = new Uint8Array(300).fill(127);
  rgb.set([255, 0, 0]);
  expectClose(measureColours({ width: 10, height: 10, rgb }).dynamicColours, 0.5);
});

test("saturation is 255 (max - min) / max, and nearly black pixels have none to count", () => {
  // 255, 127.5, and a pixel of V = 7 whose saturation of 255 is one step of noise.
  const { saturation, saturationDeviation } = measureColours(picture(["ff0000", "804040", "070000"]));
  expectClose(saturation, (255 + 127.5) / 2);
  expectClose(saturationDeviation, 127.5 / 2);
  expect(measureColours(picture(["070007"])).saturation).toBe(0);
});

test("the article's rule: saturated, and evenly so", () => {
  expect(isColourful(measureColours(picture(["ff0000", "00c8ff"])))).toBe(true);
  // Mean saturation 127.5, but spread over everything.
  expect(isColourful(measureColours(picture(["ff0000", "808080"])))).toBe(false);
  expect(isColourful(measureColours(picture(["808080", "b0b0b0"])))).toBe(false);
});

test("clipped shares count any channel, exact shares all three", () => {
  const shares = measureColours(picture(["ffffff", "ff8000", "000000", "808080"]));
  expect(shares).toMatchObject({ whiteShare: 0.25, blackShare: 0.25, clippedHighShare: 0.5, clippedLowShare: 0.5 });
});

test("shares are counted one by one wherever the bytes lie in their buffer", () => {
  const some = fc.integer({ min: 1, max: 60 }).chain((width) => {
    const size = 3 * width + 3;
    const channel = fc.constantFrom(0, 1, 127, 128, 254, 255, 255, 255, 0, 0);
    return fc.record({
      start: fc.integer({ min: 0, max: 3 }),
      all: fc.array(channel, { minLength: size, maxLength: size }),
    });
  });
  fc.assert(
    fc.property(some, ({ start, all }) => {
      const rgb = Uint8Array.from(all).subarray(start, start + all.length - 3);
      const width = rgb.length / 3;
      const colours = Array.from({ length: width }, (_, i) => [...rgb.subarray(3 * i, 3 * i + 3)]);
      const share = (is: (colour: number[]) => boolean) => colours.filter(is).length / width;
      expect(measureColours({ width, height: 1, rgb })).toMatchObject({
        whiteShare: share((colour) => colour.every((value) => value === 255)),
        blackShare: share((colour) => colour.every((value) => value === 0)),
        clippedHighShare: share((colour) => colour.includes(255)),
        clippedLowShare: share((colour) => colour.includes(0)),
      });
    }),
    { seed: 3 },
  );
});

test("exact shares are of the picture as decoded, the rest of the shrunk one", () => {
  const board = filled(64, 64, (x, y) => ((x + y) % 2) * 255);
  expect(measureColours(board, 16)).toMatchObject({ whiteShare: 0.5, blackShare: 0.5, contrast: 0 });
});

test("quantiles are numpy's", () => {
  const { sample, shares, values } = fixture.quantiles;
  quantiles(sample, shares).forEach((value, i) => {
    expectClose(value, values[i]!);
  });
});

const anyPicture = fc
  .record({ width: fc.integer({ min: 1, max: 30 }), height: fc.integer({ min: 1, max: 30 }) })
  .chain(({ width, height }) => {
    const size = 3 * width * height;
    return fc.uint8Array({ minLength: size, maxLength: size }).map((rgb) => ({ width, height, rgb }));
  });

test("vivid pixels are where they are: one cell of nine, half of three, and chroma of 128 but not 127", () => {
  const red = (is: (x: number, y: number) => boolean, chroma = 128) => {
    const rgb = new Uint8Array(3 * 12 * 9);
    for (let i = 0; i < 108; i++) if (is(i % 12, Math.floor(i / 12))) rgb[3 * i] = chroma;
    return measureColours({ width: 12, height: 9, rgb }).vividGrid;
  };
  expect(red((x, y) => x >= 8 && y >= 3 && y < 6)).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0]);
  expect(red((x, y) => x % 2 === 0 && y < 3)).toEqual([0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0]);
  expect(red(() => true, 127)).toEqual(Array(9).fill(0));
  expect(measureColours(picture(["ff0000", "808080"])).vividGrid).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("long runs of one colour count as their pixels do apart", () => {
  const channel = fc.constantFrom(0, 3, 7, 8, 90, 128, 254, 255);
  const run = fc.record({
    colour: fc.tuple(channel, channel, channel),
    length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3000 })),
  });
  fc.assert(
    fc.property(fc.array(run, { minLength: 2, maxLength: 9 }), (runs) => {
      const along = runs.flatMap(({ colour, length }) => Array.from({ length }, () => colour));
      // A row for each pixel has no runs.
      const row = { width: along.length, height: 1, rgb: Uint8Array.from(along.flat()) };
      const column = { ...row, width: 1, height: along.length };
      const { vividGrid: _, saturation, saturationDeviation, sharpness, ...exact } = measureColours(row, 30_000);
      const apart = measureColours(column, 30_000);
      expect(apart).toMatchObject(exact);
      expectClose(saturation, apart.saturation);
      expect(Math.abs(saturationDeviation - apart.saturationDeviation)).toBeLessThan(CANCELLED);
      expectClose(sharpness, apart.sharpness);
    }),
    { seed: 5, numRuns: 60 },
  );
});

test("the vivid share of a cell of any picture is that of its pixels, counted one by one", () => {
  fc.assert(
    fc.property(anyPicture, ({ width, height, rgb }) => {
      const vivid = Array(9).fill(0);
      const all = Array(9).fill(0);
      for (let i = 0; i < width * height; i++) {
        const cell = 3 * Math.trunc((3 * Math.trunc(i / width)) / height) + Math.trunc((3 * (i % width)) / width);
        const colour = rgb.slice(3 * i, 3 * i + 3);
        all[cell]++;
        if (Math.max(...colour) - Math.min(...colour) >= 128) vivid[cell]++;
      }
      const shares = vivid.map((count, cell) => (all[cell] === 0 ? 0 : count / all[cell]));
      expect(measureColours({ width, height, rgb }).vividGrid).toEqual(shares);
    }),
    { seed: 4 },
  );
});

test("shrinking keeps the mean of any picture to within rounding, and never passes the long side", () => {
  const mean = ({ rgb }: Pixels) => rgb.reduce((sum, value) => sum + value, 0) / rgb.length;
  fc.assert(
    fc.property(anyPicture, fc.integer({ min: 1, max: 32 }), (original, side) => {
      const small = atWorkingSize(original, side);
      expect(Math.max(small.width, small.height)).toBe(Math.min(side, Math.max(original.width, original.height)));
      expect(Math.abs(mean(small) - mean(original))).toBeLessThanOrEqual(0.5 + 1e-9);
    }),
    { seed: 1 },
  );
});

test("every measure of any picture lies in its range, and turning the picture round changes none", () => {
  const ranges: [Exclude<keyof ColourMeasures, "hues" | "vividGrid">, number][] = [
    ["contrast", 0.5],
    ["brightness", 255],
    ["dynamicColours", 6 + ROUNDING],
    ["saturation", 255],
    ["saturationDeviation", 127.5 + ROUNDING],
    ["whiteShare", 1],
    ["clippedLowShare", 1],
  ];
  fc.assert(
    fc.property(anyPicture, (original) => {
      const measures = measureColours(original);
      for (const [name, most] of ranges) {
        expect(measures[name]).toBeGreaterThanOrEqual(0);
        expect(measures[name]).toBeLessThanOrEqual(most);
      }
      const pixels = Array.from({ length: original.rgb.length / 3 }, (_, i) => [
        ...original.rgb.slice(3 * i, 3 * i + 3),
      ]);
      const turned = measureColours({ ...original, rgb: Uint8Array.from(pixels.reverse().flat()) });
      for (const [name] of ranges) expectClose(turned[name], measures[name]);
      expectClose(turned.sharpness, measures.sharpness);
    }),
    { seed: 2 },
  );
});

test("bytes that are no picture are refused", () => {
  expect(() => measureColours({ width: 2, height: 2, rgb: new Uint8Array(11) })).toThrowError(
    expect.objectContaining({ code: "bad_shape", message: "a picture of 2 x 2 with 11 bytes" }),
  );
  expect(() => measureColours(picture(["ff0000"]), 0.5)).toThrowError(expect.objectContaining({ code: "bad_option" }));
});
