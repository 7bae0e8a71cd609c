/** @file The gradient of nearest resizing: each source pixel gets the sum over the pixels that were copied from it. */

import { IllustriousError } from "../base/error.ts";
import { addDims, type Dim, floorDiv, mulDims, sameDim, shapeKey } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import { type GradientRule, padded } from "./rule.ts";

export const resizeNearestGradient: GradientRule<"resizeNearest"> = ({ inputs: [x], shape: to }, d) => [
  () => {
    const from = x!.shape;
    const [b, c, h, w] = from as [Dim, Dim, Dim, Dim];
    const copies = (axis: 2 | 3): 1 | 2 => {
      if (sameDim(from[axis]!, to[axis]!)) return 1;
      // With H = 2h or 2h - 1, floor(i h / H) is floor(i / 2) for all i < H: two copies of each, but perhaps one of the last.
      if (sameDim(from[axis]!, floorDiv(addDims(to[axis]!, 1), 2))) return 2;
      throw new IllustriousError(
        "unsupported",
        `resizeNearest from ${shapeKey(from)} to ${shapeKey(to)} has no gradient`,
        "A side may be kept, doubled, or doubled less one.",
      );
    };
    const [down, across] = [copies(2), copies(3)];
    const missing = (copied: number, source: Dim, target: Dim) => addDims(mulDims(copied, source), mulDims(-1, target));
    const whole = padded(d, [0, 0, 0, 0], [0, 0, missing(down, h, to[2]!), missing(across, w, to[3]!)]);
    return g.sum(g.reshape(whole, [b, c, h, down, w, across]), [3, 5]);
  },
];
