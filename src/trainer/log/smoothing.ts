/** @file The mean of a loss whose steps jump: exponentially weighted, and right from the first value on. */

/** A loss weighs this much of the one after it: about the last hundred count. */
const KEEP = 0.99;

export type Smoothed = { sum: number; weight: number };

export function smoothedStart(): Smoothed {
  return { sum: 0, weight: 0 };
}

/**
 * Adds a value in place and returns the mean. Divided by the weight of what was added (Kingma and Ba 2015, section 3), so
 * that it does not begin at 0. What is not finite is left out.
 */
export function smooth(state: Smoothed, value: number): number {
  if (Number.isFinite(value)) {
    state.sum = KEEP * state.sum + (1 - KEEP) * value;
    state.weight = KEEP * state.weight + (1 - KEEP);
  }
  return state.weight === 0 ? Number.NaN : state.sum / state.weight;
}
