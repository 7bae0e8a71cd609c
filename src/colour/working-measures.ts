/** @file What is measured at the working size, in one walk over the rows. */

import { foldHues, HUE_SLOTS, hueDiversity } from "./hues.ts";
import { bytesAt, doublesAt, integersAt, kernels, layOut, RUN } from "./kernels/kernels.ts";
import type { Placed } from "./placed.ts";

export type WorkingMeasures = {
  /** RMS contrast: standard deviation of luma over 255, from 0 to 0.5. Peli (1990). */
  contrast: number;
  /** Mean luma, 0 to 255: Y = 0.299 R + 0.587 G + 0.114 B. */
  brightness: number;
  /** Variance of the 4-neighbour Laplacian of luma, edges mirrored without repeating them. Pech-Pacheco et al. (2000). */
  sharpness: number;
  /** How many hues, 0 to 6 (`hueDiversity`). */
  dynamicColours: number;
  /** Hasler and Süsstrunk (2003), M3, with signed opponent channels: 0 grey, 33 moderately, 59 quite, 109 extremely colourful. */
  colourfulness: number;
  /** Mean and standard deviation of HSV saturation, 0 to 255, of the pixels that are not nearly black. */
  saturation: number;
  saturationDeviation: number;
  /** Share of chroma in each of 36 bins of 10 degrees, the first around red; all 0 for a picture without colour. */
  hues: number[];
  /**
   * Share of vivid pixels, 0 to 1, in each cell of a grid of 3 x 3 over the picture, row by row from the top left: those whose chroma
   * (largest less smallest channel) is at least 128 of 255. A pixel lies in the cell that its left upper corner is in; in pictures of fewer than
   * 3 pixels a side, cells without a pixel have 0.
   */
  vividGrid: number[];
};

/** Cells a side of the grid of vivid shares. */
const GRID = 3;

/** Bytes of a row's luma in whole thousandths; the first pixel is preceded by its left neighbour. */
const INTEGER = 4;

/** The first of what `walkColours` adds to: whole numbers. */
type ChannelSums = [
  red: bigint,
  green: bigint,
  blue: bigint,
  redSquares: bigint,
  greenSquares: bigint,
  blueSquares: bigint,
  redGreen: bigint,
  redBlue: bigint,
  greenBlue: bigint,
];

/** And the others, from `LIT` on. */
type ColourSums = [
  /** Pixels that are not nearly black. */
  lit: number,
  /** Pixels that have a hue to count. */
  coloured: number,
  /** Of 1. */
  saturation: number,
  saturationSquares: number,
  /** Of the last call. */
  vivid: number,
];

const LIT = 9;
const VIVID = 13;

/** Nearly black: below this value of 255 one step of a channel is a saturation of 32 and more, noise. The kernel has it, too. */
const DARK = 8;

/** Below this share of the mean's square, rounding of sums of squares could be seen in a deviation of saturation at 1e-6 of 255: it is counted again. */
const EVEN = 1e-8;

/** Of each of the four histograms that the kernel counts hues in. */
const SLOTS = 64;

/** Pixels after which a histogram is taken: with a row more, the sum of their chroma still fits in 31 bits. */
const MOST_COUNTED = 2 ** 22;

