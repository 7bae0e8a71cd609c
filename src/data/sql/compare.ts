/** @file Two audits beside each other, by their figures: of one set before and after a change, or of two sets. DuckDB finds the files that both have. */

import { IllustriousError } from "../../base/error.ts";
import {
  type AuditFigures,
  figuresOf,
  finishedTable,
  MEASURES,
  type OpenVocabulary,
  type Spread,
  type SpreadDistance,
  spreadDistance,
} from "../audit/index.ts";
import { type AuditDatabaseOptions, openAuditDatabase } from "./audit-database.ts";
import { type ContentComparison, compareContents } from "./contents.ts";
import { sqlFailure } from "./failures.ts";
import { compareTags, type TagComparison } from "./tags.ts";
import type { SqlProgress } from "./with-progress.ts";

/** Shares are of measured images. */
const MARKS = ["colourful", "nearBlack", "nearWhite", "blank", "greyscale", "withAlpha"] as const;

export type Mark = (typeof MARKS)[number];

export type Both<T> = { readonly a: T; readonly b: T };

export type AuditComparison = {
  readonly format: "illustrious.audit-comparison";
  readonly version: 1;
  readonly workingSide: number;
  readonly paths: Both<readonly string[]>;
  readonly counts: Both<Readonly<Record<"images" | "measured" | "withCaption" | Mark, number>>>;
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
export async function* runCompare(
  { a, b, ...limits }: CompareRequest,
  vocabulary: OpenVocabulary,
  signal: AbortSignal,
): AsyncGenerator<CompareEvent, void> {
  const [first, second] = [(await finishedTable(a)).manifest, (await finishedTable(b)).manifest];
  const { workingSide } = first.settings;
  if (workingSide !== second.settings.workingSide) {
    const message = `${a} was measured at ${workingSide} pixels, ${b} at ${second.settings.workingSide}`;
    const hint = "Measures of two working sides do not compare: audit one of them anew.";
    throw new IllustriousError("bad_option", message, hint);
  }
  yield { type: "stage", message: "figures of the first audit" };
  const figuresA = yield* followed(a, vocabulary, signal);
  yield { type: "stage", message: "figures of the second audit" };
  const figuresB = yield* followed(b, vocabulary, signal);
  yield { type: "stage", message: "files" };
  const contents = yield* contentsOf({ ...limits, audits: { a_: a, b_: b } }, signal);
  const [spreadsA, spreadsB] = [spreadsOf(figuresA), spreadsOf(figuresB)];
  const spreads = [...MEASURES, "aspect", "words", "firstLineWords"].map((name) => {
    const key = name as keyof typeof spreadsA;
    const distance = spreadDistance(figuresA.spreads[key], figuresB.spreads[key]);
    return [name, { a: spreadsA[key], b: spreadsB[key], distance }];
  });
  const comparison: AuditComparison = {
    ...{ format: "illustrious.audit-comparison", version: 1, workingSide },
    paths: { a: first.paths, b: second.paths },
    counts: { a: countsOf(figuresA), b: countsOf(figuresB) },
    spreads: Object.fromEntries(spreads) as AuditComparison["spreads"],
    hues: { a: figuresA.counts.hues, b: figuresB.counts.hues },
    ...{ tags: compareTags(figuresA, figuresB), contents },
  };
  yield { type: "compared", comparison };
}

async function* followed(
  audit: string,
  vocabulary: OpenVocabulary,
  signal: AbortSignal,
): AsyncGenerator<SqlProgress, AuditFigures> {
  const counting = figuresOf(audit, vocabulary);
  for (;;) {
    if (signal.aborted) throw new IllustriousError("cancelled", "stopped before the audits were compared");
    const { done, value } = await counting.next();
    if (done) return value;
    yield { type: "progress", share: value.images / value.total };
  }
}

async function* contentsOf(
  options: AuditDatabaseOptions,
  signal: AbortSignal,
): AsyncGenerator<SqlProgress, ContentComparison> {
  const { connection, close } = await openAuditDatabase(options);
  const interrupt = () => connection.interrupt();
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return yield* compareContents(connection);
  } catch (error) {
    throw sqlFailure(error);
  } finally {
    signal.removeEventListener("abort", interrupt);
    close();
  }
}

function spreadsOf({ counts }: AuditFigures) {
  const { words, firstLineWords } = counts.captions;
  return { ...counts.measures, aspect: counts.aspect, words, firstLineWords };
}

function countsOf({ counts }: AuditFigures): AuditComparison["counts"]["a"] {
  const { images, measured, marks, captions } = counts;
  const marked = Object.fromEntries(MARKS.map((mark) => [mark, marks[mark]])) as Record<Mark, number>;
  return { images, measured, withCaption: captions.with, ...marked };
}
