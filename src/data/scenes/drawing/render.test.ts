/** @file Drawings: their size, what is exact in them, and that they are the same picture at every size. */

import sharp from "sharp";
import { expect, test } from "vitest";
import { atWorkingSize, measureColours } from "../../../colour/index.ts";
import { HAIR, PLAIN } from "../palette.ts";
import { PLACES, PLAIN_TONE, type Scene } from "../scene.ts";
import { sceneAt } from "../scene-at.ts";
import { renderScene } from "./render.ts";
import { svgOf } from "./svg.ts";

const empty = (background: Scene["background"]): Scene => ({ girls: [], background, tone: PLAIN_TONE });

test.each([64, 128, 250, { width: 256, height: 96 }, { width: 72, height: 200 }])(
  "size %o is the picture's size",
  async (size) => {
    const { width, height } = typeof size === "number" ? { width: size, height: size } : size;
    const picture = await renderScene(sceneAt(11, { girls: 2 }), size);
    expect([picture.width, picture.height, picture.rgb.length]).toEqual([width, height, 3 * width * height]);
  },
);

test("plain backgrounds are their exact colour to the last pixel", async () => {
  for (const [colour, rgb] of Object.entries(PLAIN)) {
    const background = { kind: "plain", colour } as Scene["background"];
    for (const size of [64, { width: 100, height: 72 }]) {
      const picture = await renderScene(empty(background), size);
      expect(picture.rgb.every((value, i) => value === rgb[i % 3])).toBe(true);
    }
  }
  expect(measureColours(await renderScene(empty({ kind: "plain", colour: "white" }))).whiteShare).toBe(1);
  expect(measureColours(await renderScene(empty({ kind: "plain", colour: "black" }))).blackShare).toBe(1);
});

test("a gradient goes from the upper colour to the lower one", async () => {
  const { rgb } = await renderScene(empty({ kind: "gradient", top: "yellow", bottom: "blue" }), 128);
  const row = (y: number) => [0, 1, 2].map((c) => rgb[3 * 128 * y + c]!);
  const near = (a: readonly number[], b: readonly number[]) => a.every((value, c) => Math.abs(value - b[c]!) <= 2);
  expect(near(row(0), PLAIN.yellow)).toBe(true);
  expect(near(row(127), PLAIN.blue)).toBe(true);
  expect(
    near(
      row(64),
      PLAIN.yellow.map((value, c) => (value + PLAIN.blue[c]!) / 2),
    ),
  ).toBe(true);
});

test("the same scene is the same bytes, and each place looks unlike the others", async () => {
  const scene = sceneAt(4, { girls: 2 });
  expect(await renderScene(scene)).toEqual(await renderScene(scene));
  const pictures = await Promise.all(
    PLACES.map((place) => renderScene(empty({ kind: "place", place, detail: 1 }), 64)),
  );
  for (const [i, a] of pictures.entries()) {
    for (const b of pictures.slice(i + 1)) expect(meanDifference(a.rgb, b.rgb)).toBeGreaterThan(10);
  }
});

test("a larger drawing, shrunk, is the smaller one", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const scene = sceneAt(seed, { girls: 2, tones: "none" });
    const [small, large] = [await renderScene(scene, 64), await renderScene(scene, 256)];
    // Lines of one or two pixels fall on other pixels; places and colours do not.
    expect(meanDifference(atWorkingSize(large, 64).rgb, small.rgb)).toBeLessThan(6);
  }
});

test("a girl's hair is its colour at the crown", async () => {
  for (const [hair, rgb] of Object.entries(HAIR)) {
    const scene = sceneAt(8, { girls: 1, tones: "none" });
    const girl = {
      ...scene.girls[0]!,
      hair: hair as keyof typeof HAIR,
      pose: { ...scene.girls[0]!.pose, x: 0, y: 0, tilt: 0, scale: 1 },
    };
    const picture = await renderScene({ ...scene, girls: [girl] }, 128);
    // The layout's face is at (64, 63) and 1.22 times the drawing's size; the crown's colour is 32 units above it.
    const at = 3 * (128 * Math.round(63 - 32 * 1.22) + 64);
    expect([...picture.rgb.slice(at, at + 3)]).toEqual([...rgb]);
  }
});

test("tones reach the pixels: blur takes sharpness and sharpening gives it, muting takes saturation", async () => {
  const scene = sceneAt(12, { girls: 1, tones: "none" });
  const measured = async (tone: object) =>
    measureColours(await renderScene({ ...scene, tone: { ...PLAIN_TONE, ...tone } }), 64);
  const plain = await measured({});
  expect((await measured({ blur: 0.015 })).sharpness).toBeLessThan(plain.sharpness / 3);
  expect((await measured({ sharpening: 1 })).sharpness).toBeGreaterThan(1.5 * plain.sharpness);
  expect((await measured({ saturation: 0.4 })).saturation).toBeLessThan(0.6 * plain.saturation);
  expect((await measured({ brightness: -0.5 })).brightness).toBeCloseTo(plain.brightness / 2, 0);
});

test.each([{ blur: 0.006 }, { sharpening: 1 }])("the smallest pictures can have %o", async (tone) => {
  const scene = sceneAt(12, { girls: 1, tones: "none" });
  const picture = await renderScene({ ...scene, tone: { ...PLAIN_TONE, ...tone } }, 16);
  expect(picture.rgb).toHaveLength(3 * 16 * 16);
});

test("the drawing is an SVG of its own: no links, no fonts, nothing that could load", () => {
  for (const seed of [0, 1, 2, 3, 4, 5, 6, 7]) {
    const svg = svgOf(sceneAt(seed), 128);
    expect(svg).not.toMatch(/href|<text|<image|<style|NaN|undefined|Infinity/);
    expect(svg.length).toBeLessThan(40_000);
  }
});

test("sides that no picture has are refused", async () => {
  for (const size of [8, 12.5, 5000, { width: 64, height: Number.NaN }]) {
    await expect(renderScene(sceneAt(0), size)).rejects.toMatchObject({ code: "bad_option" });
  }
});

test("a process that has blocked SVG is told so", async () => {
  sharp.block({ operation: ["VipsForeignLoadSvg"] });
  try {
    await expect(renderScene(sceneAt(0))).rejects.toMatchObject({ code: "unsupported" });
  } finally {
    sharp.unblock({ operation: ["VipsForeignLoadSvg"] });
  }
});

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}
