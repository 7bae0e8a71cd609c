/**
 * @file What a network's first answer says of its prediction type. At high noise no mark in a file is needed: an eps model answers with
 * its input, a v model with anything but.
 */

import type { PairCall, PredictionType } from "../sampling/index.ts";

/** Above, input and noise are the same to 2 %. */
const HIGH_NOISE = 5;

/**
 * How much of the input the output holds: `<input, output> / <input, input>`. With the input `a x0 + s n` (a^2 + s^2 = 1, s / a =
 * sigma) the best answers hold as much of it as the truth does, however little a model knows: eps, which is n, a share of
 * about s, 0.98 and more above `HIGH_NOISE`; v, which is a n - s x0, one of `a s (1 - variance of x0)`, below 0.2 there, and 0 at the
 * terminal. (The cosine tells less: that of a v model which knows nothing of the picture is 1.)
 */
function shareOfInput(input: Float32Array, output: Float32Array): number {
  let [both, own] = [0, 0];
  for (const [i, value] of input.entries()) {
    both += value * output[i]!;
    own += value * value;
  }
  return both / own;
}

/** Far from both. */
const HALF = 0.5;

export type AnswerWarning = { readonly message: string; readonly hint: string };

/** The call, whose first conditional answer is held against `prediction`; `doubt` is told where it contradicts that. */
export function firstAnswerHeld(
  network: PairCall,
  prediction: PredictionType,
  sigma: number,
  doubt: (warning: AnswerWarning) => void,
): PairCall {
  let isHeld = sigma <= HIGH_NOISE || (prediction !== "eps" && prediction !== "v");
  return async (input, timestep, both) => {
    const answer = await network(input, timestep, both);
    if (isHeld) return answer;
    isHeld = true;
    const share = shareOfInput(input, answer.conditional);
    const message = (other: string) =>
      `the model is drawn as ${prediction} and answers like a model that predicts ${other}: at sigma ${Number(sigma.toFixed(1))} its ` +
      `answer holds ${share.toFixed(1)} of the noise, where ${prediction === "eps" ? "eps holds 1" : "v holds nearly none"}`;
    if (prediction === "eps" && share < HALF)
      doubt({
        message: message("v"),
        hint: "If the picture is burnt or noise, try --prediction v, and --zero-snr exact.",
      });
    if (prediction === "v" && share > HALF)
      doubt({
        message: message("eps"),
        hint: "If the picture is grey or noise, try --prediction eps, without --zero-snr.",
      });
    return answer;
  };
}
