/**
 * @file The figures of an audit, `figures.json` beside its rows: whatever reports, comparisons and thresholds ask of the table as a whole,
 * so that none of them goes through ten million rows. An audit writes them with the table, which is never changed after; where they
 * are not, as in a table of an earlier release, they are counted once from the rows.
 */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { readText } from "../sets/text-file.ts";
import { finishedTable } from "./audit-folder.ts";
import type { CountTokens } from "./caption-counts.ts";
import { type AuditManifest, parseJson } from "./manifest.ts";
import type { AuditRow } from "./row.ts";
import { COUNTED_FIELDS, type RowCounter, type RowCounts, rowCounter } from "./row-counts.ts";
import { rowCounts } from "./row-counts-schema.ts";
import { readFields } from "./shards.ts";
import { FINE, type FineBins } from "./spread.ts";
import { emptyBins, SPREADS, type SpreadName } from "./spread-ranges.ts";

export type AuditFigures = {
  readonly counts: RowCounts;
  readonly spreads: Readonly<Record<SpreadName, FineBins>>;
  /** Images that have a tag in the first line of their caption; the most frequent first. */
  readonly tags: readonly (readonly [tag: string, images: number])[];
};

const whole = z.int().min(0);

const schema = z.object({
  format: z.literal("illustrious.audit-figures"),
  version: z.literal(1),
  counts: rowCounts,
  /** Fine bins that are not empty, and how many values each has. */
  bins: z.record(z.enum(SPREADS), z.array(z.tuple([whole.max(FINE - 1), whole]))),
  tags: z.array(z.tuple([z.string(), whole])),
});

const NAME = "figures.json";

/** Bytes: half a million tags take 25 million at most, all else three. */
const MAX_BYTES = 2 ** 26;

/** @throws IllustriousError `write_failed` */
export async function writeFigures(table: string, counted: ReturnType<RowCounter["result"]>): Promise<void> {
  const { counts, spreads, tags } = counted;
  const bins = SPREADS.map((name) => [
    name,
    [...spreads[name].fine.counts.entries()].filter(([, values]) => values > 0),
  ]);
  const figures = { format: "illustrious.audit-figures", version: 1, counts, bins: Object.fromEntries(bins), tags };
  await writeFileAtomic(join(table, NAME), new TextEncoder().encode(`${JSON.stringify(figures)}\n`));
}

/** Images of the table that have been gone through. */
export type CountProgress = { readonly images: number; readonly total: number };

/** Of which the vocabulary is only opened when rows are counted. */
export type OpenVocabulary = () => Promise<CountTokens>;

/**
 * The figures of a finished audit, with events after every shard where they have to be counted.
 *
 * @param out the audit's folder
 * @throws IllustriousError `missing_file` when there is no complete audit; `bad_file` for a damaged one
 */
export async function* figuresOf(
  out: string,
  vocabulary: OpenVocabulary,
): AsyncGenerator<CountProgress, AuditFigures & { readonly manifest: AuditManifest }> {
  const { manifest, table, shards } = await finishedTable(out);
  const kept = await readFigures(table);
  if (kept && rowsOf(kept.counts) === manifest.images) return { ...kept, manifest };
  const { ino } = await stat(table);
  const counter = rowCounter(await vocabulary());
  let images = 0;
  for (const path of shards) {
    const rows = await readFields(path, COUNTED_FIELDS);
    for (const row of rows) counter.add(row as AuditRow);
    images += rows.length;
    yield { images, total: manifest.images };
  }
  const counted = counter.result();
  await keep(table, ino, counted);
  const spreads = SPREADS.map((name) => [name, counted.spreads[name].fine]);
  return { ...counted, spreads: Object.fromEntries(spreads) as AuditFigures["spreads"], manifest };
}

/** Where an earlier release has counted lines that cannot be understood among the images, it is too many. */
const rowsOf = ({ images, errors }: RowCounts): number => images + (errors.bad_source ?? 0);

/** What is not there, or not as it should be, is counted anew. */
async function readFigures(table: string): Promise<AuditFigures | undefined> {
  const text = await readText(join(table, NAME), MAX_BYTES).catch((error: unknown) => {
    if (error instanceof IllustriousError) return undefined;
    throw error;
  });
  const parsed = text === undefined ? undefined : schema.safeParse(parseJson(text)).data;
  if (!parsed) return undefined;
  const { counts, bins, tags } = parsed;
  const spreads = SPREADS.map((name) => {
    const spread = emptyBins(name);
    for (const [bin, values] of bins[name]) spread.counts[bin] = values;
    return [name, spread];
  });
  return { counts, tags, spreads: Object.fromEntries(spreads) as AuditFigures["spreads"] };
}

/** Unless the folder may not be written to, or is that of another table by now. */
async function keep(table: string, inode: number, counted: ReturnType<RowCounter["result"]>): Promise<void> {
  const now = await stat(table).catch(() => undefined);
  if (now?.ino !== inode) return;
  await writeFigures(table, counted).catch((error: unknown) => {
    if (!(error instanceof IllustriousError)) throw error;
  });
}
