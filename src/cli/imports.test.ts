/** @file What is loaded before anything is done decides how long `--help` takes; so it is listed. */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** Packages that a module loads at once, by itself and by the modules that it imports. */
function packagesOf(module: string, seen: Set<string> = new Set(), packages: Set<string> = new Set()): Set<string> {
  if (seen.has(module)) return packages;
  seen.add(module);
  for (const [, type, from] of readFileSync(module, "utf8").matchAll(
    /^(?:import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"/gm,
  )) {
    if (type || from!.startsWith("node:")) continue;
    if (from!.startsWith(".")) packagesOf(join(dirname(module), from!), seen, packages);
    else packages.add(from!);
  }
  return packages;
}

test.each([
  ["main.ts", ["commander"]],
  ["generate-command.ts", ["commander", "zod"]],
  ["start-command.ts", ["commander", "zod"]],
  ["inspect-command.ts", ["zod"]],
  ["evaluate-command.ts", ["commander", "zod"]],
])("%s loads %j and no more", (module, packages) => {
  expect([...packagesOf(join(import.meta.dirname, module))].sort()).toEqual(packages);
});
