/**
 * @file Loops over long arrays in WebAssembly with 128-bit vectors (a `kernels.wat`, and its bytes in base64), and the memory that they
 * work in. What a caller lays out there is good until the next one lays out its own: a thread has its own memory.
 */

export type KernelMemory<Kernels> = {
  /** Pointers are byte offsets into the memory. */
  readonly kernels: Kernels;
  /**
   * Room for arrays of so many bytes each: where they begin, at multiples of 16. What lies there is left from before. Views of the memory
   * that were made earlier may have ended.
   *
   * @param from where they may begin: the end of what shall stay
   */
  layOut<Name extends string>(bytes: Readonly<Record<Name, number>>, from?: number): Record<Name | "end", number>;
  bytesAt(place: number, length: number): Uint8Array;
  integersAt(place: number, length: number): Int32Array;
  floatsAt(place: number, length: number): Float32Array;
  doublesAt(place: number, length: number): Float64Array;
};

/** What a kernel may read or write behind the end of an array. */
const MARGIN = 64;

const PAGE = 65_536;

type Memory = { readonly buffer: ArrayBuffer; grow(pages: number): number };

/** Node has it, but its types come with those of browsers only. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: object };
};

/** @param base64 a module that exports `memory` and functions */
export function openKernels<Kernels>(base64: string): KernelMemory<Kernels> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(base64, "base64")));
  const { memory, ...kernels } = exports as { memory: Memory };
  return {
    kernels: kernels as Kernels,
    layOut(bytes, from = 0) {
      const places = {} as Record<keyof typeof bytes | "end", number>;
      let end = from;
      for (const name of Object.keys(bytes) as (keyof typeof bytes)[]) {
        places[name] = end;
        end += Math.ceil((bytes[name] + MARGIN) / 16) * 16;
      }
      const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
      if (missing > 0) memory.grow(missing);
      places.end = end;
      return places;
    },
    bytesAt: (place, length) => new Uint8Array(memory.buffer, place, length),
    integersAt: (place, length) => new Int32Array(memory.buffer, place, length),
    floatsAt: (place, length) => new Float32Array(memory.buffer, place, length),
    doublesAt: (place, length) => new Float64Array(memory.buffer, place, length),
  };
}
