#!/usr/bin/env node

/** @file The executable. Everything that takes time to load is loaded by the command that needs it. */

import { VERSION } from "../tasks/version.ts";
import type { GenerateTask } from "./follow.ts";
import { run } from "./program.ts";
import { processShell } from "./shell.ts";

const generate: GenerateTask = async function* (options, control) {
  const tasks = await import("../tasks/generate.ts");
  yield* tasks.generate(options, control);
};

process.exitCode = await run(process.argv.slice(2), processShell(), { generate }, VERSION);
