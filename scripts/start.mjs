/** @file `npm start -- "<prompt>"`: set up if needed, then one picture of each shipped model, and a sheet of them. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root, setUp } from "./setup.mjs";

setUp();
const main = join(root, "dist/cli/main.js");
const { status } = spawnSync(process.execPath, [main, "start", ...process.argv.slice(2)], { stdio: "inherit" });
process.exit(status ?? 1);
