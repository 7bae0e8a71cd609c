/**
 * @file Contexts of different lengths in one batch. The prompt may need three chunks and the negative prompt one, and a batch has one
 * length.
 */

export type Context = {
  /** [tokens, width]: what the UNet's cross-attention reads. */
  readonly states: Float32Array;
  readonly tokens: number;
  readonly width: number;
  /** Of the second encoder, from the first chunk. */
  readonly pooled: Float32Array;
};

/** From here on separate runs are cheaper. */
const MAX_REPEAT = 4;

/**
 * Each over and over up to the least common multiple, as ComfyUI does. Softmax over keys that all occur k times gives each a k-th of
 * its weight k times, so attention's result is the same as running separately, up to rounding. When that multiple is more than four
 * times the shortest, the contexts stay as they are, for the caller to run those of equal length together.
 */
export function matchLengths(contexts: readonly Context[]): Context[] {
  const lengths = contexts.map((context) => context.tokens);
  if (new Set(lengths).size <= 1) return [...contexts];
  const target = lengths.reduce((a, b) => (a / gcd(a, b)) * b);
  if (target > MAX_REPEAT * Math.min(...lengths)) return [...contexts];
  return contexts.map((context) => repeated(context, target));
}

function repeated(context: Context, tokens: number): Context {
  const states = new Float32Array(tokens * context.width);
  for (let at = 0; at < states.length; at += context.states.length) states.set(context.states, at);
  return { ...context, states, tokens };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
