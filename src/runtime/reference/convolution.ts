/**
 * @file Convolution and its transpose in float64: both are sums of the same products, told apart by where a product goes.
 *
 * Axis letters: b batch, c channels of x, o channels of y, [h, w] of x, [height, width] of y, [kh, kw] of the kernel.
 */

import type { OpAttributes } from "../../graph/tensor.ts";
import { emptyArray, type NdArray } from "./array.ts";

type Shape4 = readonly [number, number, number, number];

/** Positions in x [b, c, h, w], the kernel [o, c, kh, kw] and y [b, o, height, width]. */
type Visit = (atX: number, atKernel: number, atY: number) => void;

function eachProduct(x: Shape4, kernel: Shape4, y: Shape4, attributes: OpAttributes["conv2d"], visit: Visit): void {
  const [b, o, height, width] = y;
  const [, c, h, w] = x;
  const [, , kh, kw] = kernel;
  const { stride, padding } = attributes;
  const [top, left] = padding;
  for (let image = 0; image < b; image++) {
    for (let to = 0; to < o; to++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const atY = ((image * o + to) * height + i) * width + j;
          for (let from = 0; from < c; from++) {
            for (let di = 0; di < kh; di++) {
              const row = i * stride + di - top;
              if (row < 0 || row >= h) continue;
              for (let dj = 0; dj < kw; dj++) {
                const column = j * stride + dj - left;
                if (column < 0 || column >= w) continue;
                visit(((image * c + from) * h + row) * w + column, ((to * c + from) * kh + di) * kw + dj, atY);
              }
            }
          }
        }
      }
    }
  }
}

type Context = { readonly shape: readonly number[] };

export function conv2d(inputs: readonly NdArray[], attributes: OpAttributes["conv2d"], { shape }: Context): NdArray {
  const [x, kernel, bias] = inputs as [NdArray, NdArray, NdArray?];
  const y = emptyArray(shape);
  const [, o, height, width] = shape as Shape4;
  if (bias) for (let i = 0; i < y.data.length; i++) y.data[i] = bias.data[Math.floor(i / (height * width)) % o]!;
  eachProduct(x.shape as Shape4, kernel.shape as Shape4, shape as Shape4, attributes, (atX, atKernel, atY) => {
    y.data[atY]! += x.data[atX]! * kernel.data[atKernel]!;
  });
  return y;
}

export function convTranspose2d(
  inputs: readonly NdArray[],
  attributes: OpAttributes["convTranspose2d"],
  { shape }: Context,
): NdArray {
  const [y, kernel] = inputs as [NdArray, NdArray];
  const x = emptyArray(shape);
  eachProduct(shape as Shape4, kernel.shape as Shape4, y.shape as Shape4, attributes, (atX, atKernel, atY) => {
    x.data[atX]! += y.data[atY]! * kernel.data[atKernel]!;
  });
  return x;
}
