import { expect, test } from "vitest";
import { HUE_BINS } from "./hues.ts";
import { measureColours } from "./measures.ts";

/** Hue as HSV defines it, in bins, rounded half up. */
function binOf(r: number, g: number, b: number): number {
  const largest = Math.max(r, g, b);
  const chroma = largest - Math.min(r, g, b);
  let hue = 24 + (6 * (r - g)) / chroma;
  if (largest === r) hue = (6 * (g - b)) / chroma;
  else if (largest === g) hue = 12 + (6 * (b - r)) / chroma;
  return (Math.floor(hue + 0.5) + HUE_BINS) % HUE_BINS;
}

test("a colour's bin is what the definition says, of 37³ colours with many half-way between two bins", () => {
  const differ: string[] = [];
  for (let r = 0; r < 256; r += 7) {
    for (let g = 0; g < 256; g += 7) {
      for (let b = 0; b < 256; b += 7) {
        const chroma = Math.max(r, g, b) - Math.min(r, g, b);
        const { hues } = measureColours({ width: 1, height: 1, rgb: Uint8Array.of(r, g, b) });
        const expected = chroma < 16 ? -1 : binOf(r, g, b);
        if (hues.indexOf(1) !== expected) differ.push(`${r} ${g} ${b}`);
      }
    }
  }
  expect(differ).toEqual([]);
});

test("a row counts by chroma in all of its pixels, also where vectors end", () => {
  for (let width = 1; width < 40; width++) {
    const rgb = Uint8Array.from({ length: 3 * width }, (_, i) => (i * 89 + width * 31) % 256);
    const expected = new Float64Array(HUE_BINS);
    for (let i = 0; i < rgb.length; i += 3) {
      const [r, g, b] = rgb.subarray(i, i + 3) as unknown as [number, number, number];
      const chroma = Math.max(r, g, b) - Math.min(r, g, b);
      if (chroma >= 16) expected[binOf(r, g, b)]! += chroma;
    }
    const total = expected.reduce((sum, chroma) => sum + chroma, 0);
    const { hues } = measureColours({ width, height: 1, rgb });
    expect(hues).toEqual(Array.from(expected, (chroma) => chroma / total));
  }
});
