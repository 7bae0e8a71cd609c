import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { PNG } from "pngjs";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tiffOf } from "../../../test/fixtures/formats/tiff.ts";
import { type Cut, decodeImage, readImageHeader } from "./decode.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "decode-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const WIDTH = 8;
const HEIGHT = 6;
const colourAt = (x: number, y: number) => [30 * x, 40 * y, 100];
const whole: Cut = {
  resized: { width: WIDTH, height: HEIGHT },
  left: 0,
  top: 0,
  size: { width: WIDTH, height: HEIGHT },
  flipped: false,
};

/** Every colour differs, so that no exchange of places goes unseen. */
function picture(alpha?: (x: number, y: number) => number): Sharp {
  const bytes: number[] = [];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) bytes.push(...colourAt(x, y), ...(alpha === undefined ? [] : [alpha(x, y)]));
  }
  return sharp(Buffer.from(bytes), { raw: { width: WIDTH, height: HEIGHT, channels: alpha === undefined ? 3 : 4 } });
}

async function saved(name: string, image: Sharp): Promise<string> {
  const path = join(folder, name);
  await image.toFile(path);
  return path;
}

function expected(width: number, height: number, at: (x: number, y: number) => number[]): number[] {
  return Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width))).flat();
}

const furthest = (a: Uint8Array, b: readonly number[]) => Math.max(...b.map((value, i) => Math.abs(value - a[i]!)));

/** Lossless files give the very bytes; a JPEG at quality 100 rounds by up to three. */
test.each<[name: string, save: () => Sharp, tolerance: number]>([
  ["8.png", () => picture().png(), 0],
  ["16.png", () => picture().toColourspace("rgb16").png(), 0],
  ["palette.png", () => picture().png({ palette: true }), 0],
  ["opaque.png", () => picture(() => 255).png(), 0],
  ["lossless.webp", () => picture().webp({ lossless: true }), 0],
  ["lossless.avif", () => picture().avif({ lossless: true }), 0],
  ["picture.gif", () => picture().gif(), 0],
  ["lzw.tif", () => picture().tiff({ compression: "lzw" }), 0],
  ["best.jpg", () => picture().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }), 3],
])("%s gives the pixels that were written", async (name, save, tolerance) => {
  const path = await saved(name, save());
  const { rgb, width, height, transparent } = await decodeImage(path, whole);
  expect([width, height, transparent]).toEqual([WIDTH, HEIGHT, 0]);
  expect(furthest(rgb, expected(WIDTH, HEIGHT, colourAt))).toBeLessThanOrEqual(tolerance);
});

test("an embedded profile is obeyed: Display P3 comes back as the sRGB that it was made from", async () => {
  const path = await saved("p3.png", picture().withIccProfile("p3").png());
  const stored = PNG.sync.read(await readFile(path)).data.filter((_, i) => i % 4 !== 3);
  expect(furthest(stored, expected(WIDTH, HEIGHT, colourAt))).toBeGreaterThan(20);
  // Eight bits there and eight bits back: a unit each.
  expect(furthest((await decodeImage(path, whole)).rgb, expected(WIDTH, HEIGHT, colourAt))).toBeLessThanOrEqual(2);
});

test("grey pictures, of 8 and of 16 bits, have three equal channels", async () => {
  for (const space of ["b-w", "grey16"]) {
    const { rgb } = await decodeImage(await saved(`${space}.png`, picture().toColourspace(space).png()), whole);
    expect(rgb.length).toBe(3 * WIDTH * HEIGHT);
    const uneven = rgb.filter((value, i) => value !== rgb[i - (i % 3)]);
    expect(uneven.length).toBe(0);
    expect(new Set(rgb).size).toBeGreaterThan(10);
  }
});

test("a picture is cut where it is asked, and flipped after that", async () => {
  const path = await saved("cut.png", picture().png());
  const cut = { ...whole, left: 3, top: 2, size: { width: 4, height: 3 } };
  const { rgb } = await decodeImage(path, cut);
  expect([...rgb]).toEqual(expected(4, 3, (x, y) => colourAt(x + 3, y + 2)));
  const turned = await decodeImage(path, { ...cut, flipped: true });
  expect([...turned.rgb]).toEqual(expected(4, 3, (x, y) => colourAt(3 - x + 3, y + 2)));
});

