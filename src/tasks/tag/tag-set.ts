/** @file From an audit's rows to captions, one by one, whatever kind of place they are put in. */

import { IllustriousError } from "../../base/error.ts";
import type { Edge, Edges } from "./parts.ts";
import type { Row, Rows } from "./rows.ts";
import type { Work } from "./work.ts";
import type { CaptionWriter } from "./writer.ts";

/**
 * @param edges of rows that are a part of an audit's
 * @throws IllustriousError `write_failed`; `cancelled`
 */
export async function tagSet(
  rows: Rows,
  writer: CaptionWriter,
  { tally, signal }: Work,
  edges: Edges = {},
): Promise<void> {
  let { before } = edges;
  const { behind } = edges;
  for (let row = rows.current(); row; row = rows.current()) {
    if (signal.aborted) {
      await writer.flush();
      throw new IllustriousError(
        "cancelled",
        `stopped after ${tally.counts().images} images`,
        "Run it again to go on.",
      );
    }
    const above = linesAbove(row, before);
    before = undefined;
    if (row.line !== null && row.captionFile !== null && writer.metadata) await tagMetadataRows(row.captionFile, above);
    else if (row.member !== null && writer.archive) await writer.archive(rows);
    else {
      tally.image(row.tokens ?? []);
      if (row.member !== null || (await isTaken(row))) await writer.caption(row);
      await rows.advance();
    }
  }
  await writer.flush();

  async function isTaken(row: Row): Promise<boolean> {
    return writer.take === undefined || (await writer.take(row));
  }

  /** All rows of one metadata file, which stand together in the order of its lines. */
  async function tagMetadataRows(path: string, from: number): Promise<void> {
    let above = from;
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
    const more = () => rows.current() !== undefined || behind?.file !== path || behind.line <= above;
    const isThere = await writer.metadata!(path, { above: from, more, tokensOf });
    for (let row = isMine(); row; row = isMine()) await (isThere ? lost(row) : skip(row));

    async function tokensOf(line: number, image: string): Promise<readonly string[] | undefined> {
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
    }
  }
}

/** Down to which line a row's metadata file is the part's before: where that one ends in the same file, higher up. */
function linesAbove({ captionFile, line }: Row, before: Edge | undefined): number {
  return before && line !== null && before.file === captionFile && before.line < line ? before.line : 0;
}
