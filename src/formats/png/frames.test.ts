/** @file Frames of animated PNGs, and of files that claim to be. */

import { expect, test } from "vitest";
import { pngChunk } from "./chunks.ts";
import { encodePng, pngFrames } from "./index.ts";

const still = encodePng({ width: 2, height: 1, rgb: Uint8Array.of(1, 2, 3, 1, 2, 3) });
/** Signature and IHDR. */
const HEAD = 33;

const actl = (...data: number[]) => pngChunk("acTL", Uint8Array.from(data));
const withChunks = (...chunks: Uint8Array[]) =>
  Buffer.concat([still.subarray(0, HEAD), ...chunks, still.subarray(HEAD)]);
const three = actl(0, 0, 0, 3, 0, 0, 0, 0);
const text = pngChunk("tEXt", Buffer.from("a\0acTL"));

test.each<[what: string, png: Uint8Array, frames: number]>([
  ["a still picture", still, 1],
  ["three frames", withChunks(three), 3],
  ["behind other chunks", withChunks(text, pngChunk("eXIf", new Uint8Array(70_000)), three), 3],
  ["a view into other bytes", Buffer.concat([still, withChunks(three)]).subarray(still.length), 3],
  ["as many as the format allows", withChunks(actl(0x7f, 255, 255, 255, 0, 0, 0, 0)), 2 ** 31 - 1],
  ["more than it allows", withChunks(actl(0x80, 0, 0, 0, 0, 0, 0, 0)), 1],
  ["none", withChunks(actl(0, 0, 0, 0, 0, 0, 0, 0)), 1],
  ["a chunk that is too short", withChunks(actl(0, 0, 0, 3)), 1],
  ["behind the pixels, where it does not count", Buffer.concat([still, three]), 1],
  ["behind too many chunks", withChunks(...Array.from({ length: 1000 }, () => text), three), 1],
  ["cut within its number", withChunks(three).subarray(0, HEAD + 14), 1],
  ["cut in the signature", still.subarray(0, 5), 1],
])("%s", (_, png, frames) => {
  expect(pngFrames(png)).toBe(frames);
});
