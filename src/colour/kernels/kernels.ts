/** @file The loops over pixels (`kernels.wat`) and the memory that the functions of this folder work in, one after the other. */

import { openKernels } from "../../base/kernel-memory.ts";
import { KERNELS } from "./bytes.ts";

type Fold = (sums: number, ends: number, count: number, whole: number, out: number) => void;

type Round = (sums: number, count: number, inverse: number, bias: number, out: number) => void;

/** kernels.wat says what each one reads and writes. */
export type Kernels = {
  addRows(row: number, stride: number, height: number, count: number, weight: number, keep: number, sums: number): void;
  addTwo(
    row: number,
    weight: number,
    other: number,
    otherWeight: number,
    count: number,
    keep: number,
    sums: number,
  ): void;
  foldRow: Fold;
  roundRow: Round;
  foldShort: Fold;
  roundShort: Round;
  across(
    row: number,
    stride: number,
    table: number,
    end: number,
    advance: number,
    more: number,
    count: number,
    out: number,
    other: number,
  ): void;
  down(
    first: number,
    firstWeight: number,
    second: number,
    secondWeight: number,
    third: number,
    thirdWeight: number,
    count: number,
    area: number,
    out: number,
  ): void;
  countExact(rgb: number, count: number, counts: number): void;
  walkColours(rgb: number, count: number, luma: number, sums: number, hues: number): void;
  walkEdges(above: number, here: number, below: number, count: number, sums: number): void;
};

/** Rows that `addRows` is given at once: it takes up to 257, but a processor's first cache has room for few lines at equal distances. */
export const MOST_ROWS = 16;

/** Parts of an area whose sums of bytes are 32-bit floats without rounding. */
export const MOST_DOWN = 65_793;

/** Pixels that `walkColours` and `walkEdges` take at once: their sums have 32 bits. */
export const RUN = 8192;

export const { kernels, layOut, bytesAt, integersAt, doublesAt } = openKernels<Kernels>(KERNELS);
