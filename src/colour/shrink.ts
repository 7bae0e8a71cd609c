/**
 * @file A picture made smaller by area: each new pixel is the mean of what it covers, rounded half up to 8 bits.
 *
 * Areas are counted in whole numbers: along an axis that goes from 4 pixels to 3, an old pixel has 3 parts and a new one covers 4.
 * Every sum is a whole number below 2 ** 53, so the mean does not depend on the order of adding.
 *
 * The loops over pixels repeat themselves for red, green and blue and keep to doubles in local variables: they run over every byte of
 * a data set, and calls, small arrays or conversions between integers and doubles take most of the time there.
 */

import type { Pixels } from "./pixels.ts";

/** How the old pixels of an axis are shared among the new ones. */
type Axis = {
  /** Parts of an old pixel, and of a new one. */
  readonly whole: number;
  readonly step: number;
  /** Of each new pixel: the last old one that it covers, and how many of its parts. What is left goes to the next new pixel. */
  readonly last: Float64Array;
  readonly inside: Float64Array;
};

/** Neither side may grow. */
export function shrink({ width, height, rgb }: Pixels, newWidth: number, newHeight: number): Pixels {
  const across = axisOf(width, newWidth);
  const down = axisOf(height, newHeight);
  const out = new Uint8Array(3 * newWidth * newHeight);
  const sum = new Float64Array(3 * newWidth);
  const area = across.step * down.step;
  for (let y = 0, to = 0; y < height; y++) {
    const row = rgb.subarray(3 * width * y, 3 * width * (y + 1));
    if (y < down.last[to]!) {
      addRow(row, across, down.whole, sum);
      continue;
    }
    finishRow(row, across, down.whole, down.inside[to]!, sum, area, out.subarray(3 * newWidth * to));
    to++;
  }
  return { width: newWidth, height: newHeight, rgb: out };
}

function axisOf(from: number, to: number): Axis {
  const common = divisor(from, to);
  const whole = to / common;
  const step = from / common;
  const last = Float64Array.from({ length: to }, (_, i) => Math.ceil(((i + 1) * step) / whole) - 1);
  return { whole, step, last, inside: last.map((pixel, i) => (i + 1) * step - pixel * whole) };
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** Adds a row that lies within one new row. */
function addRow(row: Uint8Array, { last, inside, whole }: Axis, weight: number, sum: Float64Array): void {
  let i = 0;
  let r = 0;
  let g = 0;
  let b = 0;
  for (let to = 0, k = 0; to < last.length; to++, k += 3) {
    for (const edge = 3 * last[to]!; i < edge; i += 3) {
      r += whole * row[i]!;
      g += whole * row[i + 1]!;
      b += whole * row[i + 2]!;
    }
    const part = inside[to]!;
    const rest = whole - part;
    sum[k]! += weight * (r + part * row[i]!);
    sum[k + 1]! += weight * (g + part * row[i + 1]!);
    sum[k + 2]! += weight * (b + part * row[i + 2]!);
    r = rest * row[i]!;
    g = rest * row[i + 1]!;
    b = rest * row[i + 2]!;
    i += 3;
  }
}

/** Adds the last row of a new one, writes that, and begins the next with what is left of the row. */
function finishRow(
  row: Uint8Array,
  { last, inside, whole }: Axis,
  wholeDown: number,
  partDown: number,
  sum: Float64Array,
  area: number,
  out: Uint8Array,
): void {
  const restDown = wholeDown - partDown;
  const inverse = 1 / area;
  // Sums are whole: a quarter of one keeps a mean half-way between two values from being rounded down by the product.
  const half = 0.5 + 0.25 * inverse;
  let i = 0;
  let r = 0;
  let g = 0;
  let b = 0;
  for (let to = 0, k = 0; to < last.length; to++, k += 3) {
    for (const edge = 3 * last[to]!; i < edge; i += 3) {
      r += whole * row[i]!;
      g += whole * row[i + 1]!;
      b += whole * row[i + 2]!;
    }
    const part = inside[to]!;
    const rest = whole - part;
    const red = r + part * row[i]!;
    const green = g + part * row[i + 1]!;
    const blue = b + part * row[i + 2]!;
    out[k] = (sum[k]! + partDown * red) * inverse + half;
    out[k + 1] = (sum[k + 1]! + partDown * green) * inverse + half;
    out[k + 2] = (sum[k + 2]! + partDown * blue) * inverse + half;
    sum[k] = restDown * red;
    sum[k + 1] = restDown * green;
    sum[k + 2] = restDown * blue;
    r = rest * row[i]!;
    g = rest * row[i + 1]!;
    b = rest * row[i + 2]!;
    i += 3;
  }
}
