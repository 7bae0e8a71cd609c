/**
 * @file What a command knows of the outside world: two streams, the environment, a clock, Ctrl-C. Commands use nothing
 * else of the process, so that a test can hand them a world of its own.
 */

export type Stream = {
  readonly isTTY: boolean;
  /** Of the terminal, now; 80 where there is none. */
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
};

export type StopSignal = "SIGINT" | "SIGTERM";

export type Shell = {
  /** For what programs read: paths, JSON. */
  readonly stdout: Stream;
  /** For what people read: progress, warnings, errors. */
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since any fixed moment. */
  now(): number;
  date(): Date;
  /** Calls `tick` again and again, without keeping the process alive for it; returns the way to end that. */
  every(milliseconds: number, tick: () => void): () => void;
  /** Every time the user or the system asks the process to stop; returns the way to end that. */
  onStop(handler: (signal: StopSignal) => void): () => void;
  /** At once, whatever is running. */
  exit(code: number): void;
};

export function processShell(): Shell {
  return {
    stdout: streamOf(process.stdout),
    stderr: streamOf(process.stderr),
    env: process.env,
    now: () => performance.now(),
    date: () => new Date(),
    every(milliseconds, tick) {
      const timer = setInterval(tick, milliseconds).unref();
      return () => clearInterval(timer);
    },
    onStop(handler) {
      process.on("SIGINT", handler);
      process.on("SIGTERM", handler);
      return () => {
        process.off("SIGINT", handler);
        process.off("SIGTERM", handler);
      };
    },
    exit: (code) => process.exit(code),
  };
}

function streamOf(stream: NodeJS.WriteStream): Stream {
  // The reader has gone (`| head`): nobody is left to work for. 141 is what a shell shows for SIGPIPE.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.closedPipe);
    throw error;
  });
  return {
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
    write: (text) => void stream.write(text),
  };
}

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  interrupted: 130,
  closedPipe: 141,
  terminated: 143,
} as const;
