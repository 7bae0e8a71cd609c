/**
 * @file Contexts of different lengths in one batch. The prompt may need three chunks and the negative prompt one, and a batch has one
 * length.
 */

import { internalError } from "../../base/error.ts";

export type Context = {
  /** [tokens, width]: what the UNet's cross-attention reads. */
  readonly states: Float32Array;
  readonly tokens: number;
  readonly width: number;
  /** Of the second encoder, from the first chunk. */
  readonly pooled: Float32Array;
};

/**
 * - "separate": as they are; the caller runs those of equal length together and the others on their own. What A1111 does by default.
 * - "repeat": each over and over up to the least common multiple, as ComfyUI does. Softmax over keys that all occur k times gives
 *   each a k-th of its weight k times, so attention's result is the same as running separately, up to rounding. When that multiple
 *   is more than four times the shortest, the contexts stay as they are, for then separate runs are cheaper.
 * - "pad-empty": the shorter ones get chunks of the empty prompt at the end, A1111's option "Pad prompt/negative prompt". This
 *   changes the picture: attention reads more.
 */
export type LengthMatch = "separate" | "repeat" | "pad-empty";

const MAX_REPEAT = 4;

/** The contexts in order, all of one length unless `how` is "separate" or repeating would cost too much. "pad-empty" needs `empty`. */
export function matchLengths(contexts: readonly Context[], how: LengthMatch, empty?: Context): Context[] {
  const lengths = contexts.map((context) => context.tokens);
  if (how === "separate" || new Set(lengths).size <= 1) return [...contexts];
  if (how === "repeat") {
    const target = lengths.reduce((a, b) => (a / gcd(a, b)) * b);
    if (target > MAX_REPEAT * Math.min(...lengths)) return [...contexts];
    return contexts.map((context) => extend(context, context.states, target));
  }
  if (!empty) throw internalError("padding with the empty prompt needs its context");
  return contexts.map((context) => extend(context, empty.states, Math.max(...lengths)));
}

/** `filler` again and again after the context, up to `tokens`. */
function extend(context: Context, filler: Float32Array, tokens: number): Context {
  const { width } = context;
  const states = new Float32Array(tokens * width);
  states.set(context.states);
  for (let at = context.states.length; at < states.length; at += filler.length) {
    if (at + filler.length > states.length)
      throw internalError(`${context.tokens} tokens cannot grow to ${tokens} by ${filler.length / width} at a time`);
    states.set(filler, at);
  }
  return { ...context, states, tokens };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
