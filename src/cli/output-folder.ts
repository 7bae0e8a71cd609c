/** @file Where pictures go when nothing is said. */

import { join } from "node:path";

/** `outputs/2025-03-22`, by the clock on the wall. */
export function datedFolder(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return join("outputs", `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`);
}
