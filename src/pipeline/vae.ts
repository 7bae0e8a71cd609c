/** @file Latents to pictures and back, whole or in tiles. Latents here are scaled, as the UNet and the samplers see them. */

import type { VaeConfig } from "../models/sdxl/config.ts";
import { vaeFactor } from "../models/sdxl/config.ts";
import { float32, type Session } from "../runtime/runtime.ts";
import { imageFromPlanes, planesFromImage, type RgbImage } from "./image.ts";

/** Latents [channels, height, width] of one picture. */
export type Latents = { readonly data: Float32Array; readonly height: number; readonly width: number };

/** Tiles of at most so many latents a side, sharing at least so many with the next. */
export type Tiling = { readonly tile: number; readonly overlap: number };

/** 1024 pixels, the size that SDXL is made for. */
const LARGE: Tiling = { tile: 128, overlap: 32 };
/** 512 pixels, as other programs have it where memory is short. */
const SMALL: Tiling = { tile: 64, overlap: 16 };

type Extent = { readonly height: number; readonly width: number };

/**
 * "auto": tiles of 1024 pixels where a side is longer than that. "on": always at least two, of at most 512 pixels. "off": whole.
 *
 * @param extent in latents
 */
export function tilingFor(mode: "auto" | "on" | "off", { height, width }: Extent): Tiling | undefined {
  const longest = Math.max(height, width);
  if (mode === "off" || (mode === "auto" && longest <= LARGE.tile)) return undefined;
  if (mode === "auto") return LARGE;
  // Two tiles that share a quarter of each make 7/4 of one.
  const tile = Math.min(SMALL.tile, Math.ceil((4 * longest) / 7));
  return { tile, overlap: Math.floor(tile / 4) };
}

/** Height and width of the tiles, all of one size, or of the whole: what a run of the decoder reads. */
export function tileExtent({ height, width }: Extent, tiling: Tiling | undefined): Extent {
  if (!tiling) return { height, width };
  const side = (length: number) => spans(length, tiling)[0]!.end;
  return { height: side(height), width: side(width) };
}

/** What the decoder reads: scaling undone. */
export function unscaled(config: VaeConfig, { data, height, width }: Latents): Float32Array {
  const area = height * width;
  const { scalingFactor, shiftFactor = 0, latentsMean, latentsStd } = config;
  return data.map((v, i) => {
    const channel = Math.floor(i / area);
    if (latentsMean && latentsStd) return (v * latentsStd[channel]!) / scalingFactor + latentsMean[channel]!;
    return v / scalingFactor + shiftFactor;
  });
}

function scaled(config: VaeConfig, raw: Float32Array, area: number): Float32Array {
  const { scalingFactor, shiftFactor = 0, latentsMean, latentsStd } = config;
  return raw.map((v, i) => {
    const channel = Math.floor(i / area);
    if (latentsMean && latentsStd) return ((v - latentsMean[channel]!) * scalingFactor) / latentsStd[channel]!;
    return (v - shiftFactor) * scalingFactor;
  });
}

/**
 * One picture, its tiles (if any) blended linearly where they overlap. Each tile is normalised by its own statistics, so
 * tiled pictures differ slightly from whole ones; they need the memory of one tile.
 */
export async function* decodeLatents(
  session: Session,
  config: VaeConfig,
  latents: Latents,
  tiling?: Tiling,
): AsyncGenerator<{ tile: number; tiles: number }, RgbImage> {
  const factor = vaeFactor(config);
  const { height, width } = latents;
  const data = unscaled(config, latents);
  const decode = async (part: Float32Array, h: number, w: number) => {
    const { image } = await session.run({ latents: float32(part, [1, config.latentChannels, h, w]) });
    return image!.data as Float32Array;
  };
  if (!tiling || (height <= tiling.tile && width <= tiling.tile)) {
    return imageFromPlanes(await decode(data, height, width), width * factor, height * factor);
  }
  const rows = spans(height, tiling);
  const columns = spans(width, tiling);
  const sum = new Float32Array(3 * height * width * factor * factor);
  const weights = new Float32Array(height * width * factor * factor);
  let tile = 0;
  for (const row of rows) {
    for (const column of columns) {
      const [h, w] = [row.end - row.start, column.end - column.start];
      const planes = await decode(cut(data, latents, row.start, column.start, h, w), h, w);
      addTile(sum, weights, width * factor, planes, { row, column, factor, overlap: tiling.overlap * factor });
      tile++;
      yield { tile, tiles: rows.length * columns.length };
    }
  }
  const area = weights.length;
  for (let i = 0; i < sum.length; i++) sum[i]! /= weights[i % area]!;
  return imageFromPlanes(sum, width * factor, height * factor);
}

/** The mean of the picture's latents (their most likely value), scaled. */
export async function encodeImage(session: Session, config: VaeConfig, image: RgbImage): Promise<Latents> {
  const planes = planesFromImage(image);
  const { mean } = await session.run({ image: float32(planes, [1, 3, image.height, image.width]) }, ["mean"]);
  const [, , height, width] = mean!.shape as [number, number, number, number];
  return { data: scaled(config, mean!.data as Float32Array, height * width), height, width };
}

type Span = { readonly start: number; readonly end: number };

/** As few overlapping spans as do, of equal length, no longer than they must be to cover 0 … length. */
export function spans(length: number, { tile, overlap }: Tiling): Span[] {
  if (length <= tile) return [{ start: 0, end: length }];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  const own = Math.ceil((length + (count - 1) * overlap) / count);
  return Array.from({ length: count }, (_, i) => {
    const start = Math.round((i * (length - own)) / (count - 1));
    return { start, end: start + own };
  });
}

function cut(
  data: Float32Array,
  from: Latents,
  top: number,
  left: number,
  height: number,
  width: number,
): Float32Array {
  const channels = data.length / (from.height * from.width);
  const out = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const start = (c * from.height + top + y) * from.width + left;
      out.set(data.subarray(start, start + width), (c * height + y) * width);
    }
  }
  return out;
}

type Placement = { readonly row: Span; readonly column: Span; readonly factor: number; readonly overlap: number };

/** Adds a tile with weights that fall linearly towards its edges; dividing by their sum makes every seam a blend. */
function addTile(
  sum: Float32Array,
  weights: Float32Array,
  width: number,
  planes: Float32Array,
  { row, column, factor, overlap }: Placement,
): void {
  const h = (row.end - row.start) * factor;
  const w = (column.end - column.start) * factor;
  const ramp = (i: number, length: number) => Math.min(1, (i + 0.5) / overlap, (length - i - 0.5) / overlap);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const weight = ramp(y, h) * ramp(x, w);
      const at = (row.start * factor + y) * width + column.start * factor + x;
      weights[at]! += weight;
      for (let c = 0; c < 3; c++) sum[c * weights.length + at]! += weight * planes[(c * h + y) * w + x]!;
    }
  }
}
