/** @file Texts in PNG files: against Pillow's files, read back by sharp (libpng), and from damaged or hostile files. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { PNG } from "pngjs";
import sharp from "sharp";
import { expect, test } from "vitest";
import { cpuTime } from "../../../test/fixtures/formats/cpu-time.ts";
import { below, damageBytes, joined, pick, seededRandom } from "../../../test/fixtures/formats/mutations.ts";
import { IllustriousError } from "../../base/error.ts";
import { PNG_SIGNATURE, type PngChunk, pngChunk, pngChunks } from "./chunks.ts";
import { encodePng, type PngText, readPngText, writePngText } from "./index.ts";

type Case = { name: string; key: string; value: string; plain: boolean; file: string };
const fixture = join(import.meta.dirname, "../../../test/fixtures/formats/png-text.json");
const pillow = JSON.parse(readFileSync(fixture, "utf8")) as Case[];

const image = { width: 2, height: 1, rgb: Uint8Array.of(1, 2, 3, 1, 2, 3) };
const isText = ({ type }: { type: string }) => /^(tEXt|zTXt|iTXt)$/.test(type);
const bytesOf = (png: Uint8Array, { start, end }: PngChunk) => Buffer.from(png).toString("latin1", start, end);
const textChunks = (png: Uint8Array) => [...pngChunks(png)].filter(isText).map((chunk) => bytesOf(png, chunk));

test.each(pillow)("reads Pillow's text: $name", ({ key, value, file }) => {
  expect(readPngText(Buffer.from(file, "base64"))).toEqual([[key, value]]);
});

test.each(pillow.filter((c) => c.plain))("writes Pillow's bytes: $name", ({ key, value, file }) => {
  expect(textChunks(encodePng(image, [[key, value]]))).toEqual(textChunks(Buffer.from(file, "base64")));
});

/** What PNG text cannot hold, and becomes. */
const held = (value: string) => value.replace(/\0|\p{Surrogate}/gu, "\ufffd");

const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map((c) => String.fromCharCode(c)) }),
  // Lone surrogates and zeros among the rest.
  fc.string({ unit: fc.constantFrom("\0", "\ud83d", "\ude00", "👩‍👩‍👧", "\u200d", "a", "é", "\ufeff", "\r\n") }),
);

test("1,000 texts come back as they were, but for zeros and half surrogates", () => {
  const property = fc.property(fc.array(fc.tuple(fc.constantFrom("parameters", "prompt", "ä"), anyText)), (texts) => {
    const read = readPngText(encodePng(image, texts));
    expect(read).toEqual(texts.map(([key, value]) => [key, held(value)]));
  });
  fc.assert(property, { numRuns: 1000 });
});

const latin = (text: string) => Buffer.from(text, "latin1");
const utf8 = (text: string) => Buffer.from(text, "utf8");

test.each<[string, Uint8Array, string]>([
  ["UTF-8, as stable-diffusion.cpp writes it", utf8("1girl, 初音ミク, é"), "1girl, 初音ミク, é"],
  ["UTF-8 with its mark", utf8("\ufeffé"), "\ufeffé"],
  ["Latin-1", latin("é, ñ, ÿ"), "é, ñ, ÿ"],
  ["Latin-1 but for one letter of UTF-8", joined(utf8("é"), latin("é")), "Ã©é"],
  ["UTF-8 that is cut off", utf8("é初").subarray(0, 4), "Ã©å\u0088"],
])("plain text that is %s", (_, bytes, expected) => {
  expect(readPngText(withChunk("tEXt", joined(latin("k\0"), bytes)))).toEqual([["k", expected]]);
  expect(readPngText(withChunk("zTXt", joined(latin("k\0\0"), deflateSync(bytes))))).toEqual([["k", expected]]);
});

test("Latin-1 letters whose bytes pass for UTF-8 are written as UTF-8, and come back", () => {
  for (const [value, type] of [
    ["é", "tEXt"],
    ["Ã©", "iTXt"],
    ["cafÃ©, é", "tEXt"],
  ] as const) {
    const png = encodePng(image, [["k", value]]);
    expect([...pngChunks(png)].find(isText)!.type).toBe(type);
    expect(readPngText(png)).toEqual([["k", value]]);
  }
});

