/** @file A data set in which a measure is spread evenly: every image of an audit, repeated as often as that takes. */

import { stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import {
  type AuditRow,
  countSpread,
  type FlatBin,
  type Flatness,
  finishedTable,
  flatness,
  flattening,
  MEASURES,
  readFields,
  wholeRepeats,
} from "../../data/audit/index.ts";
import { boundsOf, metadataWriter } from "../../data/sets/index.ts";
import { checkFile } from "../output-place.ts";
import { parsedOptions } from "../parsed-options.ts";
import { sources } from "./named-before.ts";

export const balanceOptions = z.strictObject({
  audit: z.string().min(1).describe("folder of a finished audit"),
  measure: z.enum(MEASURES).default("saturation").describe("what is to be spread evenly"),
  out: z
    .string()
    .regex(/\.toml$/i, "must end in .toml")
    .describe("the data set's file; lists of images go into a folder beside it"),
  most: z.int().min(2).max(1000).default(8).describe("times that an image is repeated at most"),
  bins: z.int().min(2).max(200).default(20).describe("parts of the measure's range that are made equal"),
  resolution: z.int().min(64).max(2048).default(1024).describe("what the data set says; to be changed in the file"),
});

export type BalanceInput = z.input<typeof balanceOptions>;
export type BalanceOptions = z.output<typeof balanceOptions>;

export type BalanceControl = {
  /** Ends the work, which then throws `cancelled`; files of before are as they were. */
  readonly signal?: AbortSignal | undefined;
};

export type BalanceEvent =
  /** In three walks over the table; `done` of `total` images of all. */
  | { readonly type: "progress"; readonly done: number; readonly total: number }
  | {
      readonly type: "done";
      readonly path: string;
      readonly measure: string;
      /** Images in the data set, and examples of an epoch: as the audited set has them, and with the new repeats. */
      readonly images: number;
      readonly epoch: { readonly before: number; readonly after: number };
      /** Of the measure's histogram over its range. */
      readonly flatness: { readonly before: Flatness; readonly after: Flatness };
      /** `after`: examples of an epoch in the bin. */
      readonly bins: readonly (FlatBin & { readonly after: number })[];
      /** Images that the data set cannot have, or only without words. */
      readonly left: {
        readonly withoutMeasures: number;
        readonly inArchives: number;
        readonly regularisation: number;
        /** In kohya's folders of 0 repeats. */
        readonly unrepeated: number;
        /** Lines of metadata after the first that name an image: a data set has one caption of each. */
        readonly namedBefore: number;
      };
      readonly withoutCaption: number;
    };

const FIELDS = ["source", "member", "repeats", "error"] as const;

type Row = Pick<AuditRow, (typeof FIELDS)[number]>;

/** @throws IllustriousError as `balanceAudit` */
export async function* runBalance(input: BalanceInput, control: BalanceControl): AsyncGenerator<BalanceEvent, void> {
  const options = parsedOptions(balanceOptions, input, "See `illustrious audit balance --help`.");
  const { audit, measure, out, most, bins, resolution } = options;
  const { manifest, shards, table } = await finishedTable(audit);
  const identity = () =>
    stat(table).then(
      ({ ino }) => ino,
      () => undefined,
    );
  const began = await identity();
  const place = await checkFile(out);
  const left = { withoutMeasures: 0, inArchives: 0, regularisation: 0, unrepeated: 0, namedBefore: 0 };
  const [before, after] = [countSpread(measure), countSpread(measure)];
  const total = 3 * manifest.images;
  let done = 0;
  let images = 0;
  let withoutCaption = 0;

  async function* rows<Field extends keyof AuditRow>(
    fields: readonly Field[],
  ): AsyncGenerator<readonly Pick<AuditRow, Field>[], void> {
    for (const path of shards) {
      if (control.signal?.aborted) throw new IllustriousError("cancelled", "stopped", "The same call begins anew.");
      const found = await readFields(path, fields);
      done += found.length;
      yield found;
    }
  }

  const reasonToLeave = reasonIn(manifest.paths);
  const named = sources();
  for await (const shard of rows(FIELDS)) {
    for (const row of shard) if (!reasonToLeave(row)) named.add(row.source);
    yield { type: "progress", done, total };
  }
  let isNamedBefore = named.walk();
  for await (const shard of rows([...FIELDS, measure])) {
    for (const row of shard) {
      const why = reasonToLeave(row) ?? (isNamedBefore(row.source) ? "namedBefore" : undefined);
      if (why) left[why]++;
      else before.add(row[measure]!, row.repeats);
    }
    yield { type: "progress", done, total };
  }
  if (before.result() === undefined) throw nothingLeft(audit, left);
  const flat = flattening(before, most, bins);
  const repeatsOf = wholeRepeats(flat);
  const writer = metadataWriter(place);
  isNamedBefore = named.walk();
  let finished = false;
  try {
    for await (const shard of rows([...FIELDS, "caption", measure])) {
      for (const row of shard) {
        if (reasonToLeave(row) || isNamedBefore(row.source)) continue;
        const repeats = row.repeats * repeatsOf(before.fine.binOf(row[measure]!));
        await writer.add(row.source, row.caption ?? "", repeats);
        after.add(row[measure]!, repeats);
        images++;
        if (!row.caption) withoutCaption++;
      }
      yield { type: "progress", done, total };
    }
    // Between the walks, or within one, another audit may have published: an image would be missing, or there twice.
    if ((await identity()) !== began) {
      throw new IllustriousError("bad_file", `${audit}: audited anew meanwhile`, "Run it again.");
    }
    const head = [`Every image of an audit, repeated up to ${most} times so that its ${measure} is spread evenly.`];
    await writer.finish(head, { resolution, ...boundsFor(resolution), batch_size: 1 });
    finished = true;
  } finally {
    if (!finished) await writer.abandon();
  }
  const inBins = new Float64Array(flat.bins.length);
  for (const [bin, count] of after.fine.counts.entries()) inBins[flat.binOf(bin)]! += count;
  yield {
    ...{ type: "done", path: place, measure, images, left, withoutCaption },
    epoch: { before: before.result()!.count, after: after.result()!.count },
    flatness: { before: flatness(flat, before.fine.counts), after: flatness(flat, after.fine.counts) },
    bins: flat.bins.map((bin, i) => ({ ...bin, after: inBins[i]! })),
  };
}

/** Told, since sd-scripts refuses a resolution outside its own 256 to 1024 without them. */
function boundsFor(side: number): { min_bucket_reso: number; max_bucket_reso: number } {
  const { min, max } = boundsOf({
    resolution: { width: side, height: side },
    steps: 64,
    min: undefined,
    max: undefined,
  });
  return { min_bucket_reso: min, max_bucket_reso: max };
}

type Reason = keyof Extract<BalanceEvent, { type: "done" }>["left"];

/** @param paths what was audited */
function reasonIn(paths: readonly string[]): (row: Row) => Reason | undefined {
  return ({ source, member, repeats, error }) => {
    if (error !== null) return "withoutMeasures";
    if (member !== null) return "inArchives";
    if (repeats === 0) return "unrepeated";
    return isRegularisation(source, paths) ? "regularisation" : undefined;
  };
}

/** Below kohya's `reg/10_girl/`, however deep: as one of the others it would be learnt. What lies above the set says nothing of it. */
function isRegularisation(source: string, paths: readonly string[]): boolean {
  const folders = [...source.matchAll(/[\\/]reg[\\/]\d+_[^\\/]*(?=[\\/])/g)].map(({ 0: found, index }) =>
    source.slice(0, index + found.length),
  );
  const isInSet = (folder: string) =>
    paths.some((path) => (folder + sep).startsWith(path.endsWith(sep) ? path : path + sep));
  return folders.some((folder) => folder === dirname(source) || isInSet(folder));
}

function nothingLeft(audit: string, { inArchives }: { readonly inArchives: number }): IllustriousError {
  const hint =
    inArchives > 0 ? "Data sets name files: unpack archives and audit the folder." : "See the audit's report.";
  return new IllustriousError("bad_file", `${audit}: no image of it can be in a data set`, hint);
}
