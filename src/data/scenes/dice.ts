/** @file Random choices that depend on a seed and a topic alone, not on what was drawn before elsewhere. */

import { philox } from "../../base/random/philox.ts";
import { type Seed, seedBits } from "../../base/random/seed.ts";
import { shuffled, uniforms } from "../../base/random/uniform.ts";

/**
 * Topics have numbers, so that a new choice in one (a caption's words) leaves the others (the scene) as they are for every seed.
 * Numbers are never reused.
 */
const TOPICS = { scene: 1, caption: 2, detail: 3, control: 4, kind: 5, crossed: 6 } as const;
export type Topic = keyof typeof TOPICS;

export type Dice = {
  /** From 0 to below 1. */
  next(): number;
  /** From `low` to below `high`. */
  between(low: number, high: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  pick<T>(options: readonly T[]): T;
  /** One of `options`, each with its weight; weights need not sum to 1. */
  weighted<T>(options: readonly (readonly [T, number])[]): T;
  /** The same members in another order. */
  shuffled<T>(list: readonly T[]): T[];
};

/** The dice of a topic of a seed: the same for the same two, on every machine. */
export function dice(seed: Seed, topic: Topic): Dice {
  const bits = seedBits(seed);
  const low = Number(bits & 0xffffffffn);
  const high = Number(bits >> 32n);
  const next = uniforms((throws) => philox(throws, TOPICS[topic], 0, 0x5ce4e, low, high));
  const pick = <T>(options: readonly T[]): T => options[Math.floor(next() * options.length)]!;
  return {
    next,
    pick,
    between: (from, to) => from + (to - from) * next(),
    chance: (probability) => next() < probability,
    weighted(options) {
      let left = next() * options.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [option, weight] of options) {
        left -= weight;
        if (left < 0) return option;
      }
      return options.at(-1)![0];
    },
    shuffled: (list) => shuffled(list, next),
  };
}
