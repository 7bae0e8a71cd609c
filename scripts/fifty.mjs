/** @file For studies: the captions of `evaluate`'s row `saturation`, one seed each, and what pictures of them have of saturation and of exact white. */

import { cellsOf } from "../dist/tasks/evaluate/cells.js";
import { colours } from "../dist/tasks/evaluate/judge.js";
import { colourReference } from "../dist/tasks/evaluate/reference.js";

export const shots = cellsOf.saturation({ quick: false, seeds: 5 }).flatMap((cell) => cell.shots);

const descriptions = shots.map(({ description }) => description);
let reference;

/** Two cells of a table: saturation over the data's, and the share of exactly white pixels beside the data's. */
export async function coloursOf(pictures) {
  reference ??= colourReference(descriptions, 128);
  const data = await reference;
  const measured = pictures.map(colours);
  const mean = (name) => measured.reduce((sum, one) => sum + one[name], 0) / measured.length;
  return [
    (mean("saturation") / data.saturation).toFixed(2),
    `${(100 * mean("white")).toFixed(1)} % of ${(100 * data.white).toFixed(1)}`,
  ];
}
