/** @file PNG: pixels to a file, and the texts inside one. */

export { encodePng, type RgbImage } from "./encode.ts";
export { type PngText, readPngText, writePngText } from "./text.ts";
