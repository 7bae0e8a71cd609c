/** @file The few colours of the command line, and when to leave them out. */

import type { Shell, Stream } from "./shell.ts";

export type Paint = { readonly [name in "bold" | "dim" | "red" | "yellow" | "green"]: (text: string) => string };

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], yellow: [33, 39], green: [32, 39] } as const;

/** NO_COLOR (no-color.org) beats all, FORCE_COLOR beats the lack of a terminal. */
export function hasColour(stream: Stream, env: Shell["env"]): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0";
  return stream.isTTY && env.TERM !== "dumb";
}

export function paintFor(stream: Stream, env: Shell["env"]): Paint {
  const on = hasColour(stream, env);
  const painter = ([start, end]: readonly [number, number]) =>
    on ? (text: string) => `\x1b[${start}m${text}\x1b[${end}m` : (text: string) => text;
  return {
    bold: painter(CODES.bold),
    dim: painter(CODES.dim),
    red: painter(CODES.red),
    yellow: painter(CODES.yellow),
    green: painter(CODES.green),
  };
}
