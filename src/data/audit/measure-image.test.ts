/** @file Images of every format and kind as they are measured, and files that are broken, hostile or no images. */

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesOf, type TiffSamples, tiffOf } from "../../../test/fixtures/formats/tiff.ts";
import { pngOfSize } from "../../../test/tasks/hostile-pictures.ts";
import { measureColours } from "../../colour/index.ts";
import { pngChunk } from "../../formats/png/chunks.ts";
import { restrictDecoder } from "./decode.ts";
import { type MeasureRequest, measureImage } from "./measure-image.ts";
import { type ImageFacts, NO_FACTS } from "./row.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "measure-"));
  restrictDecoder();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const WIDTH = 40;
const HEIGHT = 30;
const colourAt = (x: number, y: number) => [6 * x, 8 * y, x < 10 ? 0 : 100];

function picture(alpha?: (x: number, y: number) => number): Sharp {
  const channels = alpha === undefined ? 3 : 4;
  const bytes: number[] = [];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) bytes.push(...colourAt(x, y), ...(alpha === undefined ? [] : [alpha(x, y)]));
  }
  return sharp(Buffer.from(bytes), { raw: { width: WIDTH, height: HEIGHT, channels } });
}

async function saved(name: string, content: Uint8Array | string | Sharp): Promise<string> {
  const path = join(folder, name);
  const plain = typeof content === "string" || content instanceof Uint8Array;
  await writeFile(path, plain ? content : await content.toBuffer());
  return path;
}

async function measured(path: string, more: Partial<MeasureRequest> = {}): Promise<ImageFacts> {
  let facts: ImageFacts = NO_FACTS;
  for await (const event of measureImage({ path, workingSide: 32, ...more })) {
    if (event.type === "facts") facts = { ...facts, ...event.facts };
  }
  return facts;
}

const expectedMeasures = () => {
  const pixels = Array.from({ length: WIDTH * HEIGHT }, (_, i) => colourAt(i % WIDTH, Math.floor(i / WIDTH)));
  const rgb = Uint8Array.from(pixels.flat());
  const { workingSide: _, ...measures } = measureColours({ width: WIDTH, height: HEIGHT, rgb }, 32);
  return measures;
};

test("of a file that has been changed since it was found nothing is told, by whatever machine", async () => {
  const path = await saved("changed.png", picture().png());
  const { mtimeMs } = await stat(path);
  // As folders that keep whole seconds, or every other one, have it.
  for (const same of [mtimeMs, Math.floor(mtimeMs / 1000) * 1000, null]) {
    expect(await measured(path, { mtimeMs: same })).toMatchObject({ error: null, width: WIDTH });
  }
  for (const other of [mtimeMs - 5000, mtimeMs + 5000]) {
    expect(await measured(path, { mtimeMs: other })).toEqual({
      ...NO_FACTS,
      error: "changed",
      errorText: "changed since it was found; audit again",
    });
  }
});

test.each<[name: string, save: () => Sharp, format: string]>([
  ["a.png", () => picture().png(), "png"],
  ["sixteen.png", () => picture().toColourspace("rgb16").png(), "png"],
  ["opaque.png", () => picture(() => 255).png(), "png"],
  ["a.webp", () => picture().webp({ lossless: true }), "webp"],
  ["a.avif", () => picture().avif({ lossless: true }), "avif"],
  ["a.tif", () => picture().tiff({ compression: "lzw" }), "tiff"],
  ["wrong-name.jpg", () => picture().png(), "png"],
])("%s: a lossless file has the measures of its pixels", async (name, save, format) => {
  const path = await saved(name, save());
  const facts = await measured(path);
  expect(facts).toMatchObject({ format, width: WIDTH, height: HEIGHT, frames: 1, transparentShare: 0, error: null });
  expect(facts).toMatchObject(expectedMeasures());
  expect(facts.sha256).toBe(
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex"),
  );
});

test("JPEG and GIF, near enough", async () => {
  const { brightness } = expectedMeasures();
  for (const [name, image] of [
    ["a.jpg", picture().jpeg({ quality: 95 })],
    ["a.gif", picture().gif()],
  ] as const) {
    const facts = await measured(await saved(name, image));
    expect(facts.error).toBeNull();
    expect(Math.abs(facts.brightness! - brightness)).toBeLessThan(3);
  }
});

