/**
 * @file Convolution in ONNX Runtime's blocked layout [b, c/n, h, w, n] for kernels that change from run to run, as in
 * training. Its optimiser moves constant kernels there by itself, and only those; a plain Conv takes a fifth to a third
 * longer (bench/autodiff.md). The ops are ONNX Runtime's own, written by it into optimised models.
 *
 * n depends on the processor (16 with AVX-512, 8 with AVX2) and nothing tells it, so it is found by trial: with the right
 * one, results are those of Conv.
 */

import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import type { Value, Values } from "../runtime.ts";
import type { Attributes, Emitter } from "./emitter.ts";

/** Where ONNX Runtime keeps the ops of that layout. */
export const BLOCKED = "com.microsoft.nchwc";
const CONTRIB = "com.microsoft";

/** Conv of x [b, c, h, w] with a kernel in blocks; `channels` that come out. */
export function blockedConvolution(
  x: string,
  kernel: string,
  bias: string | undefined,
  channels: number,
  attributes: Attributes,
  e: Emitter,
): string {
  const blocked = e.node("ReorderInput", [x], {}, BLOCKED);
  const y = e.node("Conv", [blocked, kernel, ...(bias ? [bias] : [])], { ...attributes, group: 1 }, BLOCKED);
  return e.node("ReorderOutput", [y], { channels }, BLOCKED);
}

export type KernelShape = readonly [o: number, c: number, kh: number, kw: number];

/** A kernel [o, c, kh, kw] as [o/n, c/n, kh, kw, n of c, n of o], under its old shape. */
export function kernelInBlocks(kernel: string, [o, c, kh, kw]: KernelShape, n: number, e: Emitter): string {
  const taps = kh * kw;
  // The products with the identity are transpositions, faster than Transpose for matrices so flat.
  const rows = e.node("Reshape", [kernel, e.ints([o / n, n, c * taps])]);
  const columns = e.node("FusedMatMul", [rows, identity(n, e)], { transA: 1 }, CONTRIB);
  const split = e.node("Reshape", [columns, e.ints([o / n, c / n, n, taps, n])]);
  const ordered = e.node("Transpose", [split], { perm: [0, 1, 3, 2, 4] });
  return e.node("Reshape", [ordered, e.ints([o, c, kh, kw])]);
}

/** The same of the kernel [c, o, kh, kw] with which the transposed convolution is a convolution: every kernel turned half round. */
export function turnedKernelInBlocks(kernel: string, [o, c, kh, kw]: KernelShape, n: number, e: Emitter): string {
  const taps = kh * kw;
  const columns = e.node("Reshape", [kernel, e.ints([(o * c) / n, n, taps])]);
  const rows = e.node("FusedMatMul", [reversal(taps, e), columns], { transB: 1 }, CONTRIB);
  const split = e.node("Reshape", [rows, e.ints([o / n, n, c / n, taps, n])]);
  const ordered = e.node("Transpose", [split], { perm: [2, 0, 3, 1, 4] });
  return e.node("Reshape", [ordered, e.ints([c, o, kh, kw])]);
}

/** The matrix that leaves all as it is. */
function identity(n: number, e: Emitter): string {
  const values = Array.from({ length: n ** 2 }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  return e.floats(values, [n, n]);
}

/** The matrix that reverses an order. */
export function reversal(n: number, e: Emitter): string {
  const values = Array.from({ length: n ** 2 }, (_, i) => (Math.floor(i / n) + (i % n) === n - 1 ? 1 : 0));
  return e.floats(values, [n, n]);
}

/** Runs a graph that is written with kernels in blocks of n, or without. */
type Evaluate = (graph: Graph, feeds: Values, n: number | undefined) => Promise<Record<string, Value>>;

/** The n with which a convolution and its transpose are what they are without blocks; nothing if none is. */
export async function findBlock(evaluate: Evaluate): Promise<number | undefined> {
  const [c, side] = [32, 5];
  const x = g.input("x", [1, c, side, side]);
  const kernel = g.input("kernel", [c, c, 3, 3]);
  const geometry = { stride: 1, padding: [1, 1, 1, 1] as const };
  const y = g.conv2d(x, kernel, undefined, geometry);
  const graph = graphOf({ y, z: g.convTranspose2d(x, kernel, { ...geometry, height: side, width: side }) });
  const feeds = { x: noise([1, c, side, side]), kernel: noise([c, c, 3, 3]) };
  const plain = await evaluate(graph, feeds, undefined);
  for (const n of [16, 8]) {
    // Where the layout does not exist, its ops are unknown and the session does not open.
    const blocked = await evaluate(graph, feeds, n).catch(() => undefined);
    if (blocked && Object.keys(plain).every((name) => near(blocked[name]!, plain[name]!))) return n;
  }
  return undefined;
}

function noise(shape: readonly number[]): Value {
  const length = shape.reduce((product, size) => product * size, 1);
  return { data: Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i * i)), shape };
}

/** Sums of 288 products of size 1 differ by about 1e-5 in another order, and by about 10 in another layout. */
function near(a: Value, b: Value): boolean {
  return a.data.every((v: number | bigint, i: number) => Math.abs(Number(v) - Number(b.data[i])) < 1e-3);
}
