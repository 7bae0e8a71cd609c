/** @file From an audit's table to its captions, row by row. */

import { extname } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { CONTROL_FAMILY_NAMES, type ControlThresholds } from "../../colour/index.ts";
import { readFields } from "../../data/audit/index.ts";
import { controlWords } from "../../data/tags/index.ts";
import { tagMetadata } from "./metadata.ts";
import { familiesOf, type TagOptions } from "./options.ts";
import { openSidecars, sidecarOf } from "./sidecars.ts";
import type { Work } from "./work.ts";

const FIELDS = ["source", "member", "caption", "captionFile", "captionLine", "error", ...CONTROL_FAMILY_NAMES] as const;

type Row = {
  readonly image: string;
  readonly inArchive: boolean;
  readonly caption: string | null;
  readonly captionFile: string | null;
  /** Of a metadata file. */
  readonly line: number | null;
  /** None without measures. */
  readonly tokens: readonly string[] | undefined;
};

async function* rowsOf(
  shards: readonly string[],
  thresholds: ControlThresholds,
  workingSide: number,
  options: TagOptions,
): AsyncGenerator<Row, void> {
  const choice = { families: familiesOf(options), outer: options.outer, blackTheme: options.blackTheme };
  for (const path of shards) {
    for (const row of await readFields(path, FIELDS)) {
      if (row.error === "bad_source") continue;
      const measures = Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, row[family]!]));
      const measured = { ...measures, workingSide } as Parameters<typeof controlWords>[0];
      yield {
        image: row.source,
        inArchive: row.member !== null,
        caption: row.caption,
        captionFile: row.captionFile,
        line: row.captionLine,
        tokens: row.error === null ? controlWords(measured, thresholds, choice) : undefined,
      };
    }
  }
}

/** kohya's JSON has the captions of all its images, and is no file beside one. */
function isKohyaJson({ captionFile, line }: Row): boolean {
  return line === null && captionFile !== null && extname(captionFile).toLowerCase() === ".json";
}

/** @throws IllustriousError `unsupported`, naming an archive, before anything is written */
export async function refuseArchives(shards: readonly string[]): Promise<void> {
  for (const path of shards) {
    const found = (await readFields(path, ["source", "member"])).find(({ member }) => member !== null);
    if (!found) continue;
    const hint = `Captions are not written into archives: unpack it (tar -xf ${found.source}), and audit the folder.`;
    throw new IllustriousError("unsupported", `${found.source}: its captions are in an archive`, hint);
  }
}

/** @throws IllustriousError `bad_option` when thresholds are of another working side; `write_failed`; `cancelled` */
export async function tagSet(
  shards: readonly string[],
  thresholds: ControlThresholds,
  workingSide: number,
  options: TagOptions,
  work: Work,
): Promise<void> {
  const { tally, signal } = work;
  const sidecars = openSidecars(work);
  const rows = rowsOf(shards, thresholds, workingSide, options);
  let next = await rows.next();
  const advance = async (): Promise<void> => {
    next = await rows.next();
  };
  while (!next.done) {
    if (signal.aborted) {
      await sidecars.flush();
      throw new IllustriousError(
        "cancelled",
        `stopped after ${tally.counts().images} images`,
        "Run it again to go on.",
      );
    }
    const { value: row } = next;
    if (row.line !== null && row.captionFile !== null && options.write !== "sidecars") {
      await tagMetadataRows(row.captionFile);
      continue;
    }
    tally.image(row.tokens ?? []);
    if (row.inArchive) tally.left("in_archive", row.image);
    else if (!row.tokens) tally.left("no_measures", row.image);
    else if (row.line !== null || isKohyaJson(row) || options.write === "metadata") tally.left("elsewhere", row.image);
    else {
      const caption = await sidecarOf(row.image, row.captionFile);
      // Without a file, kohya's folder name is the caption, and a file would hide it.
      const fresh = row.captionFile === null && row.caption !== null ? { fresh: row.caption } : {};
      await sidecars.tag({ caption, image: row.image, tokens: row.tokens, ...fresh });
    }
    await advance();
  }
  await sidecars.flush();

  /** All rows of one metadata file, which stand together in the order of its lines. */
  async function tagMetadataRows(path: string): Promise<void> {
    await sidecars.flush();
    let above = 0;
    const isMine = (): Row | undefined => {
      if (next.done || next.value.captionFile !== path || next.value.line === null) return undefined;
      // The same file, named a second time.
      return next.value.line > above ? next.value : undefined;
    };
    const skip = async (row: Row): Promise<void> => {
      tally.image(row.tokens ?? []);
      above = row.line!;
      await advance();
    };
    const lost = async (row: Row): Promise<void> => {
      tally.left("set_changed", path, `${path}: line ${row.line} does not tell of ${row.image} any more; audit again`);
      await skip(row);
    };
    await tagMetadata(
      path,
      async (line, image) => {
        let row = isMine();
        for (; row && row.line! < line; row = isMine()) await lost(row);
        if (row?.line !== line) {
          tally.left("set_changed", path, `${path}: line ${line} is of another image since the audit; audit again`);
          return undefined;
        }
        await skip(row);
        if (row.image !== image) {
          tally.left("set_changed", path, `${path}: line ${line} is of ${image} now, not of ${row.image}; audit again`);
          return undefined;
        }
        if (!row.tokens) tally.left("no_measures", row.image);
        return row.tokens;
      },
      work,
    );
    for (let row = isMine(); row; row = isMine()) await lost(row);
  }
}
