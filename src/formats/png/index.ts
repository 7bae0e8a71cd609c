/** @file PNG: pixels to a file, and the texts and the number of frames inside one. */

export { encodePng, type RgbImage } from "./encode.ts";
export { pngFrames } from "./frames.ts";
export { type PngText, readPngText, writePngText } from "./text.ts";
