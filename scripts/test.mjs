/** @file `npm test`: set up if needed, check types and style, run the tests, and end with one line that counts them. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root, setUp } from "./setup.mjs";

setUp();
const bin = (name) => join(root, "node_modules", name);
const run = (...args) => spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;

const folder = mkdtempSync(join(tmpdir(), "illustrious-test-"));
const report = join(folder, "report.json");
const only = process.argv.slice(2);
let failed = 0;
if (only.length === 0) {
  if (run(bin("typescript/bin/tsc"), "-p", "tsconfig.json") !== 0) failed++;
  if (run(bin("@biomejs/biome/bin/biome"), "check", ".") !== 0) failed++;
}
run(bin("vitest/vitest.mjs"), "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...only);

let counts = { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numFailedTestSuites: 0 };
try {
  counts = JSON.parse(readFileSync(report, "utf8"));
} catch {
  process.stderr.write("vitest left no report: counted as one failure\n");
}
rmSync(folder, { recursive: true, force: true });
// A file that fails to load has no failing test of its own, yet must not pass unseen.
if (counts.numFailedTests === 0 && counts.numFailedTestSuites > 0) failed += counts.numFailedTestSuites;
failed += counts.numFailedTests;
for (const { name, assertionResults } of counts.testResults ?? []) {
  for (const { status, fullName } of assertionResults) {
    if (status === "failed") process.stdout.write(`failed: ${relative(root, name)}: ${fullName}\n`);
  }
}
if (counts.numPendingTests > 0)
  process.stdout.write(`${counts.numPendingTests} skipped: this machine lacks what they need\n`);
process.stdout.write(`${counts.numPassedTests} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
