/** @file An engine for tests: tasks that count, block, fail and die. Runs compiled modules, as the real engine does. */

import { IllustriousError } from "../../dist/base/error.js";
import { serve } from "../../dist/runtime/process/serve.js";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

serve({
  async *count({ to, ms = 0 }) {
    for (let i = 1; i <= to; i++) {
      await sleep(ms);
      yield { i, pid: process.pid, at: Date.now() };
    }
  },
  async *echo(options) {
    yield options;
  },
  async *where() {
    yield process.cwd();
  },
  async *refuse() {
    yield { before: true };
    throw new IllustriousError("not_enough_memory", "needs 9 GiB, 4 GiB are free", "Use a smaller size.");
  },
  async *crash() {
    yield { before: true };
    process.abort();
  },
  async *block({ ms }) {
    yield { before: true };
    // As a native call does: no turn of the event loop until it is over.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    yield { after: true };
  },
});
