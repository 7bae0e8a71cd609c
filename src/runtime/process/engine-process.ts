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
import { AHEAD, type Failure, type FromEngine, type ToEngine } from "./messages.ts";

export type EngineOptions = {
  /** The module that calls `serve`. */
  readonly entry: URL;
  /** How long a cancelled task may go on before the process is killed, in milliseconds. */
  readonly patience?: number;
  readonly nodeOptions?: readonly string[];
  /** `ignore` where native code writes there of every file that it does not like. */
  readonly stderr?: "inherit" | "ignore";
};

/** What has arrived of a run and has not been read. */
type Answer = Exclude<FromEngine, { type: "started" }>;

/** A task in the parent: where it runs or waits, what has arrived, and who waits for more. */
type Run = {
  readonly id: number;
  readonly task: string;
  readonly options: unknown;
  /** In which the program was at the call: it may go elsewhere, and paths are told as they are given. */
  readonly folder: string;
  /** Another one where that was lost before the run had begun. */
  child: ChildProcess;
  hasBegun: boolean;
  readonly queue: Answer[];
  /** Events read of which the child does not know yet. */
  taken: number;
  wake: () => void;
  /** Whether somebody waits for what comes next. */
  isAwaited: boolean;
  killer?: NodeJS.Timeout;
};

const PATIENCE = 5_000;

