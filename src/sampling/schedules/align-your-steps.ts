/**
 * @file The schedule optimised for SDXL by Sabour et al. (2024), "Align your steps": ten levels, for other counts read
 * off the line through them in ln sigma. It was found for eps prediction on the schedule that ends at 14.61.
 */

import { IllustriousError } from "../../base/error.ts";
import type { NoiseTable } from "../tables.ts";

const sdxlLevels = [
  14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289, 0.3798540708,
  0.2332364134, 0.1114188177, 0.0291671582,
];

/**
 * The eleven published levels resampled to `steps + 1`, of which the last becomes the final 0. The first is replaced by
 * the table's own largest, so that a zero-terminal-SNR model begins where it must.
 */
export function alignYourSteps(table: NoiseTable, steps: number): number[] {
  if (table.family !== "discrete") {
    throw new IllustriousError(
      "bad_option",
      `schedule "ays" on a table of family "${table.family}"`,
      "Its levels are SDXL's; use simple or sgm_uniform here.",
    );
  }
  const levels = Array.from({ length: steps }, (_, i) => table.shift * levelAt((10 * i) / steps));
  levels[0] = table.sigmas.at(-1)!;
  return levels;
}

function levelAt(position: number): number {
  const low = Math.floor(position);
  const part = position - low;
  const from = sdxlLevels[low]!;
  return part === 0 ? from : from * (sdxlLevels[low + 1]! / from) ** part;
}
