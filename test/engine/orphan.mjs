/** @file A parent that starts an engine, says its process id and is killed by the test. */

import { EngineProcess } from "../../dist/runtime/process/engine-process.js";

const engine = new EngineProcess({ entry: new URL("./tasks.mjs", import.meta.url) });
for await (const event of engine.run("count", { to: 1e9, ms: 20 })) {
  if (event.i === 1) process.stdout.write(`${event.pid}\n`);
}
