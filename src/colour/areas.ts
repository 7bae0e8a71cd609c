/**
 * @file Means of areas: a picture made smaller, each new pixel the mean of what it covers.
 *
 * Areas are counted in whole numbers: along an axis that goes from 4 pixels to 3, an old pixel has 3 parts and a new one covers 4.
 * Every sum is a whole number below 2 ** 53, so the mean does not depend on the order of adding.
 */

import { bytesAt, doublesAt, integersAt, kernels, layOut, MOST_DOWN, MOST_ROWS } from "./kernels/kernels.ts";
import { checkPixels, type Pixels, workingSize } from "./pixels.ts";
import { type Placed, placed } from "./placed.ts";

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
  const { rgb } = shrinkPlaced(placed(pixels), newWidth, newHeight);
  return { width: newWidth, height: newHeight, rgb: bytesAt(rgb, 3 * newWidth * newHeight).slice() };
}

/** The same within the kernels' memory: behind the larger picture, which stays. */
export function shrinkPlaced(picture: Placed, newWidth: number, newHeight: number): Placed {
  const across = axisOf(picture.width, newWidth);
  const down = axisOf(picture.height, newHeight);
  const area = across.step * down.step;
  const row = 3 * newWidth;
  const { rgb, end } = layOut({ rgb: row * newHeight }, picture.end);
  const small = { width: newWidth, height: newHeight, rgb, end };
  if (isNear(across) && isNear(down) && area <= MOST_DOWN) {
    shrinkNear(picture, across, down, small);
    return small;
  }
  const inverse = 1 / area;
  // Sums are whole: with a quarter of one more, no mean is half-way between two values, and those that were go up.
  const bias = 0.25 * inverse;
  if (2 * area <= MOST_PARTS) {
    const at = placesFor(picture, across, end);
    sumRows(picture, down, at, {
      take(y) {
        kernels.foldShort(at.columns, at.ends, newWidth, across.whole, at.sums);
        kernels.roundShort(at.sums, row, inverse, bias, rgb + row * y);
      },
    });
  } else {
    eachRow(picture, across, down, end, (y, sums) => {
      kernels.roundRow(sums, newWidth, inverse, bias, rgb + row * y);
    });
  }
  return small;
}

/**
 * The picture with a long side of at most `longSide`: every new pixel is the mean of the area that it covers, as OpenCV's INTER_AREA
 * has it, rounded to 8 bits. A smaller picture comes back as it is: enlarging would invent neither detail nor colour.
 */
export function atWorkingSize(pixels: Pixels, longSide: number): Pixels {
  checkPixels(pixels);
  const size = workingSize(pixels, longSide);
  return size ? shrink(pixels, ...size) : pixels;
}

/** Means of red, green and blue, 0 to 255, of `columns` times `rows` equal areas, row by row; an area may be a part of a pixel. */
export function areaMeans(pixels: Pixels | Placed, columns: number, rows: number): Float64Array {
  const out = new Float64Array(3 * columns * rows);
  const picture = repeated(placed(pixels), pixels.width < columns ? columns : 1, pixels.height < rows ? rows : 1);
  const across = axisOf(picture.width, columns);
  const down = axisOf(picture.height, rows);
  eachRow(picture, across, down, picture.end, (y, sums) => {
    const found = doublesAt(sums, LANES * columns);
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < 3; c++) out[3 * (columns * y + x) + c] = found[LANES * x + c]! / (across.step * down.step);
    }
  });
  return out;
}

/** Every pixel so many times, beside and below itself. */
function repeated(picture: Placed, across: number, down: number): Placed {
  if (across * down === 1) return picture;
  const { width, height } = picture;
  const rgb = bytesAt(picture.rgb, 3 * width * height);
  const out = { width: width * across, height: height * down, rgb: new Uint8Array(rgb.length * across * down) };
  for (let i = 0; i < out.width * out.height; i++) {
    const from = 3 * (width * Math.floor(i / out.width / down) + Math.floor((i % out.width) / across));
    out.rgb.set(rgb.subarray(from, from + 3), 3 * i);
  }
  const at = layOut({ rgb: out.rgb.length }, picture.end);
  bytesAt(at.rgb, out.rgb.length).set(out.rgb);
  return { width: out.width, height: out.height, ...at };
}

type Places = ReturnType<typeof placesFor>;

function placesFor({ width }: Placed, { whole, last, inside }: Axis, from: number) {
  const newWidth = last.length;
  const at = layOut({ columns: 12 * width, ends: 8 * newWidth, sums: 8 * LANES * newWidth }, from);
  const ends = integersAt(at.ends, 2 * newWidth);
  for (let x = 0; x < newWidth; x++) {
    ends[2 * x] = 12 * last[x]!;
    ends[2 * x + 1] = whole - inside[x]!;
  }
  return at;
}

/**
 * Sums each column over the old rows that a new one covers.
 *
 * @param take is called when the sums of the new row `y` are there; `full` when they would pass 32 bits
 */
