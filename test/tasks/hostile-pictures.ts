/**
 * @file Pictures to try a decoder with: small files of every format in many kinds, which are there to be damaged, and bombs, files of some
 * bytes that ask for far more than they are.
 */

import { deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { below, damageBytes, pick, type Random } from "../fixtures/formats/mutations.ts";

const WIDTH = 24;
const HEIGHT = 18;

function picture(channels: 3 | 4, frames = 1): Sharp {
  const bytes = Uint8Array.from({ length: WIDTH * HEIGHT * frames * channels }, (_, i) => (i * i * 7) % 251);
  return sharp(bytes, { raw: { width: WIDTH, height: HEIGHT * frames, channels, pageHeight: HEIGHT } });
}

/** Files that are whole, by format. SVG is one that stays shut. */
export async function wholePictures(): Promise<Readonly<Record<string, readonly Uint8Array[]>>> {
  const [rgb, rgba, film] = [() => picture(3), () => picture(4), () => picture(3, 3)];
  const exif = { IFD0: { ImageDescription: "a picture", Artist: "nobody" } };
  const kinds: Readonly<Record<string, readonly Sharp[]>> = {
    png: [
      ...[rgb().png(), rgba().png(), rgb().png({ palette: true }), rgba().png({ progressive: true })],
      ...[rgb().toColourspace("rgb16").png(), rgb().withIccProfile("p3").withExif(exif).png()],
    ],
    jpeg: [
      ...[rgb().jpeg(), rgb().jpeg({ progressive: true }), rgb().toColourspace("b-w").jpeg()],
      ...[rgb().toColourspace("cmyk").jpeg(), rgb().withMetadata({ orientation: 6 }).withExif(exif).jpeg()],
    ],
    webp: [
      ...[rgb().webp(), rgba().webp(), rgba().webp({ lossless: true }), film().webp({ loop: 1 })],
      rgb().withIccProfile("p3").withExif(exif).webp(),
    ],
    avif: [
      rgb().avif({ effort: 0 }),
      rgba().avif({ effort: 0, lossless: true }),
      rgb().withExif(exif).avif({ effort: 0 }),
    ],
    gif: [rgb().gif(), rgba().gif({ interlaced: true } as object), film().gif()],
    tiff: [
      ...(["none", "lzw", "deflate", "jpeg", "packbits"] as const).map((compression) => rgb().tiff({ compression })),
      ...[rgba().tiff({ tile: true, tileWidth: 16, tileHeight: 16 }), rgb().tiff({ bigtiff: true, pyramid: true })],
      rgb().toColourspace("rgb16").tiff({ predictor: "horizontal", compression: "lzw" }),
    ],
  };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="red"/></svg>`;
  const files = await Promise.all(
    Object.entries(kinds).map(
      async ([format, all]) => [format, await Promise.all(all.map((one) => one.toBuffer()))] as const,
    ),
  );
  return { ...Object.fromEntries(files), svg: [Buffer.from(svg)] };
}

const u16 = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])));

const u32 = (...values: number[]) =>
  Buffer.concat(values.map((value) => u16(Math.floor(value / 65536), value % 65536)));

const backwards = (bytes: Uint8Array) => Buffer.from(bytes).reverse();

/** A chunk of a PNG with its length and checksum. */
function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  let crc = 0xffff_ffff;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return Buffer.concat([u32(data.length), body, u32((crc ^ 0xffff_ffff) >>> 0)]);
}

/** With the checksums of what its chunks are, as far as it can be read: a damaged one otherwise ends at the first of them. */
function withChecksums(png: Buffer): Buffer {
  const parts: Uint8Array[] = [png.subarray(0, 8)];
  let at = 8;
  while (at + 12 <= png.length && png.readUInt32BE(at) <= png.length - at - 12) {
    const length = png.readUInt32BE(at);
    parts.push(pngChunk(png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, at + 8 + length)));
    at += 12 + length;
  }
  return Buffer.concat([...parts, png.subarray(at)]);
}

/** Numbers at the ends of what two or four bytes hold, in both orders. */
const ENDS = ["0000", "ffff", "7fff", "ff7f", "00000000", "ffffffff", "7fffffff", "ffffff7f", "00010000", "00000100"];

/** One to three pieces of damage, half of them near the start, where sizes are. */
export function damaged(random: Random, format: string, files: readonly Uint8Array[]): Buffer {
  let bytes = Buffer.from(pick(random, files));
  const times = 1 + below(random, 3);
  for (let n = 0; n < times; n++) {
    const at = below(random, random() < 0.5 ? Math.min(96, bytes.length) : bytes.length);
    const kind = below(random, 5);
    if (kind === 0) Buffer.from(pick(random, ENDS), "hex").copy(bytes, at);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), pick(random, files).subarray(at)]);
    else bytes = Buffer.from(damageBytes(random, bytes));
  }
  return format === "png" && random() < 0.7 ? withChecksums(bytes) : bytes;
}

/** Of as many pixels as asked for, with data for a few. @param type bit depth, colour type, compression, filter, interlacing */
export function pngOfSize(width: number, height: number, type = [1, 0, 0, 0, 0], aside: Uint8Array[] = []): Buffer {
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", Buffer.concat([u32(width, height), Buffer.from(type)])),
    ...aside,
    pngChunk("IDAT", deflateSync(Buffer.alloc(1000))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

const gif = (width: number, height: number, frames: number): Buffer =>
  Buffer.concat([
    Buffer.from("GIF89a"),
    ...[backwards(u16(width)), backwards(u16(height)), Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255])],
    // A frame of one pixel.
    ...Array.from({ length: frames }, () => Buffer.from("2c00000000010001000002024401003b".slice(0, 30), "hex")),
    Buffer.from(";"),
  ]);

const riffChunk = (type: string, data: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(type), backwards(u32(data.length)), data, Buffer.alloc(data.length % 2)]);

const webp = (...chunks: Uint8Array[]): Buffer => riffChunk("RIFF", Buffer.concat([Buffer.from("WEBP"), ...chunks]));

/** @param sides less one, as the format has them */
const webpCanvas = (flags: number, ...sides: number[]): Buffer =>
  riffChunk(
    "VP8X",
    Buffer.concat([backwards(u32(flags)), ...sides.map((side) => backwards(u32(side)).subarray(0, 3))]),
  );

/** A TIFF of pages with these whole numbers, by tag; the last page goes on at `next`. */
function tiff(tags: Readonly<Record<number, number>>, pages = 1, next = 0): Buffer {
  const entries = Object.entries(tags);
  const length = 6 + 12 * entries.length;
  const page = (i: number) => [
    u16(entries.length),
    ...entries.map(([tag, value]) => Buffer.concat([u16(Number(tag), 4), u32(1, value)])),
    u32(i + 1 < pages ? 8 + length * (i + 1) : next),
  ];
  return Buffer.concat([Buffer.from("MM\0*"), u32(8), ...Array.from({ length: pages }, (_, i) => page(i)).flat()]);
}

const grey = (width: number, height: number) => ({
  ...{ 256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: height, 279: width * height },
});

const box = (type: string, ...parts: Uint8Array[]): Buffer => {
  const data = Buffer.concat(parts);
  return Buffer.concat([u32(8 + data.length), Buffer.from(type), data]);
};

/** The content of the first box of a type, wherever in the file it is. */
function boxIn(file: Buffer, type: string): Buffer {
  const at = file.indexOf(type);
  return file.subarray(at + 4, at - 4 + file.readUInt32BE(at - 4));
}

/** A grid whose every tile is one and the same small picture. */
async function avifGrid(rows: number, columns: number, side: number): Promise<Buffer> {
  const options = { width: side, height: side, channels: 3, background: "red" } as const;
  const tile = await sharp({ create: options }).avif({ effort: 0 }).toBuffer();
  const item = (id: number, type: string) => box("infe", u32(0x0200_0000), u16(id, 0), Buffer.from(`${type}\0`));
  const grid = Buffer.concat([Buffer.from([0, 1, rows - 1, columns - 1]), u32(columns * side, rows * side)]);
  const data = boxIn(tile, "mdat");
  const size = (width: number, height: number) => box("ispe", u32(0, width, height));
  const meta = (offset: number) =>
    box(
      "meta",
      u32(0),
      box("hdlr", boxIn(tile, "hdlr")),
      box("pitm", u32(0), u16(1)),
      box("iinf", u32(0), u16(2), item(1, "grid"), item(2, "av01")),
      box("iref", u32(0), box("dimg", u16(1, rows * columns, ...Array.from({ length: rows * columns }, () => 2)))),
      box(
        "iprp",
        box("ipco", size(columns * side, rows * side), size(side, side), box("av1C", boxIn(tile, "av1C"))),
        box("ipma", u32(0), u32(2), u16(1), Buffer.from([1, 1]), u16(2), Buffer.from([2, 2, 0x83])),
      ),
      box(
        "iloc",
        u32(0x0100_0000),
        u16(0x4400, 2),
        u16(1, 1, 0, 1),
        u32(0, grid.length),
        u16(2, 0, 0, 1),
        u32(offset, data.length),
      ),
      box("idat", grid),
    );
  const head = box("ftyp", boxIn(tile, "ftyp"));
  return Buffer.concat([head, meta(head.length + meta(0).length + 8), box("mdat", data)]);
}

/** The last scan of a progressive JPEG, which changes nothing, again and again. */
async function jpegOfScans(side: number, scans: number): Promise<Buffer> {
  const options = { width: side, height: side, channels: 3, background: "grey" } as const;
  const whole = await sharp({ create: options }).jpeg({ progressive: true }).toBuffer();
  const end = whole.length - 2;
  const scan = whole.subarray(whole.lastIndexOf(Buffer.from([0xff, 0xda])), end);
  return Buffer.concat([whole.subarray(0, end), ...Array.from({ length: scans }, () => scan), whole.subarray(end)]);
}

/** @param marker of a JPEG's segment @param segments as large as they may be */
function jpegWith(jpeg: Buffer, marker: number, segments: readonly Uint8Array[]): Buffer {
  const all = segments.map((data) => Buffer.concat([Buffer.from([0xff, marker]), u16(data.length + 2), data]));
  return Buffer.concat([jpeg.subarray(0, 2), ...all, jpeg.subarray(2)]);
}

/** The sides of a JPEG's frame header. */
function jpegOfSize(jpeg: Buffer, width: number, height: number): Buffer {
  const at = jpeg.indexOf(Buffer.from([0xff, 0xc0])) + 5;
  return Buffer.concat([jpeg.subarray(0, at), u16(height, width), jpeg.subarray(at + 4)]);
}

export type Bomb = readonly [name: string, bytes: Uint8Array];

export async function bombs(): Promise<readonly Bomb[]> {
  const jpeg = await picture(3).jpeg().toBuffer();
  const lossless = (await picture(4).webp({ lossless: true }).toBuffer()).subarray(12);
  const frame = Buffer.concat([
    Buffer.alloc(6),
    ...[WIDTH - 1, HEIGHT - 1, 10].map((n) => backwards(u32(n)).subarray(0, 3)),
    Buffer.alloc(1),
  ]);
  const film = (frames: number, chunk: Uint8Array) => [
    riffChunk("ANIM", Buffer.alloc(6)),
    ...Array.from({ length: frames }, () => riffChunk("ANMF", Buffer.concat([frame, chunk]))),
  ];
  const much = deflateSync(Buffer.alloc(200e6, " "));
  const small = (type: string, head: string) =>
    pngOfSize(8, 8, [1, 0, 0, 0, 0], [pngChunk(type, Buffer.concat([Buffer.from(head, "latin1"), much]))]);
  const large = Array.from({ length: 250 }, (_, i) =>
    Buffer.concat([Buffer.from(`ICC_PROFILE\0`), Buffer.from([i + 1, 250]), Buffer.alloc(65_000)]),
  );
  const exif = Buffer.concat([Buffer.from("Exif\0\0"), tiff({ 34665: 8 }, 1, 8)]);
  const tile = { 322: 2 ** 30, 323: 2 ** 30, 324: 0, 325: 100 };
  const laughs = Array.from({ length: 12 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join("");
  const image = '<image xlink:href="file:///etc/passwd" width="9" height="9"/>';
  return [
    ["png 60,000²", pngOfSize(60_000, 60_000)],
    ["png 60,000², 16-bit with alpha, interlaced", pngOfSize(60_000, 60_000, [16, 6, 0, 0, 1])],
    ["png 1 x 2³¹", pngOfSize(1, 2 ** 31 - 1)],
    ["png 2³¹ x 1", pngOfSize(2 ** 31 - 1, 1)],
    ["png 0 x 0", pngOfSize(0, 0)],
    ["png of 10,000² without its data", pngOfSize(10_000, 10_000, [8, 2, 0, 0, 0])],
    ["png zTXt of 200 MB", small("zTXt", "Comment\0\0")],
    ["png iTXt of 200 MB", small("iTXt", "Comment\0\x01\0\0\0")],
    ["png iCCP of 200 MB", small("iCCP", "profile\0\0")],
    ["png IDAT of 200 MB", small("IDAT", "")],
    [
      "png of 100,000 texts",
      pngOfSize(
        8,
        8,
        [1, 0, 0, 0, 0],
        Array.from({ length: 1e5 }, () => pngChunk("tEXt", Buffer.from("a\0b"))),
      ),
    ],
    ["jpeg 65,535²", jpegOfSize(jpeg, 65_535, 65_535)],
    ["jpeg of 9,900² without its data", jpegOfSize(jpeg, 9_900, 9_900)],
    ["jpeg of 5,000 scans", await jpegOfScans(4_000, 5_000)],
    ["jpeg ICC of 16 MB", jpegWith(jpeg, 0xe2, large)],
    ["jpeg EXIF in a circle", jpegWith(jpeg, 0xe1, [exif])],
    [
      "webp lossless 16,384²",
      webp(riffChunk("VP8L", Buffer.concat([Buffer.from("2fffffff0f", "hex"), Buffer.alloc(99)]))),
    ],
    ["webp canvas 16,777,216 x 255", webp(webpCanvas(2, 2 ** 24 - 1, 254), ...film(1, lossless))],
    ["webp of 10,000 frames", webp(webpCanvas(2, WIDTH - 1, HEIGHT - 1), ...film(10_000, lossless))],
    ["gif 65,535²", gif(65_535, 65_535, 1)],
    ["gif of 10,000 frames", gif(64, 64, 10_000)],
    ["gif of 10,000 frames, 2,000²", gif(2_000, 2_000, 10_000)],
    ["avif grid of 65,280 tiles, 267 megapixels", await avifGrid(255, 256, 64)],
    ["avif grid of 65,280 tiles, 65 megapixels", await avifGrid(255, 256, 32)],
    ["tiff 60,000²", tiff(grey(60_000, 60_000))],
    ["tiff 2³¹ x 2³¹", tiff(grey(2 ** 31 - 1, 2 ** 31 - 1))],
    ["tiff of 10,000² without its data", tiff(grey(10_000, 10_000))],
    ["tiff of 10,000 pages", tiff(grey(8, 8), 10_000)],
    ["tiff of pages in a circle", tiff(grey(8, 8), 2, 8)],
    ["tiff with tiles of 2³⁰", tiff({ ...grey(8, 8), ...tile })],
    ["tiff of 65,535 channels", tiff({ ...grey(8, 8), 277: 65_535 })],
    ["svg with a file in it", Buffer.from(`<svg xmlns:xlink="http://www.w3.org/1999/xlink">${image}</svg>`)],
    [
      "svg of a billion laughs",
      Buffer.from(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l0 "ha">${laughs}]><svg>&l12;</svg>`),
    ],
  ];
}
