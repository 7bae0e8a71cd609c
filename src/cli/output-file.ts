/** @file `--out FILE.png`: the one picture under the name that the user chose. */

import { dirname } from "node:path";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import { checkFile, makeFolder } from "../tasks/output-place.ts";
import { usageError } from "./command.ts";

/**
 * What writes the picture, and names its path in the event.
 *
 * @throws IllustriousError `bad_option` for what is not a PNG's name, `write_failed` for where none can be
 */
export async function outputFile(path: string): Promise<(event: GenerateEvent) => Promise<GenerateEvent>> {
  if (!/\.png$/i.test(path)) {
    throw usageError(`--out ${path}: must end in .png`, "Pictures are PNG files. For a folder, use --out-dir.");
  }
  await checkFile(path);
  return async (event) => {
    if (event.type !== "picture") return event;
    await makeFolder(dirname(path));
    await writeFileAtomic(path, event.png);
    return { ...event, path };
  };
}
