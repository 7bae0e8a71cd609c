/** @file `--preview-to FILE.png`: one file that always shows the newest preview, replaced whole each time. */

import { dirname } from "node:path";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import { encodePng } from "../formats/png/index.ts";
import { CELL, cellOf, sheetOf } from "../pipeline/sheet.ts";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import { checkFile, makeFolder } from "../tasks/output-place.ts";
import { checkPngName } from "./output-file.ts";

/** @throws IllustriousError `bad_option` for what is not a PNG's name, `write_failed` for where none can be */
export async function previewFile(path: string): Promise<(event: GenerateEvent) => Promise<void>> {
  checkPngName("--preview-to", path, "Previews are PNG files.");
  const place = await checkFile(path);
  return async (event) => {
    if (event.type !== "step" || !event.previews) return;
    await makeFolder(dirname(place));
    const layout = { columns: event.previews.length, rows: 1 };
    const cells = await Promise.all(event.previews.map((preview) => cellOf(preview, layout, CELL)));
    await writeFileAtomic(place, encodePng(sheetOf([cells])));
  };
}