export function workingMeasures({ width, height, rgb, end }: Placed): WorkingMeasures {
  const row = INTEGER * (width + 2);
  const at = layOut({ one: row, two: row, three: row, colours: 8 * (VIVID + 1), edges: 16, hues: 16 * SLOTS }, end);
  const colours = doublesAt(at.colours, VIVID + 1).fill(0);
  const edges = doublesAt(at.edges, 2).fill(0);
  const slots = integersAt(at.hues, 4 * SLOTS).fill(0);
  const chroma = new Float64Array(HUE_SLOTS);
  const columns = cellEdges(width);
  const rows = cellEdges(height);
  const vivid = new Float64Array(GRID * GRID);
  // Three rows of luma, the latest of which is two ahead of `above`; each has a mirrored pixel on both sides.
  let [above, here, below] = [at.one, at.two, at.three];
  const lumas = new Map([above, here, below].map((place) => [place, integersAt(place, width + 2)]));
  const addEdges = (over: number, under: number) => {
    for (let x = 0; x < width; x += RUN) {
      const offset = INTEGER * (x + 1);
      kernels.walkEdges(over + offset, here + offset, under + offset, Math.min(RUN, width - x), at.edges);
    }
  };
  let uncounted = 0;
  for (let y = 0; y < height; y++) {
    const band = GRID * Math.floor((GRID * y) / height);
    for (let column = 0; column < GRID; column++) {
      const right = columns[column + 1]!;
      for (let x = columns[column]!; x < right; x += RUN) {
        const from = rgb + 3 * (y * width + x);
        kernels.walkColours(from, Math.min(RUN, right - x), below + INTEGER * (x + 1), at.colours, at.hues);
        vivid[band + column]! += colours[VIVID]!;
        colours[VIVID] = 0;
      }
    }
    uncounted += width;
    if (uncounted > MOST_COUNTED || y === height - 1) {
      for (let slot = 0; slot < HUE_SLOTS; slot++) {
        chroma[slot]! += slots[slot]! + slots[slot + SLOTS]! + slots[slot + 2 * SLOTS]! + slots[slot + 3 * SLOTS]!;
      }
      slots.fill(0);
      uncounted = 0;
    }
    mirror(lumas.get(below)!);
    if (y > 0) addEdges(y > 1 ? above : below, below);
    [above, here, below] = [here, below, above];
  }
  const beside = height > 1 ? above : here;
  addEdges(beside, beside);

  const pixels = width * height;
  const hues = foldHues(chroma);
  const total = hues.reduce((sum, share) => sum + share, 0);
  const [red, green, blue, redSquares, greenSquares, blueSquares, redGreen, redBlue, greenBlue] = Array.from(
    colours.subarray(0, LIT),
    BigInt,
  ) as unknown as ChannelSums;
  const [lit, coloured, saturation, saturationSquares] = colours.subarray(LIT) as unknown as ColourSums;
  const [edge, edgeSquares] = edges as unknown as [sum: number, squares: number];
  /** Mean and variance of a sum of channels with whole weights, exact but for the last step: nothing is lost where nearly all cancels. */
  const weighted = (r: bigint, g: bigint, b: bigint): [mean: number, variance: number] => {
    const sum = r * red + g * green + b * blue;
    const products = r * g * redGreen + r * b * redBlue + g * b * greenBlue;
    const squares = r * r * redSquares + g * g * greenSquares + b * b * blueSquares + 2n * products;
    return [Number(sum) / pixels, Number(BigInt(pixels) * squares - sum * sum) / pixels ** 2];
  };
  const [luma, lumaVariance] = weighted(299n, 587n, 114n);
  const [redLessGreen, redGreenVariance] = weighted(1n, -1n, 0n);
  // Of twice yellow less blue.
  const [yellowLessBlue, yellowBlueVariance] = weighted(1n, 1n, -2n);
  const meanSaturation = lit === 0 ? 0 : saturation / lit;
  const spread = lit === 0 ? 0 : variance(saturation, saturationSquares, lit);
  const isEven = spread < EVEN * meanSaturation ** 2;
  const saturationVariance = isEven ? spreadAbout(meanSaturation, bytesAt(rgb, 3 * pixels)) / lit : spread;
  return {
    contrast: Math.sqrt(lumaVariance) / 255_000,
    brightness: luma / 1000,
    sharpness: variance(edge, edgeSquares, pixels) / 1e6,
    dynamicColours: hueDiversity(hues, coloured / pixels),
    colourfulness:
      Math.sqrt(redGreenVariance + yellowBlueVariance / 4) + 0.3 * Math.hypot(redLessGreen, yellowLessBlue / 2),
    saturation: 255 * meanSaturation,
    saturationDeviation: 255 * Math.sqrt(saturationVariance),
    hues: Array.from(hues, (share) => (total === 0 ? 0 : share / total)),
    vividGrid: Array.from(vivid, (count, cell) => {
      const [row, column] = [Math.floor(cell / GRID), cell % GRID];
      const inCell = (columns[column + 1]! - columns[column]!) * (rows[row + 1]! - rows[row]!);
      return inCell === 0 ? 0 : count / inCell;
    }),
  };
}

/** Where the grid's cells begin along a side, and its end. */
function cellEdges(side: number): number[] {
  return Array.from({ length: GRID + 1 }, (_, cell) => Math.ceil((cell * side) / GRID));
}

/** The pixels beside a row's ends are those inside them, but not the ends again. */
function mirror(luma: Int32Array): void {
  const width = luma.length - 2;
  luma[0] = luma[Math.min(2, width)]!;
  luma[width + 1] = luma[Math.max(width - 1, 1)]!;
}

/** Squares of the distances of saturation, of 1, from its mean. */
function spreadAbout(mean: number, rgb: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    const largest = Math.max(rgb[i]!, rgb[i + 1]!, rgb[i + 2]!);
    if (largest < DARK) continue;
    sum += ((largest - Math.min(rgb[i]!, rgb[i + 1]!, rgb[i + 2]!)) / largest - mean) ** 2;
  }
  return sum;
}

/** Of the whole population, from its sum and its sum of squares; rounding must not make it negative. */
function variance(sum: number, squares: number, count: number): number {
  return Math.max(0, (squares - (sum * sum) / count) / count);
}
