/**
 * @file Random choices about a data set: each depends on a seed and on what it is about, never on what was drawn before.
 * So a batch can be made again from its epoch and its place alone, on any machine and in any order.
 */

import { createHash } from "node:crypto";
import { philox } from "../../base/random/philox.ts";
import { type Seed, seedBits } from "../../base/random/seed.ts";
import { shuffled, uniforms } from "../../base/random/uniform.ts";

/** A topic of its own for each kind of choice, so that a new choice in one leaves the others as they are. */
export type Topic = "order" | "batches" | "area" | "caption" | "view";

export type Draws = {
  /** From 0 to below 1, in steps of 2^-32. */
  next(): number;
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
  pick<T>(options: readonly T[]): T;
  /** The same members in another order, each order as likely. */
  shuffled<T>(list: readonly T[]): T[];
};

/** The draws about `subject` (an image and an epoch, say): the same for the same seed, topic and subject. */
export function drawsOf(seed: Seed, topic: Topic, ...subject: readonly (string | number)[]): Draws {
  const digest = createHash("sha256")
    .update(JSON.stringify([String(seedBits(seed)), topic, ...subject]))
    .digest();
  const [k0, k1, c2, c3] = [0, 4, 8, 12].map((at) => digest.readUInt32LE(at)) as [number, number, number, number];
  const next = uniforms((calls) => philox(calls, 0, c2, c3, k0, k1));
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    pick: <T>(options: readonly T[]) => options[below(options.length)]!,
    shuffled: (list) => shuffled(list, next),
  };
}
