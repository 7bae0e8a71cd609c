/** @file What the kernel says of this process's memory, in MiB. Linux only. */

import { readFileSync, writeFileSync } from "node:fs";

/** Now: private pages, pages of mapped files. `peak`: the most that both were together since the last reset. */
export function memory() {
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024);
  return { anon: field("RssAnon"), file: field("RssFile"), peak: field("VmHWM") };
}

export function resetPeak() {
  writeFileSync("/proc/self/clear_refs", "5");
}
