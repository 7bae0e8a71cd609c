/**
 * @file The loss of one number: squared, absolute, or huber between the two, with kohya's schedules of the threshold.
 * Values and slopes on plain numbers: what a loss graph must compute, and a second opinion on it.
 */

import { IllustriousError } from "../../base/error.ts";

/**
 * "huber" and "smooth_l1" are kohya's names for the pseudo-huber loss (Charbonnier et al. 1994; Song and Dhariwal 2023,
 * "Improved techniques for training consistency models") in two scales: the first is the squared error for
 * errors far below the threshold, the second twice the absolute error for errors far above it.
 */
export type LossKind = "l2" | "l1" | "huber" | "smooth_l1";

export type LossOptions = {
  kind: LossKind;
  /** kohya's huber_c, the threshold, or what its schedule ends in. Default 0.1. */
  threshold?: number;
  /** How the threshold falls with noise; kohya's huber_schedule. Default "snr". */
  schedule?: "constant" | "exponential" | "snr";
  /** kohya's huber_scale, a factor on the threshold of "constant" and "exponential". Default 1. */
  scale?: number;
};

/** The loss of an error (output minus target). `threshold` is for the huber kinds alone. */
export function lossOf(kind: LossKind, error: number, threshold: number): number {
  if (kind === "l2") return error * error;
  if (kind === "l1") return Math.abs(error);
  // sqrt(e^2 + c^2) - c without the cancellation that makes it 0 for small errors.
  const rounded = (2 * error * error) / (Math.hypot(error, threshold) + threshold);
  return kind === "huber" ? threshold * rounded : rounded;
}

/** The derivative of `lossOf` by the error. */
export function lossSlope(kind: LossKind, error: number, threshold: number): number {
  if (kind === "l2") return 2 * error;
  if (kind === "l1") return Math.sign(error);
  const slope = (2 * error) / Math.hypot(error, threshold);
  return kind === "huber" ? threshold * slope : slope;
}

/**
 * The threshold at a level. "exponential" goes from 1 at time 0 to `threshold` at time `levels`; "snr" is
 * (1 - c) / (1 + sigma)^2 + c, which ends in c where the signal vanishes.
 */
export function huberThreshold(options: LossOptions, time: number, sigma: number, levels: number): number {
  const { threshold = 0.1, schedule = "snr", scale = 1 } = options;
  if (schedule === "constant") return threshold * scale;
  if (schedule === "exponential") return threshold ** (time / levels) * scale;
  return (1 - threshold) / (1 + sigma) ** 2 + threshold;
}

export function checkLoss(options: LossOptions): void {
  const { threshold = 0.1, scale = 1 } = options;
  if (threshold > 0 && Number.isFinite(threshold) && scale > 0 && Number.isFinite(scale)) return;
  throw new IllustriousError(
    "bad_option",
    `loss ${options.kind}: threshold ${threshold}, scale ${scale}`,
    "Both are positive; 0.1 and 1 are the usual ones.",
  );
}
