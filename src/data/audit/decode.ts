/** @file Bytes of strangers to the pixels that are measured, all of them, through as little of the decoder as will do. */

import sharp, { type Metadata } from "sharp";
import type { Pixels } from "../../colour/index.ts";

/** So many take about 1 GB to be measured. */
export const MAX_PIXELS = 100e6;

/** Warnings count as errors: half of a picture is no picture. Of animations, the first frame. */
const READ = { failOn: "warning", limitInputPixels: MAX_PIXELS, limitInputChannels: 5, pages: 1 } as const;

/** Loaders of PNG, JPEG, WebP, AVIF, GIF and TIFF; the others of libvips, SVG and PDF among them, stay shut. */
const LOADERS = ["Png", "Jpeg", "Webp", "Heif", "Nsgif", "Tiff"].map((name) => `VipsForeignLoad${name}`);

/** For the whole process, and for good: only for one that does nothing else. */
export function restrictDecoder(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: LOADERS });
}

/** Reads no pixels, so that sides of any length are told. Throws whatever the decoder does. */
export function readHeader(bytes: Uint8Array): Promise<Metadata> {
  return sharp(bytes, { ...READ, limitInputPixels: false }).metadata();
}

export type DecodedPicture = Pixels & {
  /** Share of pixels that let the white behind them through, 0 to 1. */
  readonly transparentShare: number;
};

/** Turned upright, in 8-bit sRGB by the embedded profile, over white. Throws whatever the decoder does. */
export async function decodePicture(bytes: Uint8Array): Promise<DecodedPicture> {
  const { data, info } = await sharp(bytes, READ)
    .autoOrient()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { width, height, rgb: data, transparentShare: 0 };
  if (channels !== 4) throw new Error(`${channels} channels`);
  const transparent = layOverWhite(data, width * height);
  return { width, height, rgb: data.subarray(0, 3 * width * height), transparentShare: transparent / (width * height) };
}

/** In place: three bytes a pixel from the start. Returns how many pixels are not opaque. */
function layOverWhite(data: Uint8Array, pixels: number): number {
  let transparent = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = 4 * pixel;
    const to = 3 * pixel;
    const alpha = data[from + 3]!;
    const white = 255 * (255 - alpha);
    if (alpha < 255) transparent++;
    for (let c = 0; c < 3; c++) data[to + c] = Math.round((data[from + c]! * alpha + white) / 255);
  }
  return transparent;
}

/** A small picture for a page, upright and over white, as WebP; sides in pixels at most `side`. Throws whatever the decoder does. */
export function shrunkToWebp(bytes: Uint8Array, side: number): Promise<Uint8Array> {
  return sharp(bytes, READ)
    .autoOrient()
    .resize(side, side, { fit: "inside", withoutEnlargement: true })
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .webp({ quality: 72 })
    .toBuffer();
}
