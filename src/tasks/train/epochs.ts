/** @file Where epochs end, in batches: they may have more and fewer of them, by the texts that are drawn for each. */

import type { Due } from "../../trainer/run.ts";

export type Epochs = {
  /** Batches of the first so many epochs. */
  until(epochs: number): number;
  /** Epochs that end within so many batches. */
  ended(batches: number): number;
};

/**
 * @param counted epochs that are counted, when they are asked for; all later ones are taken as the mean of these
 * @param batches of one epoch, from 0
 */
export function epochsOf(counted: number, batches: (epoch: number) => number): Epochs {
  const sums = [0];
  const sumOf = (epochs: number): number => {
    while (sums.length <= epochs) sums.push(sums.at(-1)! + batches(sums.length - 1));
    return sums[epochs]!;
  };
  return {
    until(epochs) {
      return epochs <= counted ? sumOf(epochs) : Math.ceil((sumOf(counted) * epochs) / counted);
    },
    ended(given) {
      while (sums.length <= counted && sums.at(-1)! <= given) sumOf(sums.length);
      if (sums.at(-1)! <= given) return Math.floor((given * counted) / sums.at(-1)!);
      let [low, high] = [0, sums.length - 1];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (sums[middle]! <= given) low = middle;
        else high = middle;
      }
      return low;
    },
  };
}

/** The epoch that a step belongs to, from 1: of those that end with it the last one, else the one that it is in. */
export function epochAt(epochs: Epochs, accumulation: number, step: number): number {
  const ended = epochs.ended(step * accumulation);
  return ended > epochs.ended((step - 1) * accumulation) ? ended : ended + 1;
}

/** What is due every so many steps, or else every so many epochs: with the step that has the last batch of one. */
export function dueOf(
  { steps, epochs: every }: { readonly steps: number | undefined; readonly epochs: number | undefined },
  epochs: Epochs | undefined,
  accumulation: number,
): Due | undefined {
  if (steps !== undefined) return (step) => step % steps === 0;
  if (every === undefined || epochs === undefined) return undefined;
  const ended = (step: number) => Math.floor(epochs.ended(step * accumulation) / every);
  return (step) => ended(step) > ended(step - 1);
}
