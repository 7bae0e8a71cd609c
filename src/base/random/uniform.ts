/** @file Uniform numbers out of pairs of 32-bit integers, one number an integer, and what is chosen with them. */

/** From 0 to below 1, in steps of 2^-32. @param pair the integers of call 0, 1, … */
export function uniforms(pair: (call: number) => readonly [number, number]): () => number {
  let calls = 0;
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const [a, b] = pair(calls++);
    spare = b * 2 ** -32;
    return a * 2 ** -32;
  };
}

/** The same members in another order, each order as likely. Fisher and Yates, as Durstenfeld (1964) has it. */
export function shuffled<T>(list: readonly T[], next: () => number): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const k = Math.floor(next() * (i + 1));
    [out[i], out[k]] = [out[k]!, out[i]!];
  }
  return out;
}
