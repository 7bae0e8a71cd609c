/** @file Captions changed where they are, or told what would be changed. */

import { tagMetadata, tellLeft } from "./metadata.ts";
import type { TagOptions } from "./options.ts";
import { isKohyaJson } from "./rows.ts";
import { openSidecars, sidecarOf } from "./sidecars.ts";
import type { Work } from "./work.ts";
import type { CaptionWriter } from "./writer.ts";

export function inPlace({ write }: TagOptions, work: Work): CaptionWriter {
  const { tally } = work;
  const sidecars = openSidecars(work);
  return {
    async caption(row) {
      if (row.member !== null) return tally.left("in_archive", row.source);
      if (!row.tokens) return tally.left("no_measures", row.source);
      if (row.line !== null || isKohyaJson(row) || write === "metadata") return tally.left("elsewhere", row.source);
      const place = await sidecarOf(row.source, row.captionFile, work);
      if ("left" in place) return tally.left(place.left, row.source, place.message);
      // Without a file, kohya's folder name is the caption, and a file would hide it.
      const fresh = row.captionFile === null && row.caption !== null ? { fresh: row.caption } : {};
      await sidecars.tag({ caption: place.path, image: row.source, tokens: row.tokens, ...fresh });
    },
    ...(write !== "sidecars" && {
      async metadata(path, asked) {
        await sidecars.flush();
        return tagMetadata(path, asked, work).then(
          () => true,
          (error: unknown) => {
            tellLeft(path, error, work);
            return false;
          },
        );
      },
    }),
    flush: () => sidecars.flush(),
  };
}
