/** @file A decoder that ends its worker, or itself between the header and the pixels, at files that are named for it. */

import { basename } from "node:path";
import { measureImage } from "../../dist/data/audit/measure-image.js";
import { serve } from "../../dist/runtime/process/serve.js";

async function* measure(request) {
  const name = basename(request.path);
  if (name.startsWith("poison")) process.kill(process.ppid, "SIGKILL");
  for await (const event of measureImage(request)) {
    yield event;
    if (name.startsWith("abort") && event.facts?.format) process.abort();
  }
}

serve({ measure });
