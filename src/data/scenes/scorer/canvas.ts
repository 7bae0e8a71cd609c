/** @file A picture made comparable: one pixel a unit of the layout, in OKLab, whose distances are roughly those that people see. */

import { atWorkingSize, type Pixels } from "../../../colour/index.ts";
import type { Rgb } from "../palette.ts";

/**
 * Lightness 0.2 (black, as a screen shows it) to 1, and the two opponent axes, about -0.4 to 0.4. Ottosson (2020), "A perceptual color space
 * for image processing".
 */
export type Lab = readonly [number, number, number];

/** What a screen reflects, as a share of its white: nobody sees exact black. IEC 61966-2-1, "encoding viewing flare". */
const FLARE = 0.01;

const linear = Float64Array.from({ length: 256 }, (_, value) => {
  const v = value / 255;
  const light = v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  return (light + FLARE) / (1 + FLARE);
});

export function lab([red, green, blue]: Rgb): Lab {
  const r = linear[Math.round(red)]!;
  const g = linear[Math.round(green)]!;
  const b = linear[Math.round(blue)]!;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

export function distance(a: Lab, b: Lab): number {
  return Math.sqrt(squaredDistance(a, b));
}

export function squaredDistance(a: Lab, b: Lab): number {
  const l = a[0] - b[0];
  const u = a[1] - b[1];
  const v = a[2] - b[2];
  return l * l + u * u + v * v;
}

/** A Gaussian of two colours' distance, 1 at none; 0 beyond four standard deviations, where it would be below 0.0004. */
export function bell(a: Lab, b: Lab, deviation: number): number {
  const square = squaredDistance(a, b) / (deviation * deviation);
  return square > 16 ? 0 : Math.exp(-0.5 * square);
}

export type Canvas = {
  /** Units: the shorter is 128. */
  readonly width: number;
  readonly height: number;
  /** Standard deviation, as a share of the short side, of the blur that enlarging a small picture amounts to. */
  readonly softness: number;
  /** The colour at a place; beyond the edge, the edge's. */
  at(x: number, y: number): Lab;
};

const SHORT_SIDE = 128;

/** Of a pixel: a box that bilinear enlarging puts a triangle over. */
const ENLARGED = 0.5;

export function canvasOf(picture: Pixels): Canvas {
  const unit = Math.min(picture.width, picture.height) / SHORT_SIDE;
  const width = Math.round(picture.width / unit);
  const height = Math.round(picture.height / unit);
  const small = atWorkingSize(picture, Math.max(width, height));
  const colours = new Array<Lab>(width * height);
  const across = small.width / width;
  const down = small.height / height;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      colours[y * width + x] = lab(between(small, (x + 0.5) * across - 0.5, (y + 0.5) * down - 0.5));
    }
  }
  const clamp = (value: number, size: number) => Math.min(size - 1, Math.max(0, Math.floor(value)));
  const softness = unit < 1 ? ENLARGED / (unit * SHORT_SIDE) : 0;
  return { width, height, softness, at: (x, y) => colours[clamp(y, height) * width + clamp(x, width)]! };
}

/** Bilinear; a whole-numbered place is a pixel itself. */
function between({ width, height, rgb }: Pixels, x: number, y: number): Rgb {
  const x0 = Math.max(0, Math.floor(x));
  const y0 = Math.max(0, Math.floor(y));
  const x1 = Math.min(width - 1, x0 + 1);
  const y1 = Math.min(height - 1, y0 + 1);
  const fx = Math.max(0, x - x0);
  const fy = Math.max(0, y - y0);
  const channel = (c: number) => {
    const top = rgb[3 * (y0 * width + x0) + c]! * (1 - fx) + rgb[3 * (y0 * width + x1) + c]! * fx;
    const bottom = rgb[3 * (y1 * width + x0) + c]! * (1 - fx) + rgb[3 * (y1 * width + x1) + c]! * fx;
    return top * (1 - fy) + bottom * fy;
  };
  return [channel(0), channel(1), channel(2)];
}
