/** @file Where the program keeps what it may forget: `ILLUSTRIOUS_HOME`, else a folder in the user's cache. */

import { homedir } from "node:os";
import { join } from "node:path";

/** https://specifications.freedesktop.org/basedir-spec/latest/ */
export function illustriousHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.ILLUSTRIOUS_HOME) return env.ILLUSTRIOUS_HOME;
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "illustrious");
}
