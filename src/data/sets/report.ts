/** @file What a scan found, and its text for people. */

import { nameOf, type Size } from "./buckets.ts";
import type { DataImage, DataItem } from "./items.ts";

/** How many files have something, and the first of them. */
export type Findings = { count: number; readonly first: string[] };

const MOST_NAMED = 20;

export const noFindings = (): Findings => ({ count: 0, first: [] });

export function addFinding(findings: Findings, file: string): void {
  findings.count++;
  if (findings.first.length < MOST_NAMED) findings.first.push(file);
}

export type SubsetReport = {
  readonly name: string;
  readonly numRepeats: number;
  readonly isReg: boolean;
  /** Files found, readable or not. */
  images: number;
  readonly notes: string[];
  /** No caption at all: class tokens stand in, or nothing. */
  readonly withoutCaption: Findings;
  readonly emptyCaption: Findings;
  /** Captions of several lines, of which only the first is used. */
  readonly unusedLines: Findings;
  /** Image or caption; left out. */
  readonly unreadable: Findings;
  /** Too small for any bucket; left out. */
  readonly tooSmall: Findings;
  /** Trained at more pixels than they have. */
  readonly enlarged: Findings;
  /** May show the white that they are laid over. */
  readonly withAlpha: Findings;
};

export type BucketCount = {
  readonly bucket: Size;
  readonly images: number;
  /** With repeats. Of images trained at one of their sizes an epoch, a mean over epochs, which need not be whole. */
  readonly examples: number;
};

export type DatasetReport = { readonly subsets: readonly SubsetReport[]; readonly buckets: readonly BucketCount[] };

export type ScanReport = {
  readonly datasets: readonly DatasetReport[];
  /** Folders of images that are in no data set, since their names say no repeats. */
  readonly passedOver: Findings;
};

/** Sorted by width, then height. */
export function bucketCounts(items: readonly DataItem[], choice: "all" | "one"): BucketCount[] {
  const sizes = new Map<DataImage, number>();
  for (const { image } of items) sizes.set(image, (sizes.get(image) ?? 0) + 1);
  const found = new Map<string, BucketCount>();
  for (const { bucket, image } of items) {
    const { images, examples } = found.get(nameOf(bucket)) ?? { images: 0, examples: 0 };
    const drawn = choice === "all" ? image.repeats : image.repeats / sizes.get(image)!;
    found.set(nameOf(bucket), { bucket, images: images + 1, examples: examples + drawn });
  }
  return [...found.values()].sort((a, b) => a.bucket.width - b.bucket.width || a.bucket.height - b.bucket.height);
}

/** Lines to print before training starts. */
export function reportLines({ datasets, passedOver }: ScanReport): string[] {
  const lines = datasets.flatMap(({ subsets, buckets }, i) => [
    `dataset ${i + 1} of ${datasets.length}`,
    ...subsets.flatMap(subsetLines),
    ...buckets.map(
      ({ bucket, images, examples }) =>
        `  ${nameOf(bucket)}: ${images} images, ${Number.isInteger(examples) ? "" : "about "}${Math.round(examples)} examples an epoch`,
    ),
  ]);
  const which = "whose name does not begin with repeats above 0 (as 10_girl does)";
  const without = `${passedOver.count === 1 ? "folder" : "folders"} left out, ${which}`;
  return [...lines, ...findingLine(without, passedOver).map((line) => `  ${line}`)];
}

function findingLine(what: string, { count, first }: Findings): string[] {
  return count === 0 ? [] : [`${count} ${what}: ${first.slice(0, 3).join(", ")}${count > 3 ? ", …" : ""}`];
}

const UNUSED_LINES =
  "with a caption of several lines, of which only the first is used (enable_wildcard = true draws one of them)";

function subsetLines(subset: SubsetReport): string[] {
  const { name, images, numRepeats, isReg, notes } = subset;
  const findings: readonly (readonly [string, Findings])[] = [
    ["without a caption", subset.withoutCaption],
    ["with an empty caption", subset.emptyCaption],
    [UNUSED_LINES, subset.unusedLines],
    ["unreadable, left out", subset.unreadable],
    ["too small, left out", subset.tooSmall],
    ["enlarged to their bucket", subset.enlarged],
    ["with transparency, laid over white", subset.withAlpha],
  ];
  const head = `  ${name}: ${images} images x ${numRepeats}${isReg ? ", regularisation" : ""}`;
  const lines = findings.flatMap(([what, found]) => findingLine(what, found).map((line) => `    ${line}`));
  return [head, ...notes.map((note) => `    ${note}`), ...lines];
}
