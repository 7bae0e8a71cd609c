/** @file A run whose numbers are none any more: what is told at the first of them, and what it ends with when no update moves anything. */

import { IllustriousError } from "../base/error.ts";
import type { Finding } from "../sampling/finding.ts";
import { newestCheckpoint } from "./checkpoints.ts";

/** Updates skipped in a row that end a run. A batch or two may be at fault for a few; for so many it is what was learnt. */
export const MOST_SKIPPED = 50;

export function notFinite(what: "loss" | "gradient", step: number): Finding {
  const hint = "A lower learning rate, more warm-up or gradient clipping help; go back to a checkpoint from before it.";
  return { level: "warning", code: `${what}_not_finite`, message: `the ${what} of step ${step} is not finite`, hint };
}

/** @param since the first of the steps that were skipped, up to the last one */
export async function diverged(
  run: string,
  since: number,
  learningRates: Readonly<Record<string, number>>,
): Promise<IllustriousError> {
  const before = await newestCheckpoint(run, since);
  const rates = Object.entries(learningRates).map(([group, rate]) => `${group} ${rate}`);
  return new IllustriousError(
    "diverged",
    `since step ${since} no gradient is finite, and every update is skipped (learning rate: ${rates.join(", ")})`,
    `${before ? `The newest checkpoint from before is ${before}.` : "There is no checkpoint from before."} Begin anew with ` +
      "--restart and a lower learning_rate, more lr_warmup_steps, or a max_grad_norm where there is none.",
  );
}
