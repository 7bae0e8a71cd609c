/**
 * @file Means of areas: a picture made smaller, each new pixel the mean of what it covers.
 *
 * Areas are counted in whole numbers: along an axis that goes from 4 pixels to 3, an old pixel has 3 parts and a new one covers 4.
 * Every sum is a whole number below 2 ** 53, so the mean does not depend on the order of adding.
 */

import { bytesAt, doublesAt, integersAt, kernels, layOut } from "./kernels/kernels.ts";
import type { Pixels } from "./pixels.ts";

/** How the old pixels of an axis are shared among the new ones. */
type Axis = {
  /** Parts of an old pixel, and of a new one. */
  readonly whole: number;
  readonly step: number;
  /** Of each new pixel: the last old one that it covers, and how many of its parts. What is left goes to the next new pixel. */
  readonly last: Int32Array;
  readonly inside: Int32Array;
};

/** Parts of old rows whose sums of bytes fit in 32 bits. */
const MOST_PARTS = Math.floor((2 ** 32 - 1) / 255);

/** Doubles that a kernel keeps of a new pixel: three sums and one that is unused. */
const LANES = 4;

/** Rounded half up to 8 bits. Neither side may grow. */
export function shrink(pixels: Pixels, newWidth: number, newHeight: number): Pixels {
  const across = axisOf(pixels.width, newWidth);
  const down = axisOf(pixels.height, newHeight);
  const area = across.step * down.step;
  const inverse = 1 / area;
  // Sums are whole: with a quarter of one more, no mean is half-way between two values, and those that were go up.
  const bias = 0.25 * inverse;
  const row = 3 * newWidth;
  const rgb = new Uint8Array(row * newHeight);
  if (2 * area <= MOST_PARTS) {
    const at = placesFor(pixels, across, row);
    sumRows(pixels, down, at, {
      take(y) {
        kernels.shrinkRow(at.columns, at.last, at.inside, newWidth, across.whole, inverse, bias, at.spare);
        rgb.set(bytesAt(at.spare, row), row * y);
      },
    });
  } else {
    eachRow(pixels, across, down, row, (y, { sums, spare }) => {
      kernels.roundRow(sums, newWidth, inverse, bias, spare);
      rgb.set(bytesAt(spare, row), row * y);
    });
  }
  return { width: newWidth, height: newHeight, rgb };
}

/** Means of red, green and blue, 0 to 255, of `columns` times `rows` equal areas, row by row; an area may be a part of a pixel. */
export function areaMeans(pixels: Pixels, columns: number, rows: number): Float64Array {
  const out = new Float64Array(3 * columns * rows);
  const fine = repeated(pixels, pixels.width < columns ? columns : 1, pixels.height < rows ? rows : 1);
  const across = axisOf(fine.width, columns);
  const down = axisOf(fine.height, rows);
  eachRow(fine, across, down, 0, (y, { sums }) => {
    const found = doublesAt(sums, LANES * columns);
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < 3; c++) out[3 * (columns * y + x) + c] = found[LANES * x + c]! / (across.step * down.step);
    }
  });
  return out;
}

/** Every pixel so many times, beside and below itself. */
function repeated({ width, height, rgb }: Pixels, across: number, down: number): Pixels {
  if (across * down === 1) return { width, height, rgb };
  const out = { width: width * across, height: height * down, rgb: new Uint8Array(rgb.length * across * down) };
  for (let i = 0; i < out.width * out.height; i++) {
    const from = 3 * (width * Math.floor(i / out.width / down) + Math.floor((i % out.width) / across));
    out.rgb.set(rgb.subarray(from, from + 3), 3 * i);
  }
  return out;
}

type Places = ReturnType<typeof placesFor>;

/** @param spare bytes that the caller wants for itself */
function placesFor({ width, rgb }: Pixels, { last, inside }: Axis, spare: number) {
  const newWidth = last.length;
  const at = layOut({
    rgb: rgb.length,
    columns: 12 * width,
    last: 4 * newWidth,
    inside: 4 * newWidth,
    sums: 8 * LANES * newWidth,
    spare,
  });
  bytesAt(at.rgb, rgb.length).set(rgb);
  integersAt(at.last, newWidth).set(last);
  integersAt(at.inside, newWidth).set(inside);
  return at;
}

/**
 * Sums each column over the old rows that a new one covers.
 *
 * @param take is called when the sums of the new row `y` are there; `full` when they would pass 32 bits. Both leave them to be cleared.
 */
function sumRows(
  { width, height }: Pixels,
  down: Axis,
  at: Places,
  { take, full }: { take: (y: number) => void; full?: () => void },
): void {
  const columns = integersAt(at.columns, 3 * width).fill(0);
  let parts = 0;
  const clear = () => {
    columns.fill(0);
    parts = 0;
  };
  const add = (y: number, weight: number) => {
    if (weight === 0) return;
    if (parts + weight > MOST_PARTS) {
      full?.();
      clear();
    }
    kernels.addRow(at.rgb + 3 * width * y, 3 * width, weight, at.columns);
    parts += weight;
  };
  let to = 0;
  for (let y = 0; y < height; y++) {
    if (y < down.last[to]!) {
      add(y, down.whole);
      continue;
    }
    const inside = down.inside[to]!;
    add(y, inside);
    take(to);
    clear();
    add(y, down.whole - inside);
    to++;
  }
}

/** Sums of each new row, in doubles. */
function eachRow(pixels: Pixels, across: Axis, down: Axis, spare: number, take: (y: number, at: Places) => void): void {
  const newWidth = across.last.length;
  const at = placesFor(pixels, across, spare);
  const sums = doublesAt(at.sums, LANES * newWidth).fill(0);
  const fold = () => kernels.foldRow(at.columns, at.last, at.inside, newWidth, across.whole, at.sums);
  sumRows(pixels, down, at, {
    full: fold,
    take(y) {
      fold();
      take(y, at);
      sums.fill(0);
    },
  });
}

function axisOf(from: number, to: number): Axis {
  const common = divisor(from, to);
  const whole = to / common;
  const step = from / common;
  const last = Int32Array.from({ length: to }, (_, i) => Math.ceil(((i + 1) * step) / whole) - 1);
  return { whole, step, last, inside: last.map((pixel, i) => (i + 1) * step - pixel * whole) };
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
