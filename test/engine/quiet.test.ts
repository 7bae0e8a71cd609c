/** @file What ONNX Runtime refuses is thrown, and told once: nothing of its own goes to stderr. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a run that fails throws our error, and leaves stderr alone", async () => {
  const script = join(import.meta.dirname, "unknown-token.mjs");
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toMatch(/^engine_failed: ONNX Runtime cannot run the graph: .*Gather/);
  expect(stderr).toBe("");
});
