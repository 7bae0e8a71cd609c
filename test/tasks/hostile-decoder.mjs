/** @file A decoder whose files do to it what their names say, in place of what hostile ones would do to a real one. */

import { existsSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { serve } from "../../dist/runtime/process/serve.js";

async function* measure({ path }) {
  const name = basename(path);
  yield { type: "begun" };
  yield { type: "facts", facts: { sha256: "ab".repeat(32) } };
  if (name.startsWith("abort")) process.abort();
  if (name.startsWith("hang")) for (;;);
  if (name.startsWith("once") && !existsSync(`${path}.seen`)) {
    writeFileSync(`${path}.seen`, "");
    process.kill(process.pid, "SIGKILL");
  }
  yield { type: "facts", facts: { format: "png", width: name.length } };
}

serve({ measure });