test("libpng reads the same texts, and the same pixels", async () => {
  const texts: PngText[] = [
    // Not "é": sharp takes tEXt for UTF-8, where the format has Latin-1. Pillow's files above hold that.
    ["parameters", "plain"],
    ["prompt", '{"3":{"inputs":{"text":"初音ミク 👩‍👩‍👧‍👦"}}}'],
    ["zero", "a\0b\ud83dc"],
    ["long", "a tag, ".repeat(150_000)],
    ["long and wide", "札, ".repeat(350_000)],
  ];
  const png = encodePng(image, texts);
  const { comments } = await sharp(png).metadata();
  expect(comments?.map(({ keyword, text }) => [keyword, text])).toEqual(texts.map(([k, v]) => [k, held(v)]));
  expect([...(await sharp(png).raw().toBuffer())]).toEqual([...image.rgb]);
  expect([...PNG.sync.read(Buffer.from(png)).data]).toEqual([1, 2, 3, 255, 1, 2, 3, 255]);
});

test("a picture of another program keeps its pixels and its other chunks; same keys are replaced wherever they stand", async () => {
  const raw = Buffer.from(Array.from({ length: 48 }, (_, i) => i * 5));
  const theirs = await sharp(raw, { raw: { width: 4, height: 4, channels: 3 } })
    .withMetadata({ density: 300 })
    .png({ palette: false })
    .toBuffer();
  const old = writePngText(theirs, [
    ["parameters", "old"],
    ["Software", "theirs"],
  ]);
  // Behind the pixels, too.
  const iend = old.length - 12;
  const late = joined(old.subarray(0, iend), pngChunk("tEXt", Buffer.from("parameters\0late")), old.subarray(iend));
  const png = writePngText(late, [
    ["parameters", "new, 新"],
    ["prompt", "{}"],
  ]);
  expect(readPngText(png)).toEqual([
    ["Software", "theirs"],
    ["parameters", "new, 新"],
    ["prompt", "{}"],
  ]);
  expect([...pngChunks(png)].filter(isText)).toHaveLength(3);
  const others = (file: Uint8Array) => [...pngChunks(file)].filter((c) => !isText(c)).map((c) => bytesOf(file, c));
  expect(others(png)).toEqual(others(theirs));
  expect((await sharp(png).raw().toBuffer()).equals(raw)).toBe(true);
  expect(writePngText(png, [["prompt", "{}"]])).toEqual(writePngText(png, [["prompt", "{}"]]));
  expect(readPngText(writePngText(png, []))).toEqual(readPngText(png));
});

test.each(["", " a", "a ", "a  b", "é\u0100", "a\0b", "a\n", "\u00a0", "x".repeat(80), "\ud800"])(
  "the key %j is refused",
  (key) => {
    expect(() => encodePng(image, [[key, "v"]])).toThrow(expect.objectContaining({ code: "bad_option" }));
  },
);

test.each(["a", "x".repeat(79), "a b c", "ä", "~!"])("the key %j is allowed", (key) => {
  expect(readPngText(encodePng(image, [[key, "v"]]))).toEqual([[key, "v"]]);
});

/** A file with one more chunk before its pixels, or before its end. */
function withChunk(type: string, data: Uint8Array, times = 1): Uint8Array {
  const png = encodePng(image);
  const chunk = pngChunk(type, data);
  return joined(png.subarray(0, 33), ...Array.from({ length: times }, () => chunk), png.subarray(33));
}

const bomb = deflateSync(Buffer.alloc(200 * 2 ** 20), { level: 9 });

