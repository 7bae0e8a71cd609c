/**
 * @file Arithmetic on long arrays that a learner does once a step, number by number, so that it can be divided between threads
 * anywhere. Each goes over the numbers from `start` to `end` and gives a sum, 0 where there is nothing to sum.
 */

import { emaStep } from "../optimisers/ema.ts";
import { type AdamWNumbers, adamWRange, blend, sumOfSquares } from "../optimisers/kernels/kernels.ts";

export type Kernel = (
  arrays: readonly Float32Array[],
  numbers: readonly number[],
  start: number,
  end: number,
) => number;

export const kernels = {
  /** [sum, …others] with a share each: sum becomes the sum of all, each times its share. */
  mean([sum, ...others], [share, ...shares], start, end) {
    let before = share!;
    for (const [i, values] of others.entries()) {
      blend(sum!, values, before, shares[i]!, start, end);
      before = 1;
    }
    return 0;
  },

  /** Gives the sum of the squares. */
  squares([values], _numbers, start, end) {
    return sumOfSquares(values!, start, end);
  },

  /** [values, gradient, first moment, second moment] and AdamW's numbers; a fifth array is the average, a last number its decay. */
  adamw([values, gradient, first, second, average], numbers, start, end) {
    const [scale, beta1, beta2, decay, rate, rootCorrection, epsilon, averageDecay] = numbers as Tuple;
    const update: AdamWNumbers = { scale, beta1, beta2, decay, rate, rootCorrection, epsilon };
    const following = average && { average, part: 1 - averageDecay };
    adamWRange(update, values!, gradient!, first!, second!, start, start, end - start, following);
    return 0;
  },

  /** [average, values] and the decay. */
  ema([average, values], [decay], start, end) {
    emaStep(average!, values!, decay!, start, end);
    return 0;
  },
} satisfies Record<string, Kernel>;

type Tuple = [number, number, number, number, number, number, number, number];

export type KernelName = keyof typeof kernels;
