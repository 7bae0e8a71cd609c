/** @file A decoder that ends its worker at files that are named for it. */

import { basename } from "node:path";
import { measureImage } from "../../dist/data/audit/measure-image.js";
import { serve } from "../../dist/runtime/process/serve.js";

async function* measure(request) {
  if (basename(request.path).startsWith("poison")) process.kill(process.ppid, "SIGKILL");
  yield* measureImage(request);
}

serve({ measure });
