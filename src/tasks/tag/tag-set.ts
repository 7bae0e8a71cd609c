/** @file From an audit's rows to captions, one by one, whatever kind of place they are put in. */

import { IllustriousError } from "../../base/error.ts";
import type { Row, Rows } from "./rows.ts";
import type { Work } from "./work.ts";
import type { CaptionWriter } from "./writer.ts";

/** @throws IllustriousError `write_failed`; `cancelled` */
export async function tagSet(rows: Rows, writer: CaptionWriter, { tally, signal }: Work): Promise<void> {
  for (let row = rows.current(); row; row = rows.current()) {
    if (signal.aborted) {
      await writer.flush();
      throw new IllustriousError(
        "cancelled",
        `stopped after ${tally.counts().images} images`,
        "Run it again to go on.",
      );
    }
    if (row.line !== null && row.captionFile !== null && writer.metadata) await tagMetadataRows(row.captionFile);
    else if (row.member !== null && writer.archive) await writer.archive(rows);
    else {
      tally.image(row.tokens ?? []);
      if (row.member === null) await writer.take?.(row);
      await writer.caption(row);
      await rows.advance();
    }
  }
  await writer.flush();

  /** All rows of one metadata file, which stand together in the order of its lines. */
  async function tagMetadataRows(path: string): Promise<void> {
    let above = 0;
    const isMine = (): Row | undefined => {
      const row = rows.current();
      if (row?.captionFile !== path || row.line === null) return undefined;
      // The same file, named a second time.
      return row.line > above ? row : undefined;
    };
    const skip = async (row: Row): Promise<void> => {
      tally.image(row.tokens ?? []);
      await writer.take?.(row);
      above = row.line!;
      await rows.advance();
    };
    const lost = async (row: Row): Promise<void> => {
      tally.left("set_changed", path, `${path}: line ${row.line} does not tell of ${row.source} any more; audit again`);
      await skip(row);
    };
    await writer.metadata!(path, async (line, image) => {
      let row = isMine();
      for (; row && row.line! < line; row = isMine()) await lost(row);
      if (row?.line !== line) {
        tally.left("set_changed", path, `${path}: line ${line} is of another image since the audit; audit again`);
        return undefined;
      }
      await skip(row);
      if (row.source !== image) {
        tally.left("set_changed", path, `${path}: line ${line} is of ${image} now, not of ${row.source}; audit again`);
        return undefined;
      }
      if (!row.tokens) tally.left("no_measures", row.source);
      return row.tokens;
    });
    for (let row = isMine(); row; row = isMine()) await lost(row);
  }
}
