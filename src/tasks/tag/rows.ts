/** @file The rows of an audit's table as tagging goes through them: each image with its tokens and where its caption is kept. */

import { extname } from "node:path";
import { CONTROL_FAMILY_NAMES, type ControlMeasures, type ControlThresholds } from "../../colour/index.ts";
import { type AuditRow, readFields } from "../../data/audit/index.ts";
import { controlWords } from "../../data/tags/index.ts";
import { familiesOf, type TagOptions } from "./options.ts";

const FIELDS = [
  "source",
  "memberNumber",
  "mtimeMs",
  "captionFile",
  "captionLine",
  "error",
  ...CONTROL_FAMILY_NAMES,
] as const;

export type Row = {
  /** Of the file, or of the archive that it is in. */
  readonly source: string;
  /** Number in an archive. */
  readonly member: number | null;
  /** Of the file or the archive. */
  readonly mtimeMs: number | null;
  /** As audited; null, too, where it is in a file and changed there. */
  readonly caption: string | null;
  readonly captionFile: string | null;
  /** Of a metadata file. */
  readonly line: number | null;
  /** None without measures. */
  readonly tokens: readonly string[] | undefined;
};

/** The one that is looked at, of rows that are gone through once. */
export type Rows = {
  current(): Row | undefined;
  advance(): Promise<void>;
};

export async function openRows(
  shards: readonly string[],
  thresholds: ControlThresholds,
  workingSide: number,
  options: TagOptions,
): Promise<Rows> {
  const rows = rowsOf(shards, thresholds, workingSide, options);
  let next = await rows.next();
  return {
    current: () => next.value ?? undefined,
    async advance() {
      next = await rows.next();
    },
  };
}

async function* rowsOf(
  shards: readonly string[],
  thresholds: ControlThresholds,
  workingSide: number,
  options: TagOptions,
): AsyncGenerator<Row, undefined> {
  const choice = { families: familiesOf(options), outer: options.outer, blackTheme: options.blackTheme };
  for (const path of shards) {
    const rows = await readFields(path, FIELDS);
    // Texts are most of a shard, and those that are in files are read there; a copy takes them where such a file is gone, too.
    const texts =
      options.out === undefined && rows.every(isElsewhere) ? undefined : await readFields(path, ["caption"]);
    for (const [i, row] of rows.entries()) {
      if (row.error === "bad_source") continue;
      const { source, memberNumber: member, mtimeMs, captionFile, captionLine: line } = row;
      const caption = texts ? texts[i]!.caption : null;
      const measures = { ...row, workingSide } as ControlMeasures;
      const tokens = row.error === null ? controlWords(measures, thresholds, choice) : undefined;
      yield { source, member, mtimeMs, caption, captionFile, line, tokens };
    }
  }
}

/** Whether an image's caption is in a file that has nothing but captions. */
function isElsewhere({ captionFile, captionLine }: Pick<AuditRow, "captionFile" | "captionLine">): boolean {
  return captionFile !== null && !isKohyaJson({ captionFile, line: captionLine });
}

/** kohya's JSON has the captions of all its images, and is no file beside one. */
export function isKohyaJson({ captionFile, line }: Pick<Row, "captionFile" | "line">): boolean {
  return line === null && captionFile !== null && extname(captionFile).toLowerCase() === ".json";
}

/** The first archive that an audit has images in. */
export async function archiveIn(shards: readonly string[]): Promise<string | undefined> {
  for (const path of shards) {
    const found = (await readFields(path, ["source", "member"])).find(({ member }) => member !== null);
    if (found) return found.source;
  }
  return undefined;
}
