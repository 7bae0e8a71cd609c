/** @file Time that passes while something else works. */

/**
 * Yields every so many milliseconds until the work has ended, well or not; what came of it is for whoever awaits the work. Whoever stops
 * listening does not stop the work.
 */
export async function* ticks(work: Promise<unknown>, milliseconds: number): AsyncGenerator<void, void> {
  let ended = false;
  const end = work.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([end, pause]).finally(() => clearTimeout(timer));
    if (ended) return;
    yield;
  }
}
