import { expect, test } from "vitest";
import { dice } from "./dice.ts";
import { PLAIN_TONE, type Tone } from "./scene.ts";
import { colourToner, drawTone, type Tones, toneInPlace } from "./tone.ts";

const toned = (colour: [number, number, number], tone: Partial<Tone>) =>
  colourToner({ ...PLAIN_TONE, ...tone })(colour);

test.each([
  ["nothing", {}, [200, 100, 50], [200, 100, 50]],
  // Luma is 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2; darker takes half of it and of the distances from it.
  ["half as bright", { brightness: -0.5 }, [200, 100, 50], [100, 50, 25]],
  // 189.6 and the distances as they were.
  ["half-way to white", { brightness: 0.5 }, [200, 100, 50], [255, 165, 115]],
  ["half the contrast of grey", { contrast: 0.5 }, [227, 227, 227], [177, 177, 177]],
  // 125.75, and the distances as they were.
  ["half the contrast of a colour", { contrast: 0.5 }, [200, 100, 50], [202, 102, 52]],
  ["contrast clamps", { contrast: 2 }, [250, 250, 250], [255, 255, 255]],
  ["no saturation", { saturation: 0 }, [200, 100, 50], [124, 124, 124]],
  ["half the saturation", { saturation: 0.5 }, [200, 100, 50], [162, 112, 87]],
  ["saturation clamps", { saturation: 3 }, [200, 100, 50], [255, 52, 0]],
] as [string, Partial<Tone>, [number, number, number], number[]][])("%s", (_name, tone, colour, expected) => {
  expect(toned(colour, tone)).toEqual(expected);
});

test("a picture's pixels change as its colours do", () => {
  const tone: Tone = { changes: [], saturation: 1.3, contrast: 0.7, brightness: -0.2, blur: 0, sharpening: 0 };
  const pixels = Uint8Array.of(10, 200, 90, 255, 0, 128);
  toneInPlace(pixels, tone);
  expect([...pixels]).toEqual([...colourToner(tone)([10, 200, 90]), ...colourToner(tone)([255, 0, 128])]);
});

test("contrast is the area's: a line keeps its distance from it", () => {
  const tone: Tone = { ...PLAIN_TONE, contrast: 2 };
  const pixels = Uint8Array.of(180, 180, 180, 60, 60, 60);
  // About 127.5, an area of 150 goes to 172.5.
  toneInPlace(pixels, tone, new Uint8Array(6).fill(150));
  expect([...pixels]).toEqual([203, 203, 203, 83, 83, 83]);
});

test("black and white backgrounds keep their values", () => {
  const white = drawMany({ kind: "plain", colour: "white" });
  expect(white.map((tone) => colourToner(tone)([255, 255, 255])).filter(([r]) => r !== 255)).toEqual([]);
  const black = drawMany({ kind: "plain", colour: "black" });
  expect(black.map((tone) => colourToner(tone)([0, 0, 0])).filter(([r]) => r !== 0)).toEqual([]);
});

test("of vivid, every picture is more saturated, whatever is behind it, and is changed in nothing else", () => {
  for (const colour of ["white", "blue"] as const) {
    for (const { changes, saturation, ...others } of drawMany({ kind: "plain", colour }, "vivid")) {
      expect(changes).toEqual(["vivid"]);
      expect(saturation).toBeGreaterThanOrEqual(1.25);
      expect({ ...PLAIN_TONE, ...others, changes: [], saturation: 1 }).toEqual(PLAIN_TONE);
    }
  }
});

test("every change occurs, alone and with another, and never against itself", () => {
  const tones = drawMany({ kind: "plain", colour: "blue" });
  expect(new Set(tones.flatMap((tone) => tone.changes)).size).toBe(8);
  const counts = [0, 1, 2].map((count) => tones.filter((tone) => tone.changes.length === count).length / tones.length);
  [0.45, 0.35, 0.2].forEach((share, i) => {
    // Five standard deviations of a binomial of 2000.
    expect(Math.abs(counts[i]! - share)).toBeLessThan(0.056);
  });
  const opposites = [
    ["dark", "bright"],
    ["muted", "vivid"],
    ["low contrast", "high contrast"],
    ["blurred", "sharpened"],
  ];
  const both = tones.filter(({ changes }) =>
    opposites.some((pair) => pair.every((change) => (changes as string[]).includes(change))),
  );
  expect(both).toEqual([]);
});

test("of all, each picture is changed; of none, none", () => {
  const counts = (tones: Tones) =>
    new Set(drawMany({ kind: "plain", colour: "blue" }, tones).map((t) => t.changes.length));
  expect(counts("all")).toEqual(new Set([1, 2]));
  expect(counts("none")).toEqual(new Set([0]));
});

function drawMany(background: Parameters<typeof drawTone>[1], tones: Tones = "some"): Tone[] {
  const d = dice(1, "scene");
  return Array.from({ length: 2000 }, () => drawTone(d, background, tones));
}
