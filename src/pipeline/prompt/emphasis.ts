/**
 * @file What a token's weight does to the text encoder's output, one chunk and one encoder at a time, before the two encoders'
 * outputs are joined.
 *
 * A1111 multiplies the token's vector and then, in mode "original", scales the whole chunk so that its mean is what it was
 * (`modules/sd_emphasis.py`); "no-norm" leaves that out, and is what A1111 recommends for SDXL. ComfyUI moves the vector along the
 * line from the empty prompt's to its own (`comfy/sd1_clip.py`, encode_token_weights).
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

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
