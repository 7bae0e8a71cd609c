/** @file `npm start -- "<prompt>"`: set up if needed, then four pictures of each shipped model, and a sheet of them. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { root, setUp } from "./setup.mjs";

setUp();
const main = join(root, "dist/cli/main.js");
const child = spawn(process.execPath, [main, "start", ...process.argv.slice(2)], { stdio: "inherit" });
// The terminal sends Ctrl-C to the child as well, which ends in its own time; other signals come here alone.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code) => process.exit(code ?? 1));
