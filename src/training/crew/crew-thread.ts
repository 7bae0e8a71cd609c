/** @file What runs in a thread of a crew (`src/training/crew/threads.ts`): load after load. */

import { parentPort } from "node:worker_threads";
import { type Load, runPiece } from "./threads.ts";

parentPort!.on("message", ({ pieces, done, sums }: Load) => {
  try {
    pieces.forEach((piece, i) => {
      sums[i] = runPiece(piece);
    });
  } catch {
    Atomics.add(done, 1, 1);
  }
  Atomics.add(done, 0, 1);
  Atomics.notify(done, 0);
});
