/** @file One line that is rewritten at a terminal while something long goes on; elsewhere, a line now and then. */

import type { Shell } from "./shell.ts";
import { clip, safeLine } from "./terminal-text.ts";

/** How often a log gets a line, in milliseconds. */
const LOG_EVERY = 15_000;

export type LiveLine = {
  /** Text that stays, with its line end. */
  keep(text: string): void;
  show(text: string): void;
  end(): void;
};

export function liveLine({ stderr, env, now }: Shell): LiveLine {
  const live = stderr.isTTY && env.TERM !== "dumb";
  let shown = false;
  let logged = Number.NEGATIVE_INFINITY;
  const end = () => {
    if (shown) stderr.write("\r\x1b[2K");
    shown = false;
  };
  return {
    keep(text) {
      end();
      stderr.write(text);
    },
    show(text) {
      if (live) {
        stderr.write(`\r\x1b[2K${clip(safeLine(text), stderr.columns - 1)}`);
        shown = true;
      } else if (now() - logged >= LOG_EVERY) {
        logged = now();
        stderr.write(`${safeLine(text)}\n`);
      }
    },
    end,
  };
}
