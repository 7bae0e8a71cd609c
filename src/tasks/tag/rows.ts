/** @file The rows of an audit's table as tagging goes through them: each image with its tokens and where its caption is kept. */

import { extname } from "node:path";
import { CONTROL_FAMILY_NAMES, type ControlThresholds } from "../../colour/index.ts";
import { readFields } from "../../data/audit/index.ts";
import { controlWords } from "../../data/tags/index.ts";
import { familiesOf, type TagOptions } from "./options.ts";

const FIELDS = [
  "source",
  "memberNumber",
  "mtimeMs",
  "caption",
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
    for (const row of await readFields(path, FIELDS)) {
      if (row.error === "bad_source") continue;
      const measures = Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, row[family]!]));
      const measured = { ...measures, workingSide } as Parameters<typeof controlWords>[0];
      const { source, memberNumber: member, mtimeMs, caption, captionFile, captionLine: line } = row;
      const tokens = row.error === null ? controlWords(measured, thresholds, choice) : undefined;
      yield { source, member, mtimeMs, caption, captionFile, line, tokens };
    }
  }
}

/** kohya's JSON has the captions of all its images, and is no file beside one. */
export function isKohyaJson({ captionFile, line }: Row): boolean {
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