test("one coloured pixel, wherever it is, makes a picture not grey", async () => {
  for (const place of [0, 1, WIDTH * HEIGHT - 1]) {
    const rgb = Buffer.alloc(3 * WIDTH * HEIGHT, 90);
    rgb[3 * place + 2] = 91;
    const image = sharp(rgb, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).png();
    expect(await measured(await saved(`at-${place}.png`, image))).toMatchObject({ channels: 3, greyscale: false });
  }
});

test("grey, alpha, orientation, profile and frames are told", async () => {
  const grey = await measured(await saved("grey.jpg", picture().toColourspace("b-w").jpeg()));
  expect(grey).toMatchObject({ channels: 1, greyscale: true, hasAlpha: false, saturation: 0, hasProfile: false });
  const greyAlpha = await measured(
    await saved("ga.png", PNG.sync.write(new PNG({ width: 4, height: 4, colorType: 4 }), { colorType: 4 })),
  );
  expect(greyAlpha).toMatchObject({ channels: 2, greyscale: true, hasAlpha: true, transparentShare: 1, whiteShare: 1 });
  const half = await measured(await saved("half.png", picture((x) => (x < WIDTH / 2 ? 0 : 255)).png()));
  expect(half).toMatchObject({ channels: 4, hasAlpha: true, transparentShare: 0.5, greyscale: false });
  expect(half.whiteShare).toBe(0.5);
  const turned = await measured(await saved("turned.jpg", picture().withMetadata({ orientation: 6 }).jpeg()));
  expect(turned).toMatchObject({ width: HEIGHT, height: WIDTH, orientation: 6 });
  const plain = await measured(await saved("plain.png", picture().png()));
  expect(plain).toMatchObject({ orientation: null, hasProfile: false, channels: 3, hasAlpha: false, greyscale: false });
  const p3 = await measured(await saved("p3.png", picture().withIccProfile("p3").png()));
  expect(p3.hasProfile).toBe(true);
  // Eight bits there and back, a unit each.
  expect(Math.abs(p3.saturation! - plain.saturation!)).toBeLessThan(2);
  const frames = [0, 100, 200].map((value) => Buffer.alloc(3 * 16 * 16, value));
  const animated = sharp(Buffer.concat(frames), { raw: { width: 16, height: 48, channels: 3, pageHeight: 16 } });
  const gif = await measured(await saved("animated.gif", animated.gif()));
  expect(gif).toMatchObject({ width: 16, height: 16, frames: 3, blackShare: 1, dhash: null });
  const still = await picture().png().toBuffer();
  // Behind the signature and the header.
  const animation = pngChunk("acTL", Uint8Array.of(0, 0, 0, 3, 0, 0, 0, 0));
  const apng = await saved("a.apng", Buffer.concat([still.subarray(0, 33), animation, still.subarray(33)]));
  expect(await measured(apng)).toMatchObject({ ...expectedMeasures(), error: null, frames: 3 });
});

test("CMYK is made sRGB", async () => {
  const facts = await measured(await saved("cmyk.jpg", picture().toColourspace("cmyk").jpeg({ quality: 95 })));
  expect(facts).toMatchObject({ channels: 4, hasAlpha: false, error: null, transparentShare: 0 });
});

test("bytes inside another file", async () => {
  const png = await picture().png().toBuffer();
  const path = await saved("inside.tar", Buffer.concat([Buffer.alloc(700, "x"), png, Buffer.alloc(300)]));
  expect(await measured(path, { range: { offset: 700, length: png.length } })).toEqual(
    await measured(await saved("whole.png", png)),
  );
  const beyond = await measured(path, { range: { offset: 700, length: 1e6 } });
  expect(beyond).toMatchObject({ error: "unreadable", sha256: null });
});

