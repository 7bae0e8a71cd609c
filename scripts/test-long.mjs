/** @file `npm run test:long`: tests that take minutes. `npm run test:long -- 4` kills the run of training four times instead of thirty. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root, setUp } from "./setup.mjs";

const KILLS = 30;

const [given, ...more] = process.argv.slice(2);
const kills = given === undefined ? KILLS : Number(given);
if (more.length > 0 || !Number.isInteger(kills) || kills < 1) {
  process.stderr.write("Needs nothing, or how often the run of training is killed: a whole number above 0.\n");
  process.exit(2);
}
setUp();
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, "run", "--config", "test/long/vitest.config.ts"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ILLUSTRIOUS_TEST_KILLS: String(kills) },
});
process.exit(status ?? 1);
