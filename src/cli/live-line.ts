/**
 * @file One line that is rewritten at a terminal while something long goes on; elsewhere, a line now and then, and the last one of
 * each stage, so that a log does not stay at a number from the middle.
 */

import type { Shell } from "./shell.ts";
import { clip, safeLine } from "./terminal-text.ts";

/** How often a log gets a line, in milliseconds. */
const LOG_EVERY = 15_000;

export type LiveLine = {
  /** Text that stays, with its line end. */
  keep(text: string): void;
  /** @param stage what this tells the progress of, where there is more than one thing */
  show(text: string, stage?: string): void;
  end(): void;
};

export function liveLine({ stderr, env, now }: Shell): LiveLine {
  const live = stderr.isTTY && env.TERM !== "dumb";
  let shown = false;
  let logged = Number.NEGATIVE_INFINITY;
  let stage = "";
  /** The newest line of a log that has not been written. */
  let waiting: string | undefined;
  const erase = () => {
    if (shown) stderr.write("\r\x1b[2K");
    shown = false;
  };
  const end = () => {
    erase();
    if (waiting !== undefined) stderr.write(waiting);
    waiting = undefined;
  };
  return {
    keep(text) {
      erase();
      stderr.write(text);
    },
    show(text, of = "") {
      if (of !== stage) end();
      stage = of;
      if (live) {
        stderr.write(`\r\x1b[2K${clip(safeLine(text), stderr.columns - 1)}`);
        shown = true;
        return;
      }
      waiting = `${safeLine(text)}\n`;
      if (now() - logged < LOG_EVERY) return;
      logged = now();
      end();
    },
    end,
  };
}
