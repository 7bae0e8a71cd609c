import { expect, test } from "vitest";
import { HUE_BINS, hueSlot } from "./hues.ts";

/** Hue as HSV defines it, in bins, rounded half up. */
function binOf(r: number, g: number, b: number): number {
  const largest = Math.max(r, g, b);
  const chroma = largest - Math.min(r, g, b);
  let hue = 24 + (6 * (r - g)) / chroma;
  if (largest === r) hue = (6 * (g - b)) / chroma;
  else if (largest === g) hue = 12 + (6 * (b - r)) / chroma;
  return (Math.floor(hue + 0.5) + HUE_BINS) % HUE_BINS;
}

test("a colour's bin is what the definition says, of 86³ colours with many half-way between two bins", () => {
  const differ: string[] = [];
  for (let r = 0; r < 256; r += 3) {
    for (let g = 0; g < 256; g += 3) {
      for (let b = 0; b < 256; b += 3) {
        const smallest = Math.min(r, g, b);
        const chroma = Math.max(r, g, b) - smallest;
        if (chroma === 0) continue;
        if (hueSlot(r, g, b, smallest, chroma) % HUE_BINS !== binOf(r, g, b)) differ.push(`${r} ${g} ${b}`);
      }
    }
  }
  expect(differ).toEqual([]);
});
