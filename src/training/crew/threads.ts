/**
 * @file A crew of several threads: one of them is the caller's, which does its own load and then waits. Arrays that do not lie in shared
 * memory are left to that one; the others go to each thread once, and are named from then on. What is computed of each number does not depend on who computes it; sums are added up in the threads' order.
 */

import { Worker } from "node:worker_threads";
import { IllustriousError } from "../../base/error.ts";
import { type Crew, loadsOf, type Piece, type Task, thisThread } from "./crew.ts";
import { kernels } from "./kernels.ts";

/** A message to a thread. `done[0]` rises by one when the load is done, `done[1]` when it failed; `sums` has a place for each piece. */
export type Load = {
  readonly pieces: readonly NamedPiece[];
  /** Arrays that the thread has not met, and what it will call them. */
  readonly fresh: readonly (readonly [name: number, array: Float32Array])[];
  /** Arrays that nobody has any more. */
  readonly gone: readonly number[];
  readonly done: Int32Array;
  readonly sums: Float64Array;
};

/** A piece with the names of its arrays. */
export type NamedPiece = Omit<Piece, "arrays"> & { readonly arrays: readonly number[] };

/** Numbers below which one thread is done before others have begun. */
const FEW = 50_000;

/** A thread that has not answered after so long has died. */
const PATIENCE = 60_000;

export function openCrew(threads: number, entry = new URL("./crew-thread.js", import.meta.url)): Crew {
  if (threads <= 1) return thisThread;
  const workers = Array.from({ length: threads - 1 }, () => {
    const worker = new Worker(entry);
    // The crew has no work of its own that a process should wait for.
    worker.unref();
    // While a load is waited for nothing is heard; the wait itself tells that a thread is gone.
    worker.on("error", () => {});
    return worker;
  });
  const names = workers.map(arrayNames);
  /** Set when a load was left half done: what it worked on is neither old nor new. */
  let isBroken = false;
  const broken = (what: string) => {
    isBroken = true;
    for (const worker of workers) void worker.terminate();
    return new IllustriousError("engine_failed", `a thread that helps with the optimiser's step ${what}`);
  };
  return {
    run(tasks) {
      if (isBroken) throw broken("has ended");
      const total = tasks.reduce((sum, { arrays }) => sum + (arrays[0]?.length ?? 0), 0);
      if (total < FEW || !tasks.every(isShared)) return thisThread.run(tasks);
      const [own, ...others] = loadsOf(tasks, threads) as [Piece[], ...Piece[][]];
      const done = new Int32Array(new SharedArrayBuffer(8));
      const sent = others.map((pieces, i): Load => {
        const sums = new Float64Array(new SharedArrayBuffer(8 * Math.max(1, pieces.length)));
        const load = { ...names[i]!(pieces), done, sums };
        workers[i]!.postMessage(load);
        return load;
      });
      const sums = new Array<number>(tasks.length).fill(0);
      for (const piece of own) sums[piece.task]! += runPiece(piece, piece.arrays);
      for (let count = Atomics.load(done, 0); count < sent.length; count = Atomics.load(done, 0)) {
        if (Atomics.wait(done, 0, count, PATIENCE) === "timed-out") {
          throw broken("does not answer");
        }
      }
      if (Atomics.load(done, 1) > 0) throw broken("failed");
      for (const load of sent)
        load.pieces.forEach((piece, i) => {
          sums[piece.task]! += load.sums[i]!;
        });
      return sums;
    },
    async release() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** Names for a thread's arrays. It keeps them until they are gone here. */
function arrayNames(): (pieces: readonly Piece[]) => Pick<Load, "pieces" | "fresh" | "gone"> {
  const named = new WeakMap<Float32Array, number>();
  let gone: number[] = [];
  const lost = new FinalizationRegistry<number>((name) => gone.push(name));
  let next = 0;
  return (pieces) => {
    const fresh: [number, Float32Array][] = [];
    const nameOf = (array: Float32Array): number => {
      const known = named.get(array);
      if (known !== undefined) return known;
      const name = next++;
      named.set(array, name);
      lost.register(array, name);
      fresh.push([name, array]);
      return name;
    };
    const namedPieces = pieces.map(({ kernel, arrays, numbers, task, start, end }) => {
      return { kernel, arrays: arrays.map(nameOf), numbers, task, start, end };
    });
    const load = { pieces: namedPieces, fresh, gone };
    gone = [];
    return load;
  };
}

export function runPiece(
  { kernel, numbers, start, end }: Omit<Piece, "arrays">,
  arrays: readonly Float32Array[],
): number {
  return kernels[kernel](arrays, numbers, start, end);
}

/** What is copied to another thread would be changed there and nowhere else. */
function isShared({ arrays }: Task): boolean {
  return arrays.every(({ buffer }) => buffer instanceof SharedArrayBuffer);
}