export class EngineProcess {
  readonly #options: EngineOptions;
  #child: ChildProcess | undefined;
  /** In the order in which they were asked for; those that have ended are gone. */
  #runs = new Map<number, Run>();
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
   * if that takes longer than the patience, the process is killed and the runs that wait get a new one. A task is never more
   * than a few events ahead of who reads them, unless another run waits for the process.
   *
   * @throws IllustriousError `bad_option` for what is no signal; what the task throws; `cancelled` after an abort, and when
   * the engine is closed meanwhile; `engine_failed` if the process dies
   */
  async *run<Event>(task: string, options: unknown, signal?: AbortSignal): AsyncGenerator<Event, void> {
    checkSignal(signal);
    if (signal?.aborted) throw cancelled(task, signal.reason);
    const run: Run = {
      id: this.#nextId++,
      task,
      options,
      folder: process.cwd(),
      child: this.#started(),
      hasBegun: false,
      queue: [],
      taken: 0,
      wake: () => {},
      isAwaited: false,
    };
    this.#runs.set(run.id, run);
    let ended = false;
    const cancel = () => this.#cancel(run);
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      this.#hand(run, run.child);
      for (;;) {
        const message = await this.#next(run);
        if (message.type === "event") {
          yield message.event as Event;
          this.#take(run);
          continue;
        }
        ended = true;
        // An engine that was killed for its slowness was cancelled, not broken.
        if (signal?.aborted) throw cancelled(task, signal.reason);
        if (message.type === "failed") throw errorOf(message.failure);
        return;
      }
    } finally {
      if (!ended) {
        cancel();
        while ((await this.#next(run)).type === "event");
      }
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Ends the process and cancels its runs; models it holds are gone. A later run starts a new one. */
  async close(): Promise<void> {
    for (const run of [...this.#runs.values()]) {
      const { code, message } = cancelled(run.task);
      const failure = { code, message: `${message}: its engine was closed` };
      this.#deliver(run, { type: "failed", id: run.id, failure });
    }
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
    if (this.#child?.connected && !isGone(this.#child)) return this.#child;
    const child = fork(fileURLToPath(this.#options.entry), {
      serialization: "advanced",
      execArgv: [...(this.#options.nodeOptions ?? [])],
      stdio: ["ignore", "inherit", this.#options.stderr ?? "inherit", "ipc"],
    });
    endWithThisProcess(child);
    child.on("message", (message: FromEngine) => {
      const run = this.#runs.get(message.id);
      // What a child that was killed here still had to say is of nobody's concern: its runs have ended or go to another.
      if (run?.child === child && !child.killed) this.#deliver(run, message);
    });
    child.on("error", (error) => this.#lost(child, `the engine's process: ${error.message}`));
    child.on("exit", (code, signal) =>
      this.#lost(child, `the engine's process ended (${signal ?? `exit code ${code}`})`),
    );
    this.#child = child;
    return child;
  }

  #hand(run: Run, child: ChildProcess): void {
    const { id, task, options, folder } = run;
    run.child = child;
    tell(child, { type: "run", id, task, options, folder });
    this.#hold(child);
  }

  /** One more event is read. */
  #take(run: Run): void {
    if (++run.taken < AHEAD / 2) return;
    tell(run.child, { type: "taken", id: run.id, events: run.taken });
    run.taken = 0;
  }

  async #next(run: Run): Promise<Answer> {
    while (run.queue.length === 0) {
      await new Promise<void>((resolve) => {
        run.wake = resolve;
        run.isAwaited = true;
        this.#hold(run.child);
      });
      run.isAwaited = false;
      this.#hold(run.child);
    }
    return run.queue.shift()!;
  }

  /** A process keeps the parent's program from ending while somebody waits for it: idle, or with a run that nobody follows, it must not. */
  #hold(child: ChildProcess): void {
    // What was killed is gone soon; `close` may wait for that.
    if (child.killed) return;
    const isAwaited = this.#runsOn(child).some((run) => run.isAwaited);
    for (const handle of [child, child.channel]) isAwaited ? handle?.ref() : handle?.unref();
  }

  #cancel(run: Run): void {
    const { id, child } = run;
    if (!this.#runs.has(id)) return;
    tell(child, { type: "cancel", id });
    // A run that still waits ends here and now: the one it waits for is somebody else's.
    if (!run.hasBegun) this.#deliver(run, { type: "end", id });
    else run.killer ??= setTimeout(() => child.kill("SIGKILL"), this.#options.patience ?? PATIENCE).unref();
  }

  #deliver(run: Run, message: FromEngine): void {
    if (message.type === "started") {
      run.hasBegun = true;
      return;
    }
    run.queue.push(message);
    if (message.type !== "event") {
      // However late the end is read: by then the process may be at another's run.
      clearTimeout(run.killer);
      this.#runs.delete(run.id);
    }
    run.wake();
  }

  #runsOn(child: ChildProcess): Run[] {
    return [...this.#runs.values()].filter((run) => run.child === child);
  }

  /** The run that had begun fails, and those that waited for it go to a new process. Where none had, no process would do better. */
  #lost(child: ChildProcess, message: string): void {
    if (this.#child === child) this.#child = undefined;
    const hint = "If memory ran out, use a smaller size or batch; the next run starts a new engine.";
    const lost = this.#runsOn(child);
    const hadBegun = lost.some((run) => run.hasBegun);
    for (const run of lost) {
      if (hadBegun && !run.hasBegun) this.#hand(run, this.#started());
      else this.#deliver(run, { type: "failed", id: run.id, failure: { code: "engine_failed", message, hint } });
    }
  }
}

/** Engines that run. One listener for all: one each would be warned of as a leak. */
const running = new Set<ChildProcess>();

/** A parent that leaves in a hurry leaves no engine behind: one in the middle of a native call would not notice. */
function endWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) process.on("exit", endAll);
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", endAll);
  });
}

function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** A mistake of programs without types, which would otherwise show as one inside Node. */
function checkSignal(signal: unknown): void {
  if (signal === undefined || signal === null) return;
  if (typeof signal === "object" && "aborted" in signal && "addEventListener" in signal) return;
  const hint = "Hand over the signal of an AbortController: controller.signal.";
  throw new IllustriousError("bad_option", "signal: this is no AbortSignal", hint);
}

function isGone(child: ChildProcess): boolean {
  return child.killed || child.exitCode !== null || child.signalCode !== null;
}

function tell(child: ChildProcess, message: ToEngine): void {
  // A child that is already gone is reported by its exit event; a failed send says nothing more.
  if (child.connected) child.send(message, () => {});
}

function errorOf({ code, message, hint, stack }: Failure): IllustriousError {
  const error = new IllustriousError(code as ErrorCode, message, hint);
  if (stack) error.stack = stack;
  return error;
}

/** @param reason what the signal was aborted with, such as the error of `AbortSignal.timeout` */
function cancelled(task: string, reason?: unknown): IllustriousError {
  return new IllustriousError("cancelled", `${task} was cancelled`, undefined, { cause: reason });
}
