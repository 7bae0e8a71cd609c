/**
 * @file The engine's side: runs one task after the other and sends what they yield. A native call blocks this process, so
 * a wish to cancel is seen between two calls; the parent kills the process if that takes too long. A run that is far ahead of
 * its reader waits, unless another waits for the process: that one's reader may be the same.
 */

import { IllustriousError } from "../../base/error.ts";
import { AHEAD, type Failure, type FromEngine, type Task, type ToEngine } from "./messages.ts";

// biome-ignore lint/suspicious/noExplicitAny: options arrive as data and each task checks its own
type AnyTask = Task<any, unknown>;

export function serve(tasks: Readonly<Record<string, AnyTask>>): void {
  const cancels = new Map<number, AbortController>();
  /** The run in progress; the others wait. */
  let current: number | undefined;
  /** Events of it that have not been read yet. */
  let ahead = 0;
  let heard: () => void = () => {};
  let last: Promise<void> = Promise.resolve();

  const send = (message: FromEngine): Promise<void> =>
    new Promise((resolve) => {
      process.send!(message, () => resolve());
    });

  async function untilWanted(signal: AbortSignal): Promise<void> {
    while (ahead >= AHEAD && !signal.aborted && cancels.size === 1) {
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  }

  async function run({ id, task: name, options, folder }: Extract<ToEngine, { type: "run" }>): Promise<void> {
    const signal = cancels.get(id)?.signal;
    // Cancelled while it waited.
    if (!signal) return;
    current = id;
    ahead = 0;
    await send({ type: "started", id });
    try {
      goTo(folder);
      const task = tasks[name];
      if (!task) throw new IllustriousError("internal", `internal: the engine has no task ${name}`);
      for await (const event of task(options, signal)) {
        await send({ type: "event", id, event });
        ahead++;
        // A turn of the event loop, in which a cancel that has arrived is read.
        await new Promise((resolve) => setImmediate(resolve));
        await untilWanted(signal);
        if (signal.aborted) break;
      }
      await send({ type: "end", id });
    } catch (error) {
      await send({ type: "failed", id, failure: failureOf(error) });
    } finally {
      current = undefined;
      cancels.delete(id);
    }
  }

  process.on("message", (message: ToEngine) => {
    heed(message);
    heard();
  });
  // Without its parent an engine has no purpose, and it holds gigabytes.
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches the whole process group, and so does what `timeout`, systemd and Slurm send; the parent decides what it means.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});

  function heed(message: ToEngine): void {
    if (message.type === "taken") {
      if (message.id === current) ahead -= message.events;
      return;
    }
    if (message.type === "cancel") {
      cancels.get(message.id)?.abort();
      // A run that waits is never begun; the parent no longer listens for it.
      if (message.id !== current) cancels.delete(message.id);
      return;
    }
    cancels.set(message.id, new AbortController());
    last = last.then(() => run(message));
  }
}

function goTo(folder: string): void {
  try {
    process.chdir(folder);
  } catch {
    // A folder that is gone has nothing in it that a path could mean.
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof IllustriousError) {
    return { code: error.code, message: error.message, hint: error.hint, stack: error.stack };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { code: "engine_failed", message, stack };
}
