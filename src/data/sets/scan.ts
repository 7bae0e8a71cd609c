/** @file A data set's configuration to its items, and a report of what was found, left out and may surprise. */

import { relative, sep } from "node:path";
import { bucketTable, type Placement, scaleOf } from "./buckets.ts";
import type { DatasetConfig, SetConfig } from "./dataset-config.ts";
import { decodeThrough, type ImageHeader, readImageHeader } from "./decode.ts";
import { balancedRepeats, type DataImage, type DataItem, itemsOf, placementsOf } from "./items.ts";
import type { SubsetOptions } from "./options.ts";
import { overlookedIn } from "./overlooked.ts";
import {
  addFinding,
  bucketCounts,
  type DatasetReport,
  noFindings,
  type ScanReport,
  type SubsetReport,
} from "./report.ts";
import { captionOf, type FoundImage, imagesOf, type ReadCaption, reasonOf } from "./subset-images.ts";

export type DataSet = {
  readonly config: SetConfig;
  /** In the order of datasets, subsets and images; the sizes of one image follow one another. */
  readonly items: readonly DataItem[];
  readonly report: ScanReport;
};

/** So many images have been looked at, of those of one subset. */
export type ScanProgress = { readonly subset: string; readonly done: number; readonly total: number };

export type ScanOptions = {
  /** Decodes every image too, which finds those that are damaged behind their header. */
  readonly pixels?: boolean;
};

/** Files are opened so many at a time, which hides a disk's waits. */
const AT_ONCE = 32;

/**
 * Reads what a data set holds: names, captions and image headers. Files that cannot be read are left out and reported.
 *
 * @throws IllustriousError `bad_option` for buckets without room; `missing_file` and `bad_file` for folders and metadata files
 */
export async function* scan(config: SetConfig, options: ScanOptions = {}): AsyncGenerator<ScanProgress, DataSet> {
  const items: DataItem[] = [];
  const datasets: DatasetReport[] = [];
  for (const [index, dataset] of config.datasets.entries()) {
    const scanned = yield* scanDataset(dataset, index, config.root, options);
    for (const item of scanned.items) items.push(item);
    datasets.push(scanned.report);
  }
  const passedOver = noFindings();
  for (const folder of config.passedOver ?? []) addFinding(passedOver, folder);
  return { config, items, report: { datasets, passedOver } };
}

/** `scan` for those who do not want to hear of its progress. */
export async function scanned(config: SetConfig, options: ScanOptions = {}): Promise<DataSet> {
  const walk = scan(config, options);
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return value;
  }
}

async function* scanDataset(
  dataset: DatasetConfig,
  index: number,
  root: string,
  options: ScanOptions,
): AsyncGenerator<ScanProgress, { items: DataItem[]; report: DatasetReport }> {
  const { resolutions = [dataset.resolution!] } = dataset;
  const tables = [...resolutions]
    .sort((a, b) => a.width * a.height - b.width * b.height)
    .map((resolution) =>
      bucketTable({
        resolution,
        enabled: dataset.enableBucket,
        noUpscale: dataset.bucketNoUpscale,
        steps: dataset.bucketResoSteps,
        min: dataset.minBucketReso,
        max: dataset.maxBucketReso,
        list: dataset.bucketList,
      }),
    );
  const images: Omit<DataImage, "repeats">[] = [];
  const placements: Placement[][] = [];
  const subsets: SubsetReport[] = [];
  const seen = new Set<string>();
  for (const subset of dataset.subsets) {
    const name = subset.metadataFile ?? subset.imageDir!;
    const report = reportFor(name, subset);
    subsets.push(report);
    if (seen.has(name)) {
      report.notes.push("named twice in one dataset: left out, as sd-scripts does");
      continue;
    }
    seen.add(name);
    if (subset.numRepeats === 0) report.notes.push("num_repeats is 0: left out");
    const found = subset.numRepeats === 0 ? [] : await imagesOf(subset, root);
    if (subset.numRepeats > 0) report.notes.push(...(await overlookedIn(subset, found, root)));
    for (let at = 0; at < found.length; at += AT_ONCE) {
      const looked = await Promise.all(found.slice(at, at + AT_ONCE).map((image) => look(image, subset, options)));
      for (const [i, result] of looked.entries()) {
        const image = record(result, found[at + i]!, subset, report, root);
        if (image === undefined) continue;
        const placed = placementsOf(image, tables);
        if (placed.length === 0) addFinding(report.tooSmall, `${image.path}: ${image.width}x${image.height}`);
        else if (placed.some((placement) => scaleOf(image, placement) > 1)) addFinding(report.enlarged, image.path);
        if (placed.length === 0) continue;
        images.push(image);
        placements.push(placed);
      }
      yield { subset: name, done: Math.min(at + AT_ONCE, found.length), total: found.length };
    }
  }
  const repeats = balancedRepeats(images.map(({ subset }) => subset));
  if (images.every(({ subset }) => subset.isReg)) {
    for (const { isReg, notes } of subsets) if (isReg) notes.push("left out: its dataset has no images that are not");
  }
  const items = itemsOf(
    images.map((image, i) => ({ ...image, repeats: repeats[i]! })),
    placements,
    index,
    dataset,
  );
  return { items, report: { subsets, buckets: bucketCounts(items, dataset.resolutionChoice) } };
}

type Looked = { header: ImageHeader; caption: ReadCaption } | { unreadable: string };

async function look(image: FoundImage, subset: SubsetOptions, { pixels = false }: ScanOptions): Promise<Looked> {
  try {
    const header = await readImageHeader(image.path);
    if (pixels) await decodeThrough(image.path);
    return { header, caption: await captionOf(image, subset) };
  } catch (error) {
    return { unreadable: reasonOf(error) };
  }
}

/** Enters an image in the report; `undefined` when it cannot be read. */
function record(
  looked: Looked,
  { path }: FoundImage,
  subset: SubsetOptions,
  report: SubsetReport,
  root: string,
): Omit<DataImage, "repeats"> | undefined {
  report.images++;
  if ("unreadable" in looked) {
    addFinding(report.unreadable, looked.unreadable);
    return undefined;
  }
  const { header, caption } = looked;
  if (caption.text === undefined) addFinding(report.withoutCaption, path);
  else if (caption.text === "") addFinding(report.emptyCaption, path);
  if (caption.lines > 1 && !subset.enableWildcard) addFinding(report.unusedLines, path);
  if (header.hasAlpha) addFinding(report.withAlpha, path);
  const key = relative(root, path).split(sep).join("/");
  return { ...header, key, path, caption: caption.text ?? subset.classTokens ?? "", subset };
}

function reportFor(name: string, { numRepeats, isReg }: SubsetOptions): SubsetReport {
  const lists = {
    withoutCaption: noFindings(),
    emptyCaption: noFindings(),
    unusedLines: noFindings(),
    unreadable: noFindings(),
    tooSmall: noFindings(),
    enlarged: noFindings(),
    withAlpha: noFindings(),
  };
  return { name, numRepeats, isReg, images: 0, notes: [], ...lists };
}
