/**
 * @file What a network's first answer says of its prediction type. At high noise no mark in a file is needed: an eps or flow model
 * answers with its input, a v or EDM-v model with anything but. That eps is drawn as flow, or flow as eps, is not seen in it.
 */

import type { PairCall, PredictionType } from "../sampling/index.ts";

/** Above, input and noise are the same to 2 %. */
const HIGH_NOISE = 5;

/**
 * How much of the input the output holds: `<input, output> / <input, input>`. With the input `a x0 + s n` (a^2 + s^2 = 1, s / a =
 * sigma) the best answers hold as much of it as the truth does, however little a model knows: eps, which is n, a share of
 * about s, 0.98 and more above `HIGH_NOISE`; v, which is a n - s x0, one of `a s (1 - variance of x0)`, below 0.2 there, and 0 at the
 * terminal; edm_v the same, of x0 over sigmaData. Of flow, whose input is `(1 - t) x0 + t n` (t / (1 - t) = sigma) and output n - x0, the
 * share is `(t - (1 - t) V) / (t^2 + (1 - t)^2 V)` with V the variance of x0: 0.92 for V = 1 at `HIGH_NOISE`, and 1 at the terminal. (The
 * cosine tells less: that of a v model which knows nothing of the picture is 1.)
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

type Expected = {
  /** Of the input, by a right model. */
  readonly holds: "all" | "none";
  /** What else answers otherwise, and the way out. */
  readonly other: string;
  readonly hint: string;
};

const TRY_V = {
  other: "v",
  hint: "If the picture is burnt or noise, try --prediction v, and --zero-snr exact.",
};

/** At EDM's times, near 1 where it is noisiest, both eps and v models look for a trace of noise and answer with the input. */
const EXPECTED: Record<PredictionType, Expected> = {
  eps: { holds: "all", ...TRY_V },
  flow: { holds: "all", ...TRY_V },
  v: {
    holds: "none",
    other: "eps",
    hint: "If the picture is grey or noise, try --prediction eps, without --zero-snr.",
  },
  edm_v: {
    holds: "none",
    other: "eps or v",
    hint: "If the picture is grey or noise, try --prediction eps, or --prediction v.",
  },
};

export type AnswerWarning = { readonly message: string; readonly hint: string };

/** The call, whose first conditional answer is held against `prediction`; `doubt` is told where it contradicts that. */
export function firstAnswerHeld(
  network: PairCall,
  prediction: PredictionType,
  sigma: number,
  doubt: (warning: AnswerWarning) => void,
): PairCall {
  const { holds, other, hint } = EXPECTED[prediction];
  let isHeld = sigma <= HIGH_NOISE;
  return async (input, timestep, both) => {
    const answer = await network(input, timestep, both);
    if (isHeld) return answer;
    isHeld = true;
    const share = shareOfInput(input, answer.conditional);
    if (holds === "all" ? share >= HALF : share <= HALF) return answer;
    const message =
      `the model is drawn as ${prediction} and answers like a model that predicts ${other}: at sigma ${Number(sigma.toFixed(1))} its ` +
      `answer holds ${share.toFixed(1)} of the noise, where ${prediction} holds ${holds === "all" ? "1" : "nearly none"}`;
    doubt({ message, hint });
    return answer;
  };
}
