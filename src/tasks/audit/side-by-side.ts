/** @file Several images in work at once. The first failure is kept, and it is for those who begin work to begin no more. */

export type SideBySide = {
  readonly failure: { readonly error: unknown } | undefined;
  /** Begins, and waits until there is room for one more. */
  begin(work: () => Promise<void>): Promise<void>;
  /** When nothing is in work any more; it does not throw. */
  settled(): Promise<void>;
};

/** @param most in work when `begin` returns */
export function sideBySide(most: number): SideBySide {
  const running = new Set<Promise<void>>();
  let failure: SideBySide["failure"];
  return {
    get failure() {
      return failure;
    },
    async begin(work) {
      const one = work()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(one));
      running.add(one);
      while (running.size > most) await Promise.race(running);
    },
    async settled() {
      await Promise.all(running);
    },
  };
}
