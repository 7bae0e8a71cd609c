/** @file The loops over pixels (`kernels.wat`) and the memory that the functions of this folder work in, one after the other. */

import { openKernels } from "../../base/kernel-memory.ts";
import { KERNELS } from "./bytes.ts";

type AddRows = (
  row: number,
  stride: number,
  height: number,
  count: number,
  weight: number,
  keep: number,
  sums: number,
) => void;

type AddTwo = (
  row: number,
  weight: number,
  other: number,
  otherWeight: number,
  count: number,
  keep: number,
  sums: number,
) => void;

type Fold = (sums: number, ends: number, count: number, whole: number, out: number) => void;

type Round = (sums: number, count: number, inverse: number, bias: number, out: number) => void;

/** kernels.wat says what each one reads and writes. */
export type Kernels = {
  addRows: AddRows;
  addTwo: AddTwo;
  foldRow: Fold;
  roundRow: Round;
  foldShort: Fold;
  roundShort: Round;
  addRowsSmall: AddRows;
  addTwoSmall: AddTwo;
  foldSmall: Fold;
  roundSmall: Round;
  countExact(rgb: number, count: number, counts: number): void;
  walkColours(rgb: number, count: number, luma: number, sums: number, hues: number): void;
  walkEdges(above: number, here: number, below: number, count: number, sums: number): void;
};

/** Rows that `addRows` takes at once, and parts of rows whose sums have 16 bits. */
export const MOST_ROWS = 257;

/** Parts of an area whose means `roundSmall` rounds rightly. */
export const MOST_SMALL = 4096;

/** Pixels that `walkColours` and `walkEdges` take at once: their sums have 32 bits. */
export const RUN = 8192;

export const { kernels, layOut, bytesAt, integersAt, doublesAt } = openKernels<Kernels>(KERNELS);
