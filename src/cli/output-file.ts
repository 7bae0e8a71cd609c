/** @file `--out FILE.png`: the one picture under the name that the user chose. */

import { dirname } from "node:path";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import { checkFile, makeFolder } from "../tasks/output-place.ts";
import { quoted, usageError } from "./command.ts";

/**
 * What writes the picture, and names its path in the event.
 *
 * @param previews where these go, which the picture would replace
 * @throws IllustriousError `bad_option` for what is not a PNG's name, `write_failed` for where none can be
 */
export async function outputFile(
  path: string,
  previews?: string,
): Promise<(event: GenerateEvent) => Promise<GenerateEvent>> {
  checkPngName("--out", path, "Pictures are PNG files. For a folder, use --out-dir.");
  const place = await checkFile(path);
  if (previews !== undefined && place === (await checkFile(previews))) {
    throw usageError(`--out and --preview-to are the same file, ${path}`, "Give the previews a file of their own.");
  }
  return async (event) => {
    if (event.type !== "picture") return event;
    await makeFolder(dirname(place));
    await writeFileAtomic(place, event.png);
    return { ...event, path };
  };
}

/** @throws IllustriousError `bad_option` for what is not a PNG's name */
export function checkPngName(flag: string, path: string, hint: string): void {
  if (!/\.png$/i.test(path)) throw usageError(`${flag} ${quoted(path)}: must end in .png`, hint);
}
