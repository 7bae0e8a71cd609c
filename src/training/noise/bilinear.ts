/** @file Bilinear enlargement of one plane, corners not aligned: PyTorch's `interpolate` with mode "bilinear". */

type Tap = { low: number; high: number; part: number };

/** Which two of `from` samples lie around each of `to` positions, and how far between them it is. */
function taps(from: number, to: number): Tap[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, from - 1), part: at - low };
  });
}

/** `plane`: `height` x `width` numbers, row by row. Gives `toHeight` x `toWidth`. */
export function enlarge(
  plane: Float32Array,
  height: number,
  width: number,
  toHeight: number,
  toWidth: number,
): Float32Array {
  const out = new Float32Array(toHeight * toWidth);
  const columns = taps(width, toWidth);
  for (const [y, row] of taps(height, toHeight).entries()) {
    for (const [x, column] of columns.entries()) {
      const at = (r: number) => {
        const left = plane[r * width + column.low]!;
        return left + column.part * (plane[r * width + column.high]! - left);
      };
      const top = at(row.low);
      out[y * toWidth + x] = top + row.part * (at(row.high) - top);
    }
  }
  return out;
}
