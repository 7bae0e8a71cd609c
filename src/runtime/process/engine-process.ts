/**
 * @file The parent's side: a child process that holds the models, started when first needed and again after it died.
 *
 * ONNX Runtime blocks the thread it runs on, and a worker thread that is ended in the middle of a run takes the whole
 * process with it. So the engine is a process: the parent stays responsive, and whatever happens to the engine (a kill,
 * a crash in native code, the system's memory killer) is an error that the caller gets, never the end of the parent.
 */

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type ErrorCode, IllustriousError } from "../../base/error.ts";
import type { Failure, FromEngine, ToEngine } from "./messages.ts";

export type EngineOptions = {
  /** The module that calls `serve`. */
  readonly entry: URL;
  /** How long a cancelled task may go on before the process is killed, in milliseconds. */
  readonly patience?: number;
  readonly nodeOptions?: readonly string[];
  /** `ignore` where native code writes there of every file that it does not like. */
  readonly stderr?: "inherit" | "ignore";
};

/** A running task in the parent: what has arrived and not been read, and who waits for more. */
type Inbox = { readonly child: ChildProcess; readonly queue: FromEngine[]; wake: () => void };

const PATIENCE = 5_000;

export class EngineProcess {
  readonly #options: EngineOptions;
  #child: ChildProcess | undefined;
  #inboxes = new Map<number, Inbox>();
  #nextId = 1;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** The engine's process id, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Runs a task and yields its events. Stop iterating, or abort, to cancel: the step in progress is finished first, and
   * if that takes longer than the patience, the process is killed and the next run starts a new one.
   */
  async *run<Event>(task: string, options: unknown, signal?: AbortSignal): AsyncGenerator<Event, void> {
    if (signal?.aborted) throw cancelled(task);
    const id = this.#nextId++;
    const child = this.#started();
    const inbox: Inbox = { child, queue: [], wake: () => {} };
    this.#inboxes.set(id, inbox);
    let started = false;
    let ended = false;
    let killer: NodeJS.Timeout | undefined;
    const cancel = () => {
      tell(child, { type: "cancel", id });
      // A run that still waits ends here and now: the one it waits for is somebody else's.
      if (!started) this.#deliver(id, { type: "end", id });
      else killer ??= setTimeout(() => child.kill("SIGKILL"), this.#options.patience ?? PATIENCE);
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      tell(child, { type: "run", id, task, options });
      for (;;) {
        const message = await nextOf(inbox);
        if (message.type === "started") {
          started = true;
          continue;
        }
        if (message.type === "event") {
          yield message.event as Event;
          continue;
        }
        ended = true;
        // An engine that was killed for its slowness was cancelled, not broken.
        if (signal?.aborted) throw cancelled(task);
        if (message.type === "failed") throw errorOf(message.failure);
        return;
      }
    } finally {
      if (!ended) {
        cancel();
        while (isOnTheWay(await nextOf(inbox)));
      }
      clearTimeout(killer);
      signal?.removeEventListener("abort", cancel);
      this.#inboxes.delete(id);
      if (this.#inboxes.size === 0) this.#rest();
    }
  }

  /** Ends the process; models it holds are gone. A later run starts a new one. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || isGone(child)) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    // Idle, the child does not keep this program alive; waiting for its end must.
    child.ref();
    child.kill("SIGKILL");
    await gone;
  }

  #started(): ChildProcess {
    if (this.#child?.connected && !isGone(this.#child)) {
      this.#child.ref();
      this.#child.channel?.ref();
      return this.#child;
    }
    const child = fork(fileURLToPath(this.#options.entry), {
      serialization: "advanced",
      execArgv: [...(this.#options.nodeOptions ?? [])],
      stdio: ["ignore", "inherit", this.#options.stderr ?? "inherit", "ipc"],
    });
    // A parent that leaves in a hurry leaves no engine behind: one in the middle of a native call would not notice.
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    child.on("message", (message: FromEngine) => this.#deliver(message.id, message));
    child.on("error", (error) => this.#lost(child, `the engine's process: ${error.message}`));
    child.on("exit", (code, signal) =>
      this.#lost(child, `the engine's process ended (${signal ?? `exit code ${code}`})`),
    );
    this.#child = child;
    return child;
  }

  /** Idle, it must not keep the parent's program from ending. */
  #rest(): void {
    this.#child?.unref();
    this.#child?.channel?.unref();
  }

  #deliver(id: number, message: FromEngine): void {
    const inbox = this.#inboxes.get(id);
    inbox?.queue.push(message);
    inbox?.wake();
  }

  #lost(child: ChildProcess, message: string): void {
    if (this.#child === child) this.#child = undefined;
    const hint = "If memory ran out, use a smaller size or batch; the next run starts a new engine.";
    for (const [id, inbox] of this.#inboxes) {
      if (inbox.child !== child) continue;
      this.#deliver(id, { type: "failed", id, failure: { code: "engine_failed", message, hint } });
    }
  }
}

function isGone(child: ChildProcess): boolean {
  return child.killed || child.exitCode !== null || child.signalCode !== null;
}

function tell(child: ChildProcess, message: ToEngine): void {
  // A child that is already gone is reported by its exit event; a failed send says nothing more.
  if (child.connected) child.send(message, () => {});
}

const isOnTheWay = ({ type }: FromEngine): boolean => type === "event" || type === "started";

async function nextOf(inbox: Inbox): Promise<FromEngine> {
  while (inbox.queue.length === 0) {
    await new Promise<void>((resolve) => {
      inbox.wake = resolve;
    });
  }
  return inbox.queue.shift()!;
}

function errorOf({ code, message, hint, stack }: Failure): IllustriousError {
  const error = new IllustriousError(code as ErrorCode, message, hint);
  if (stack) error.stack = stack;
  return error;
}

function cancelled(task: string): IllustriousError {
  return new IllustriousError("cancelled", `${task} was cancelled`);
}