test("what has no measures says why", async () => {
  const png = await picture().png().toBuffer();
  const jpeg = await picture().jpeg().toBuffer();
  const files: Record<string, [Uint8Array | string, string]> = {
    "empty.png": ["", "not_a_picture"],
    "text.jpg": ["no picture", "not_a_picture"],
    "drawing.png": ['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "not_a_picture"],
    "page.jpg": ["<!DOCTYPE html><html></html>", "not_a_picture"],
    "pointer.png": ["version https://git-lfs.github.com/spec/v1\noid sha256:0", "not_a_picture"],
    "start.png": [png.subarray(0, 20), "broken"],
    "cut.png": [png.subarray(0, png.length - 40), "broken"],
    "cut.jpg": [jpeg.subarray(0, jpeg.length - 200), "broken"],
    "bomb.png": [pngOfSize(60_000, 60_000), "too_large"],
    "line.png": [pngOfSize(1, 2 ** 31 - 1), "broken"],
  };
  for (const [name, [content, error]] of Object.entries(files)) {
    const facts = await measured(await saved(name, content));
    expect([name, facts.error, facts.contrast]).toEqual([name, error, null]);
    expect(facts.errorText).toMatch(/\w/);
    expect(facts.errorText).not.toContain(folder);
    expect(facts.sha256).toBe(createHash("sha256").update(content).digest("hex"));
  }
  expect(await measured(join(folder, "none.png"))).toEqual({
    ...NO_FACTS,
    error: "missing",
    errorText: "no such file",
  });
  expect(await measured(join(folder, "\ufffd.png"))).toMatchObject({
    error: "unreadable",
    errorText: "its name is not UTF-8; rename it",
  });
  await mkdir(join(folder, "folder.png"));
  expect(await measured(join(folder, "folder.png"))).toMatchObject({ error: "unreadable", sha256: null });
});

const RAMP = Array.from({ length: 256 }, (_, i) => i / 255);

/** What a file does not say the black and the white of would be measured by a guess. */
test.each<[kind: string, samples: TiffSamples, data: Uint8Array]>([
  ["float", { bits: 32, of: "floating" }, bytesOf(RAMP, 4, (view, at, v) => view.setFloat32(at, v))],
  ["float", { bits: 32, of: "floating", colours: "rgb" }, new Uint8Array(3072)],
  ["double", { bits: 64, of: "floating" }, bytesOf(RAMP, 8, (view, at, v) => view.setFloat64(at, v))],
  ["complex", { bits: 64, of: "complex" }, bytesOf(RAMP, 8, (view, at, v) => view.setFloat32(at, v))],
  ["uint", { bits: 32, of: "whole" }, bytesOf(RAMP, 4, (view, at, v) => view.setUint32(at, v * 0xffff_ffff))],
  ["int", { bits: 32, of: "signed" }, bytesOf(RAMP, 4, (view, at, v) => view.setInt32(at, v * 0x7fff_ffff))],
  ["short", { bits: 16, of: "signed" }, bytesOf(RAMP, 2, (view, at, v) => view.setInt16(at, v * 0x7fff))],
  ["char", { bits: 8, of: "signed" }, bytesOf(RAMP, 1, (view, at, v) => view.setInt8(at, v * 127))],
  ["CIELAB", { bits: 8, of: "whole", colours: "cielab" }, new Uint8Array(768).fill(100)],
])("a TIFF of samples that are %s is named as that, not measured", async (kind, samples, data) => {
  const facts = await measured(await saved("samples.tif", tiffOf(16, samples, data)));
  expect(facts).toMatchObject({ error: "not_a_picture", format: "tiff", brightness: null, dhash: null });
  expect(facts.errorText).toContain(kind);
});

test("samples that have a black and a white are measured: grey of 8 and 16 bits, CIELAB of 16, AVIF of 10 and 12", async () => {
  const mean = 127.5;
  const ramps = [
    tiffOf(
      16,
      { bits: 8, of: "whole" },
      bytesOf(RAMP, 1, (view, at, v) => view.setUint8(at, v * 255)),
    ),
    tiffOf(
      16,
      { bits: 16, of: "whole" },
      bytesOf(RAMP, 2, (view, at, v) => view.setUint16(at, v * 0xffff)),
    ),
  ];
  for (const ramp of ramps) {
    const { brightness, error } = await measured(await saved("ramp.tif", ramp));
    expect(error).toBeNull();
    expect(Math.abs(brightness! - mean)).toBeLessThan(1);
  }
  // L* of 50 is a grey of 119 in sRGB.
  const middle = bytesOf(RAMP, 6, (view, at) => view.setUint16(at, 0x8000));
  const lab = await measured(await saved("lab.tif", tiffOf(16, { bits: 16, of: "whole", colours: "cielab" }, middle)));
  expect(lab).toMatchObject({ error: null, greyscale: true });
  expect(Math.abs(lab.brightness! - 119)).toBeLessThan(1);
  for (const bitdepth of [10, 12] as const) {
    expect(await measured(await saved("deep.avif", picture().avif({ bitdepth, effort: 0 })))).toMatchObject({
      error: null,
    });
  }
});

test("a loader that is not needed stays shut", async () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  await expect(sharp(svg).metadata()).rejects.toThrow(/unsupported image format/);
});
