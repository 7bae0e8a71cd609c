/** @file Where a run puts captions: what the walk over an audit's rows asks of each kind of place. */

import type { Row, Rows } from "./rows.ts";

/** What is asked of a metadata file: all of its lines, or of one of several plans those that are its part. */
export type LinesAsked = {
  /** Lines down to this one belong to the part before; 0 without one. */
  readonly above: number;
  /** Whether the next line is asked for, too. */
  more(): boolean;
  /** @returns an image's tokens, or `undefined` to leave the line; lines come in their order, from 1 */
  tokensOf(line: number, image: string): Promise<readonly string[] | undefined>;
};

export type CaptionWriter = {
  /** Every image that is a file of its own. @returns whether it is there; if not, that is told, and its caption is not asked for */
  take?(row: Row): Promise<boolean>;
  /** An image's caption; also of one in an archive or a metadata file, where there is no writer for those. */
  caption(row: Row): Promise<void>;
  /** A whole metadata file. @returns whether it could be gone through; if not, that is told */
  metadata?(path: string, asked: LinesAsked): Promise<boolean>;
  /** A whole archive, of which the current row is the first; it goes on behind its last one. */
  archive?(rows: Rows): Promise<void>;
  /** Writes what is planned. */
  flush(): Promise<void>;
};
