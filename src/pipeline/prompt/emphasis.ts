/**
 * @file What a token's weight does to the text encoder's output, one chunk and one encoder at a time, before the two encoders'
 * outputs are joined.
 *
 * A1111 multiplies the token's vector and then, in mode "original", scales the whole chunk so that its mean is what it was
 * (`modules/sd_emphasis.py`); "no-norm" leaves that out, and is what A1111 recommends for SDXL. ComfyUI moves the vector along the
 * line from the empty prompt's to its own (`comfy/sd1_clip.py`, encode_token_weights).
 *
 * A mean is no measure of size: near zero the quotient of two means can be 4.5 or negative, which scales or turns round every token
 * of the chunk. A1111 does so without a word; here `emphasisFinding` says it.
 */

import { internalError } from "../../base/error.ts";

/** "ignore" reads the grammar and drops the weights; "none" reads no grammar at all: brackets and BREAK are text. */
export type Emphasis = "original" | "no-norm" | "ignore" | "none" | "comfy";

/**
 * `states` is [tokens, width]; the result is new, or `states` itself when nothing has to change. `empty`, of the same shape, is
 * what the encoder makes of the empty prompt; mode "comfy" needs it.
 */
export function applyEmphasis(
  mode: Emphasis,
  states: Float32Array,
  weights: Float32Array,
  width: number,
  empty?: Float32Array,
): Float32Array {
  if (states.length !== weights.length * width)
    throw internalError(`emphasis: ${states.length} values are not ${weights.length} tokens of width ${width}`);
  if (mode === "ignore" || mode === "none" || weights.every((weight) => weight === 1)) return states;
  const out = states.slice();
  if (mode === "comfy" && empty?.length !== states.length)
    throw internalError(`emphasis: ${empty?.length} values of the empty prompt, ${states.length} of the text`);
  const origin = mode === "comfy" ? empty : undefined;
  for (const [token, weight] of weights.entries()) {
    if (weight === 1) continue;
    for (let i = token * width; i < (token + 1) * width; i++) {
      const from = origin ? origin[i]! : 0;
      out[i] = from + (out[i]! - from) * weight;
    }
  }
  if (mode !== "original") return out;
  const ratio = mean(states) / mean(out);
  // A mean of zero cannot be restored; A1111 divides all the same and paints noise.
  return Number.isFinite(ratio) ? out.map((value) => value * ratio) : out;
}

/** What "original" would scale all of a chunk by. 1 where nothing is weighted; infinite or NaN where the mean is lost. */
export function meanRatio(states: Float32Array, weights: Float32Array, width: number): number {
  const weighted = applyEmphasis("no-norm", states, weights, width);
  return weighted === states ? 1 : mean(states) / mean(weighted);
}

/** Within these the scaling is of the size of the emphasis itself. */
const HARMLESS = { least: 0.8, most: 1.25 };

export type EmphasisFinding = { readonly message: string; readonly hint: string };

/** Speaks of the worst of the ratios of one text, or not at all if all are harmless. */
export function emphasisFinding(text: string, ratios: readonly number[]): EmphasisFinding | undefined {
  const harm = (ratio: number): number => (ratio > 0 ? Math.abs(Math.log(ratio)) : Number.POSITIVE_INFINITY);
  const worst = ratios.filter((ratio) => !(ratio >= HARMLESS.least && ratio <= HARMLESS.most));
  const [ratio] = worst.sort((a, b) => harm(b) - harm(a));
  if (ratio === undefined) return undefined;
  const shown = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  const what = Number.isFinite(ratio)
    ? `multiplies every token by ${ratio.toFixed(2)} to restore the mean`
    : "cannot restore the mean, which the weights make zero";
  return {
    message: `emphasis "original" ${what} of a chunk of "${shown}"`,
    hint: "Where a mean is near zero this ruins pictures: --emphasis no-norm leaves the scaling out.",
  };
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
