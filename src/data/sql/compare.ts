/** @file Two audits beside each other: of one set before and after a change, or of two sets. Memory is what DuckDB is allowed. */

import { IllustriousError } from "../../base/error.ts";
import { HUE_BINS } from "../../colour/index.ts";
import { finishedTable, type Spread, type SpreadDistance, spreadDistance } from "../audit/index.ts";
import { MARK_BOUNDS } from "../audit/report.ts";
import { type AuditDatabaseOptions, openAuditDatabase } from "./audit-database.ts";
import { type ContentComparison, compareContents } from "./contents.ts";
import { sqlFailure } from "./failures.ts";
import { spreadsOf } from "./spreads.ts";
import { compareTags, type TagComparison } from "./tags.ts";
import { type SqlProgress, withProgress } from "./with-progress.ts";

/** Shares are of measured images. */
const MARKS = {
  colourful: "colourful",
  nearBlack: `brightness < ${MARK_BOUNDS.nearBlack}`,
  nearWhite: `brightness > ${MARK_BOUNDS.nearWhite}`,
  blank: `contrast < ${MARK_BOUNDS.blank}`,
  greyscale: "greyscale",
  withAlpha: "has_alpha",
} as const;

const COUNTS = {
  images: "true",
  measured: "error is null",
  withCaption: "caption_error is null and caption <> ''",
  ...MARKS,
} as const;

export type Mark = keyof typeof MARKS;

export type Both<T> = { readonly a: T; readonly b: T };

export type AuditComparison = {
  readonly format: "illustrious.audit-comparison";
  readonly version: 1;
  readonly workingSide: number;
  readonly paths: Both<readonly string[]>;
  readonly counts: Both<Readonly<Record<keyof typeof COUNTS, number>>>;
  /** By measure, `aspect` (width over height), `words` and `firstLineWords` of captions. No distance where one has no values. */
  readonly spreads: Readonly<
    Record<string, Both<Spread | undefined> & { readonly distance: SpreadDistance | undefined }>
  >;
  /** Mean share of chroma in each of 36 hues, of the images that have any. */
  readonly hues: Both<readonly number[]>;
  readonly tags: TagComparison;
  readonly contents: ContentComparison;
};

export type CompareEvent =
  | SqlProgress
  | { readonly type: "stage"; readonly message: string }
  | { readonly type: "compared"; readonly comparison: AuditComparison };

export type CompareRequest = Omit<AuditDatabaseOptions, "audits"> & Both<string>;

/** @throws IllustriousError `bad_option` for audits at two working sides; else as `runQuery` */
export async function* runCompare(request: CompareRequest, signal: AbortSignal): AsyncGenerator<CompareEvent, void> {
  const { a, b, ...limits } = request;
  const [first, second] = [(await finishedTable(a)).manifest, (await finishedTable(b)).manifest];
  const { workingSide } = first.settings;
  if (workingSide !== second.settings.workingSide) {
    const message = `${a} was measured at ${workingSide} pixels, ${b} at ${second.settings.workingSide}`;
    throw new IllustriousError(
      "bad_option",
      message,
      "Measures of two working sides do not compare: audit one of them anew.",
    );
  }
  const { connection, close } = await openAuditDatabase({ ...limits, audits: { a_: a, b_: b } });
  const interrupt = () => connection.interrupt();
  signal.addEventListener("abort", interrupt, { once: true });

  async function* countsOf(table: string) {
    const counts = Object.entries(COUNTS).map(([name, sql]) => `count(*) filter (${sql})::double as "${name}"`);
    const hues = Array.from(
      { length: HUE_BINS },
      (_, i) => `coalesce(avg(hues[${i + 1}]) filter (list_sum(hues) > 0), 0)`,
    );
    const sql = `select ${counts.join(", ")}, [${hues.join(", ")}] as hues from ${table}`;
    const [row] = await (yield* withProgress(connection, connection.run(sql))).getRowObjectsJS();
    const { hues: shares, ...counted } = row as Record<keyof typeof COUNTS, number> & { hues: number[] };
    return { counts: counted, hues: shares };
  }

  try {
    yield { type: "stage", message: "counting" };
    const [countsA, countsB] = [yield* countsOf("a_images"), yield* countsOf("b_images")];
    yield { type: "stage", message: "measures and captions of the first audit" };
    const spreadsA = yield* spreadsOf(connection, "a_images");
    yield { type: "stage", message: "measures and captions of the second audit" };
    const spreadsB = yield* spreadsOf(connection, "b_images");
    yield { type: "stage", message: "tags" };
    const captioned = { a: countsA.counts.withCaption, b: countsB.counts.withCaption };
    const tags = yield* compareTags(connection, captioned);
    yield { type: "stage", message: "files" };
    const contents = yield* compareContents(connection);
    const spreads = Object.entries(spreadsA).map(([name, one]) => {
      const other = spreadsB[name]!;
      return [name, { a: one.result(), b: other.result(), distance: spreadDistance(one.fine, other.fine) }] as const;
    });
    const comparison: AuditComparison = {
      ...{ format: "illustrious.audit-comparison", version: 1, workingSide },
      paths: { a: first.paths, b: second.paths },
      counts: { a: countsA.counts, b: countsB.counts },
      spreads: Object.fromEntries(spreads),
      hues: { a: countsA.hues, b: countsB.hues },
      ...{ tags, contents },
    };
    yield { type: "compared", comparison };
  } catch (error) {
    throw sqlFailure(error);
  } finally {
    signal.removeEventListener("abort", interrupt);
    close();
  }
}
