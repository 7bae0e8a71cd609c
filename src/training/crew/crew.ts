/** @file Who does a learner's arithmetic: this thread alone, or several (`src/training/crew/threads.ts`). */

import { type KernelName, kernels } from "./kernels.ts";

/** A kernel over all numbers of its arrays, which have one length. */
export type Task = {
  readonly kernel: KernelName;
  readonly arrays: readonly Float32Array[];
  readonly numbers: readonly number[];
};

export type Crew = {
  /** Does all tasks, in no particular order, and gives each one's sum. */
  run(tasks: readonly Task[]): number[];
  release(): Promise<void>;
};

/** Part of a task. */
export type Piece = Task & { readonly task: number; readonly start: number; readonly end: number };

export const thisThread: Crew = {
  run: (tasks) =>
    tasks.map(({ kernel, arrays, numbers }) => kernels[kernel](arrays, numbers, 0, arrays[0]?.length ?? 0)),
  release: async () => {},
};

/** Tasks in as many equal loads, in their order; a task may be cut. */
export function loadsOf(tasks: readonly Task[], threads: number): Piece[][] {
  const lengths = tasks.map(({ arrays }) => arrays[0]?.length ?? 0);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const loads: Piece[][] = [];
  let [task, start] = [0, 0];
  for (let i = 0; i < threads; i++) {
    let room = Math.floor(((i + 1) * total) / threads) - Math.floor((i * total) / threads);
    const load: Piece[] = [];
    while (room > 0) {
      const { kernel, arrays, numbers } = tasks[task]!;
      const end = Math.min(lengths[task]!, start + room);
      if (end > start) load.push({ kernel, arrays, numbers, task, start, end });
      room -= end - start;
      if (end === lengths[task]) [task, start] = [task + 1, 0];
      else start = end;
    }
    loads.push(load);
  }
  return loads;
}
