/** @file The normal distribution function, exact into its tails: a starved noise level shows as 2.5e-12, not as 0. */

/** P(X > x) for a standard normal X, to about 1e-14 relative on both sides. */
export function normalSurvival(x: number): number {
  if (x < 0) return 1 - normalSurvival(-x);
  if (x === Number.POSITIVE_INFINITY) return 0;
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  return x < 2 ? 0.5 - density * oddSeries(x) : density * millsRatio(x);
}

/** x + x^3 / 3 + x^5 / (3 5) + ...: all terms of one sign, so nothing cancels. Abramowitz and Stegun 26.2.11. */
function oddSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; term > 1e-17 * sum; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return sum;
}

/** 1 / (x + 1 / (x + 2 / (x + 3 / ...))), from the inside out. Abramowitz and Stegun 26.2.14. */
function millsRatio(x: number): number {
  let fraction = x;
  // 200 terms are enough for 1e-15 at x = 2, and more than enough beyond.
  for (let k = 200; k > 0; k--) fraction = x + k / fraction;
  return 1 / fraction;
}
