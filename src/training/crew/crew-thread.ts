/** @file What runs in a thread of a crew (`src/training/crew/threads.ts`): load after load. */

import { parentPort } from "node:worker_threads";
import { type Load, runPiece } from "./threads.ts";

const known = new Map<number, Float32Array>();

parentPort!.on("message", ({ pieces, fresh, gone, done, sums }: Load) => {
  try {
    for (const name of gone) known.delete(name);
    for (const [name, array] of fresh) known.set(name, array);
    pieces.forEach((piece, i) => {
      const arrays = piece.arrays.map((name) => known.get(name)!);
      sums[i] = runPiece(piece, arrays);
    });
  } catch {
    Atomics.add(done, 1, 1);
  }
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
});