/** Orientation 6: the file's left column is the top row as seen, from right to left. */
test("the EXIF orientation is obeyed, by the header too", async () => {
  const path = await saved("turned.png", picture().withMetadata({ orientation: 6 }).png());
  expect(await readImageHeader(path)).toEqual({ width: HEIGHT, height: WIDTH, hasAlpha: false });
  const upright = { width: HEIGHT, height: WIDTH };
  const { rgb } = await decodeImage(path, { ...whole, resized: upright, size: upright });
  expect([...rgb]).toEqual(expected(HEIGHT, WIDTH, (x, y) => colourAt(y, HEIGHT - 1 - x)));
});

test("transparency lies over white, and is counted", async () => {
  const path = await saved("alpha.png", picture((x) => (x < 2 ? 0 : x < 4 ? 51 : 255)).png());
  expect((await readImageHeader(path)).hasAlpha).toBe(true);
  const { rgb, transparent } = await decodeImage(path, whole);
  expect(transparent).toBe(4 * HEIGHT);
  const shown = (x: number, y: number) => {
    const share = x < 2 ? 0 : x < 4 ? 0.2 : 1;
    return colourAt(x, y).map((value) => Math.round(value * share + 255 * (1 - share)));
  };
  // One unit, for the rounding of the multiplied colours inside the resizer.
  expect(furthest(rgb, expected(WIDTH, HEIGHT, shown))).toBeLessThanOrEqual(1);
});

/** Lanczos weights sum to 1 and are even, so constants stay, and so do ramps away from the edge. */
test("shrinking keeps flat colours and ramps, and makes no transparency", async () => {
  const side = 96;
  const bytes = Buffer.from(expected(side, side, (x) => [2 * x, 77, 200]));
  const path = await saved("ramp.png", sharp(bytes, { raw: { width: side, height: side, channels: 3 } }).png());
  const size = { width: 32, height: 32 };
  const { rgb, transparent } = await decodeImage(path, { ...whole, resized: size, size });
  expect(transparent).toBe(0);
  for (let x = 4; x < 28; x++) {
    // Pixel x covers 3x to 3x + 2, whose middle is 3x + 1; a unit for rounding.
    expect(Math.abs(rgb[3 * (32 * 16 + x)]! - 2 * (3 * x + 1))).toBeLessThanOrEqual(1);
    expect([rgb[3 * (32 * 16 + x) + 1], rgb[3 * (32 * 16 + x) + 2]]).toEqual([77, 200]);
  }
});

test("what is no picture is refused by name", async () => {
  const png = await picture().png().toBuffer();
  const files: Record<string, Uint8Array | string> = {
    "empty.png": "",
    "text.jpg": "not a picture",
    "drawing.png": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "short.png": png.subarray(0, 20),
    "truncated.png": png.subarray(0, png.length - 30),
  };
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(path, content);
    const refused = { code: "bad_file", message: expect.stringContaining(`${path}: `) };
    await expect(decodeImage(path, whole)).rejects.toMatchObject(refused);
  }
  await expect(readImageHeader(join(folder, "none.png"))).rejects.toMatchObject({ code: "missing_file" });
  await expect(readImageHeader(folder)).rejects.toMatchObject({ code: "bad_file" });
});

test("a TIFF of samples without a black and a white is refused by its header", async () => {
  const path = join(folder, "samples.tif");
  await writeFile(path, tiffOf(8, { bits: 32, of: "floating" }, new Uint8Array(256)));
  const refused = (kind: string) => ({ code: "bad_file", message: expect.stringContaining(`${path}: ${kind}`) });
  await expect(readImageHeader(path)).rejects.toMatchObject(refused("floating-point samples (float)"));
  await writeFile(path, tiffOf(8, { bits: 8, of: "whole", colours: "cielab" }, new Uint8Array(192)));
  await expect(readImageHeader(path)).rejects.toMatchObject(refused("8-bit CIELAB"));
});

test("a damaged file gives a picture or an error that names it, nothing else", async () => {
  const png = await picture().png().toBuffer();
  const jpeg = await picture().jpeg().toBuffer();
  const path = join(folder, "damaged");
  const change = fc.tuple(fc.boolean(), fc.nat(), fc.nat(255), fc.nat());
  await fc.assert(
    fc.asyncProperty(change, async ([first, at, value, length]) => {
      const bytes = Uint8Array.from(first ? png : jpeg);
      bytes[at % bytes.length] = value;
      await writeFile(path, length % 3 === 0 ? bytes.subarray(0, length % bytes.length) : bytes);
      const outcome = await decodeImage(path, whole).catch((error: unknown) => error);
      if (outcome instanceof Error)
        expect(outcome).toMatchObject({ code: "bad_file", message: expect.stringContaining(path) });
      else expect(outcome).toMatchObject({ width: WIDTH, height: HEIGHT });
    }),
    { numRuns: 150 },
  );
});
