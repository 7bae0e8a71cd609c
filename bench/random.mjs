/** @file Numbers that are the same in every run, for what benches draw. */

/** A linear congruential generator of 32 bits (Numerical Recipes). @returns the next state, a whole number below 2^32 */
export function generator() {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}
