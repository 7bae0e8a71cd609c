/**
 * @file The loops over pixels (`kernels.wat`) and the memory that they work in. One thread, one memory: what a function of this folder
 * lays out there is good until the next one lays out its own.
 */

import { KERNELS } from "./bytes.ts";

/** Pointers are byte offsets into the memory; kernels.wat says what each one reads and writes. */
export type Kernels = {
  addRow(row: number, count: number, weight: number, sums: number): void;
  foldRow(sums: number, last: number, inside: number, count: number, whole: number, out: number): void;
  roundRow(sums: number, count: number, inverse: number, bias: number, out: number): void;
  shrinkRow(
    sums: number,
    last: number,
    inside: number,
    count: number,
    whole: number,
    inverse: number,
    bias: number,
    out: number,
  ): void;
  countExact(rgb: number, count: number, counts: number): void;
  walkColours(rgb: number, count: number, luma: number, sums: number, hues: number): void;
  walkEdges(above: number, here: number, below: number, count: number, sums: number): void;
};

/** Pixels that `walkColours` and `walkEdges` take at once: their sums have 32 bits. */
export const RUN = 8192;

/** What a kernel may read or write behind the end of an array. */
const MARGIN = 64;

const PAGE = 65_536;

type Memory = { readonly buffer: ArrayBuffer; grow(pages: number): number };

/** Node has it, but its types come with those of browsers only. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: object };
};

const { memory, ...functions } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(KERNELS, "base64")))
  .exports as Kernels & { memory: Memory };

export const kernels: Kernels = functions;

/**
 * Room for arrays of so many bytes each: where they begin, at multiples of 16. What lies there is left from before. Views of the memory
 * that were made earlier may have ended.
 */
export function layOut<Name extends string>(bytes: Readonly<Record<Name, number>>): Record<Name, number> {
  const places = {} as Record<Name, number>;
  let end = 0;
  for (const name of Object.keys(bytes) as Name[]) {
    places[name] = end;
    end += Math.ceil((bytes[name] + MARGIN) / 16) * 16;
  }
  const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
  if (missing > 0) memory.grow(missing);
  return places;
}

export const bytesAt = (place: number, length: number) => new Uint8Array(memory.buffer, place, length);
export const integersAt = (place: number, length: number) => new Int32Array(memory.buffer, place, length);
export const doublesAt = (place: number, length: number) => new Float64Array(memory.buffer, place, length);
