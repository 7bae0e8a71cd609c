/** @file Training data sets as people have them: kohya's TOML and folders, captions beside images, metadata files. */

export {
  type BucketOptions,
  type BucketTable,
  boundsOf,
  bucketTable,
  type Placement,
  placementOf,
  type Size,
} from "./buckets.ts";
export { type CaptionOptions, drawCaption, fewTexts } from "./captions.ts";
export { type DatasetConfig, datasetConfigOf, readDatasetConfig, type SetConfig } from "./dataset-config.ts";
export {
  type Cut,
  type DecodedImage,
  decodeImage,
  decodeThrough,
  type ImageHeader,
  readImageHeader,
} from "./decode.ts";
export { type Draws, drawsOf, type Topic } from "./draws.ts";
export { type Batch, batchesFrom, batchesOf, type EpochOptions, type Place } from "./epochs.ts";
export {
  captionFor,
  type Example,
  type LoadedImage,
  loadImage,
  type Moment,
  type SizeConditioning,
  sizesOf,
  type View,
  viewFor,
} from "./examples.ts";
export { type FolderSubsets, folderConfig, folderSubsets } from "./folder-config.ts";
export type { DataImage, DataItem } from "./items.ts";
export { DATA_OPTION_NAMES, type DatasetOptions, type SubsetOptions } from "./options.ts";
export { type BucketCount, type Findings, reportLines, type ScanReport, type SubsetReport } from "./report.ts";
export { type DataSet, type ScanOptions, type ScanProgress, scan, scanned } from "./scan.ts";
export { type MetadataWriter, metadataWriter } from "./write-metadata.ts";
