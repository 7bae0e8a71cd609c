/**
 * @file The command line with a `generate` of slow steps, for tests that interrupt it from outside. The first argument says
 * what the task does when it is asked to stop: `patient` ends after its step, `stuck` never ends. Needs compiled sources.
 */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IllustriousError } from "../../dist/base/error.js";
import { run } from "../../dist/cli/program.js";
import { processShell } from "../../dist/cli/shell.js";
import { writeFileAtomic } from "../../dist/formats/atomic-write.js";
import { encodePng } from "../../dist/formats/png/index.js";

const [mode, ...argv] = process.argv.slice(2);
const STEPS = 4;

async function* generate({ outDir }, { signal }) {
  const image = { width: 512, height: 512, rgb: new Uint8Array(3 * 512 * 512) };
  for (let i = 0; ; i++) {
    for (let step = 1; step <= STEPS; step++) {
      await sleep(mode === "stuck" && i === 1 ? 1e9 : 100);
      const done = i * STEPS + step;
      yield {
        type: "step",
        batch: i,
        batches: 99,
        step,
        steps: STEPS,
        done,
        total: 99 * STEPS,
        sigma: 1,
        seconds: 0.1,
      };
      if (signal.aborted) throw new IllustriousError("cancelled", "generate was cancelled");
    }
    const path = join(outDir, `${i}.png`);
    const png = encodePng(image);
    await writeFileAtomic(path, png);
    yield { type: "picture", index: i, seed: i, image, png, infotext: "", path };
  }
}

process.exitCode = await run(argv, processShell(), { generate }, "0");