function sumRows(
  { width, rgb }: Placed,
  down: Axis,
  at: Places,
  { take, full }: { take: (y: number) => void; full?: () => void },
): void {
  const stride = 3 * width;
  /** What has been summed since the sums were last taken. */
  let parts = 0;
  const keep = () => (parts === 0 ? 0 : -1);
  const room = (weight: number) => {
    if (parts + weight <= MOST_PARTS) return;
    full?.();
    parts = 0;
  };
  const addWhole = (first: number, end: number) => {
    for (let y = first; y < end; ) {
      room(down.whole);
      const height = Math.min(end - y, MOST_ROWS, Math.floor((MOST_PARTS - parts) / down.whole));
      kernels.addRows(rgb + stride * y, stride, height, stride, down.whole, keep(), at.columns);
      parts += height * down.whole;
      y += height;
    }
  };
  /** The row that the last new one ended in, and how many of its parts are left. */
  let before = 0;
  let left = 0;
  for (let to = 0; to < down.last.length; to++) {
    const last = down.last[to]!;
    addWhole(left === 0 ? before : before + 1, last);
    const inside = down.inside[to]!;
    room(left + inside);
    kernels.addTwo(rgb + stride * before, left, rgb + stride * last, inside, stride, keep(), at.columns);
    take(to);
    parts = 0;
    left = down.whole - inside;
    before = left === 0 ? last + 1 : last;
  }
}

/** Sums of each new row, in doubles, for `take`. */
function eachRow(
  picture: Placed,
  across: Axis,
  down: Axis,
  from: number,
  take: (y: number, sums: number) => void,
): void {
  const newWidth = across.last.length;
  const at = placesFor(picture, across, from);
  const sums = doublesAt(at.sums, LANES * newWidth).fill(0);
  const fold = () => kernels.foldRow(at.columns, at.ends, newWidth, across.whole, at.sums);
  sumRows(picture, down, at, {
    full: fold,
    take(y) {
      fold();
      take(y, at.sums);
      sums.fill(0);
    },
  });
}

/** New pixels that lie in three old ones or fewer. */
const isNear = ({ whole, step }: Axis) => step <= 2 * whole;

/** Bytes that `across` has a row of its table in, without the weights of third pixels. */
const ENTRY = 48;

/** For a new size that is near: old rows are made narrower two by two, and each new row is made of those that it covers. */
function shrinkNear(picture: Placed, across: Axis, down: Axis, small: Placed): void {
  const count = 3 * small.width;
  const row = 4 * (count + 8);
  const entries = Math.min((3 * across.whole) / divisor(across.whole, 4), Math.ceil(count / 4));
  const more = across.step > across.whole && widest(across) > 2 ? 1 : 0;
  const entry = ENTRY + 16 * more;
  const at = layOut({ table: entry * entries, rows: 4 * row }, small.end);
  for (let i = 0; i < entries; i++) writeEntry(across, 4 * i, more, at.table + entry * i);
  const stride = 3 * picture.width;
  const narrow = (y: number) => at.rows + row * (y % 4);
  const advance = (4 * entries * across.step) / across.whole;
  let done = 0;
  for (let y = 0; y < small.height; y++) {
    const last = down.last[y]!;
    for (; done <= last; done += 2) {
      const from = picture.rgb + stride * done;
      kernels.across(
        from,
        stride,
        at.table,
        at.table + entry * entries,
        advance,
        more,
        count,
        narrow(done),
        narrow(done + 1),
      );
    }
    const first = firstOf(down, y);
    const [second, third] = [Math.min(first + 1, last), Math.min(first + 2, last)];
    kernels.down(
      narrow(first),
      share(down, first, y),
      narrow(second),
      second > first ? share(down, second, y) : 0,
      narrow(third),
      third > second ? share(down, third, y) : 0,
      count,
      across.step * down.step,
      small.rgb + count * y,
    );
  }
}

/** What `across` reads for four of a row's bytes, from `first` on: two weights for each, and two `more`. */
function writeEntry(axis: Axis, first: number, more: number, at: number): void {
  const start = firstOf(axis, Math.floor(first / 3));
  integersAt(at, 1)[0] = 3 * start;
  const bytes = bytesAt(at + 16, 16).fill(255);
  const weights = new Int16Array(bytes.buffer, at + 32, 8 + 8 * more);
  for (let lane = 0; lane < 4; lane++) {
    const x = Math.floor((first + lane) / 3);
    const from = firstOf(axis, x);
    for (let k = 0; k < 2 + 2 * more; k++) {
      if (k < 2) bytes[4 * lane + 2 * k] = 3 * (from + k - start) + ((first + lane) % 3);
      weights[8 * (k >> 1) + 2 * lane + (k & 1)] = share(axis, from + k, x);
    }
  }
}

const firstOf = ({ whole, step }: Axis, to: number) => Math.floor((to * step) / whole);

/** Parts of an old pixel that lie in a new one. */
function share({ whole, step }: Axis, from: number, to: number): number {
  return Math.max(0, Math.min((from + 1) * whole, (to + 1) * step) - Math.max(from * whole, to * step));
}

/** Old pixels that a new one lies in, at most. */
function widest(axis: Axis): number {
  return axis.last.reduce((most, last, x) => Math.max(most, last + 1 - firstOf(axis, x)), 0);
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