test.each<[RegExp, Uint8Array]>([
  [/PNG's signature/, new Uint8Array(0)],
  [/PNG's signature/, latin("GIF89a")],
  [/ends at byte 8, before its IEND/, PNG_SIGNATURE],
  [/ends at byte \d+, before its IEND/, writePngText(encodePng(image), []).slice(0, 40)],
  [/first chunk is IDAT/, joined(PNG_SIGNATURE, pngChunk("IDAT", new Uint8Array(3)))],
  [/no chunk's type/, withChunk("a\0b1", new Uint8Array(0))],
  [
    /declares 4294967295 bytes/,
    joined(PNG_SIGNATURE, Uint8Array.of(255, 255, 255, 255), latin("IHDR"), new Uint8Array(9)),
  ],
  [
    /declares 100 bytes, and 5 follow/,
    joined(PNG_SIGNATURE, Uint8Array.of(0, 0, 0, 100), latin("IHDR"), new Uint8Array(9)),
  ],
  [
    /tEXt chunk at byte 33 does not match its checksum/,
    withChunk("tEXt", latin("k\0v")).map((b, i) => b ^ Number(i === 43)),
  ],
  [/no key of 1 to 79 bytes/, withChunk("tEXt", latin("no zero"))],
  [/no key of 1 to 79 bytes/, withChunk("tEXt", latin("\0v"))],
  [/no key of 1 to 79 bytes/, withChunk("zTXt", latin(`${"k".repeat(80)}\0v`))],
  [/no key of 1 to 79 bytes/, withChunk("iTXt", new Uint8Array(0))],
  [/compressed by method undefined/, withChunk("zTXt", latin("k\0"))],
  [/compressed by method 1/, withChunk("zTXt", latin("k\0\x01abc"))],
  [/cannot be unpacked/, withChunk("zTXt", latin("k\0\0abc"))],
  [/breaks off before its text/, withChunk("iTXt", latin("k\0"))],
  [/breaks off before its text/, withChunk("iTXt", latin("k\0\0\0"))],
  [/breaks off before its text/, withChunk("iTXt", latin("k\0\0\0en"))],
  [/breaks off before its text/, withChunk("iTXt", latin("k\0\0\0en\0key"))],
  [/is not UTF-8/, withChunk("iTXt", latin("k\0\0\0\0\0\xff"))],
  [/compressed by method 7/, withChunk("iTXt", latin("k\0\x01\x07\0\0abc"))],
  [/more than 64 texts/, withChunk("tEXt", latin("k\0v"), 65)],
  [/unpacks to more than 16777216 bytes/, withChunk("zTXt", joined(latin("k\0\0"), bomb))],
  [/unpacks to more than 16777216 bytes/, withChunk("iTXt", joined(latin("k\0\x01\0\0\0"), bomb))],
  [/holds 16777217 bytes/, withChunk("tEXt", joined(latin("k\0"), new Uint8Array(2 ** 24 + 1)))],
  [/more than 33554432 characters/, withChunk("zTXt", joined(latin("k\0\0"), deflateSync(Buffer.alloc(2 ** 24))), 3)],
])("refuses: %s", (message, png) => {
  const rss = process.memoryUsage().rss;
  const refuse = () =>
    expect(() => readPngText(png)).toThrow(
      expect.objectContaining({ code: "bad_file", message: expect.stringMatching(message) }),
    );
  // The limits of the test plan (R6), ten times over in time, for a busy machine.
  expect(cpuTime(refuse)).toBeLessThan(1000);
  expect(process.memoryUsage().rss - rss).toBeLessThan(100 * 2 ** 20);
});

test("64 texts are allowed, and what follows IEND is not looked at", () => {
  expect(readPngText(withChunk("tEXt", latin("k\0v"), 64))).toHaveLength(64);
  const trailing = joined(encodePng(image, [["a", "b"]]), latin("PK\x03\x04"));
  expect(readPngText(trailing)).toEqual([["a", "b"]]);
  expect(writePngText(trailing, [["a", "c"]])).toEqual(encodePng(image, [["a", "c"]]));
});

test("20,000 damaged files: only typed errors", () => {
  const random = seededRandom(2);
  const whole = encodePng(image, [
    ["parameters", "plain"],
    ["prompt", "広い"],
  ]);
  const packed = joined(latin("k\0\0"), deflateSync(latin("packed ".repeat(20))));
  const seeds = [
    whole,
    withChunk("zTXt", packed),
    withChunk("iTXt", joined(latin("k\0\x01\0en\0\0"), packed.subarray(3))),
  ];
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    let bytes = damageBytes(random, pick(random, seeds));
    if (random() < 0.5) bytes = withChecksums(bytes);
    if (below(random, 3) === 0) bytes = damageBytes(random, bytes);
    try {
      readPngText(bytes);
      read++;
      writePngText(bytes, [["parameters", "x"]]);
    } catch (error) {
      if (!(error instanceof IllustriousError) || error.code !== "bad_file") throw error;
    }
  }
  expect(read).toBeGreaterThan(1000);
});

/** Makes the checksums right again, or nearly all damage would end at them. */
function withChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts = [bytes.subarray(0, 8)];
  let at = 8;
  while (at + 12 <= bytes.length && at + 12 + view.getUint32(at) <= bytes.length) {
    const end = at + 12 + view.getUint32(at);
    parts.push(
      pngChunk(Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1"), bytes.subarray(at + 8, end - 4)),
    );
    at = end;
  }
  return joined(...parts, bytes.subarray(at));
}
