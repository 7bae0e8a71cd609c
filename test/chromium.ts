/** @file A page in a real browser, where there is one. */

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The browser's path; `undefined` where none is installed, as in CI. */
export const CHROMIUM: string | undefined = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** What a page has become after its scripts, if any, have run, and what the browser said meanwhile. */
export async function openPage(path: string): Promise<{ readonly dom: string; readonly log: string }> {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
  const more = [`--user-data-dir=${profile}`, "--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom"];
  try {
    const { stdout, stderr } = await promisify(execFile)(CHROMIUM!, [...flags, ...more, pathToFileURL(path).href], {
      maxBuffer: 2 ** 26,
      timeout: 150_000,
    });
    return { dom: stdout, log: stderr };
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
