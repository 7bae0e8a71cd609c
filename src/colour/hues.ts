/**
 * @file The hues of a picture: a histogram weighted by chroma, and how many hues it amounts to.
 *
 * A hue of a grey pixel is noise, so pixels count by their chroma (largest less smallest channel), and not at all below 16 of 255, which
 * what JPEG's chroma subsampling leaves on grey does not reach. Bins lie around their hue: pure red is the middle of bin 0, not its edge.
 * `walkColours` of kernels.wat counts them.
 */

export const HUE_BINS = 36;

/** Two hues this many degrees apart count as two. */
const APART = 60;

/** With fewer coloured pixels than this share of the picture the count is scaled down, to 0 for a grey picture. */
const ENOUGH_COLOURED = 0.02;

const STEP = 360 / HUE_BINS;

/** Bins a sixth of the circle. */
const SECTOR = HUE_BINS / 6;

/** How much two hues are the same, by the distance of their bins: falls evenly from 1 to 0 over `APART` degrees. */
const likeness = Float64Array.from({ length: HUE_BINS }, (_, distance) => {
  const degrees = STEP * Math.min(distance, HUE_BINS - distance);
  return Math.max(0, 1 - degrees / APART);
});

/** A histogram is counted with one slot more, for hues just short of red, which belong to the first bin. */
export const HUE_SLOTS = HUE_BINS + 1;

/** The histogram's bins from its slots. */
export function foldHues(slots: Float64Array): Float64Array {
  const bins = slots.slice(0, HUE_BINS);
  bins[0]! += slots[HUE_BINS]!;
  return bins;
}

/**
 * How many hues a picture has: 0 for greys, 1 for a single hue, 2 for red and cyan in equal parts, at most 6.
 *
 * The diversity of order 2 of Leinster and Cobbold (2012), "Measuring diversity: the importance of species similarity", equation 1,
 * of the bins' shares of chroma: unlike an entropy it does not count two shades of one hue twice.
 *
 * @param chroma sum of chroma in each of the 36 bins, in any unit
 * @param coloured share of the picture's pixels that are in the histogram, 0 to 1
 */
export function hueDiversity(chroma: ArrayLike<number>, coloured: number): number {
  let total = 0;
  for (let i = 0; i < HUE_BINS; i++) total += chroma[i]!;
  if (total === 0) return 0;
  let alike = 0;
  for (let i = 0; i < HUE_BINS; i++) {
    if (chroma[i] === 0) continue;
    for (let k = 0; k < HUE_BINS; k++) alike += chroma[i]! * chroma[k]! * likeness[Math.abs(i - k)]!;
  }
  return ((total * total) / alike) * Math.min(1, coloured / ENOUGH_COLOURED);
}

/** Sixths of the circle by the hues that they begin with. */
export const HUE_SECTORS = ["red", "yellow", "green", "cyan", "blue", "magenta"] as const;

/** A histogram of 36 bins in sixths, in the order of their names, and each one's sum. */
export function hueSectors(hues: readonly number[]): { name: string; bins: readonly number[]; share: number }[] {
  return HUE_SECTORS.map((name, sector) => {
    const bins = hues.slice(SECTOR * sector, SECTOR * (sector + 1));
    return { name, bins, share: bins.reduce((sum, share) => sum + share, 0) };
  });
}
