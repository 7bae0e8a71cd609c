/** @file The audit of a set: which images it has, what is measured of each, and the table of it all. */

export { type ArchiveGroup, archiveGroups, keptCaption, type MemberCaption } from "./archive-groups.ts";
export { type AuditFolder, finishedTable, openAuditFolder, publish } from "./audit-folder.ts";
export type { CountTokens } from "./caption-counts.ts";
export {
  askedDigest,
  CHUNK_NAME,
  type Chunk,
  type ChunkImage,
  chunkPartPath,
  chunkRowsPath,
  chunkTakenPath,
  readPlan,
  removeChunk,
  writePlan,
} from "./chunks.ts";
export { PERCEPTUAL_HASH } from "./dhash.ts";
export { DUPLICATES_FILE, type DuplicateCounts, writeDuplicates } from "./duplicates-table.ts";
export { type AuditFigures, type CountProgress, figuresOf, type OpenVocabulary, writeFigures } from "./figures.ts";
export { type FlatBin, type Flatness, type Flattening, flatness, flattening, wholeRepeats } from "./flatten.ts";
export { isSettled, type KnownRows, openKnownRows } from "./known-rows.ts";
export { type AuditManifest, readManifest, writeManifest } from "./manifest.ts";
export type { MeasureEvent, MeasureRequest } from "./measure-image.ts";
export { pathDigest } from "./path-digest.ts";
export { CAPTION_ENDINGS, checkPaths, placesIn, REPACK } from "./places.ts";
export {
  type AuditFault,
  type AuditRow,
  type Fault,
  factsOf,
  type ImageFacts,
  type ImageOrigin,
  NO_FACTS,
} from "./row.ts";
export { type RowCounter, rowCounter } from "./row-counts.ts";
export { type Sample, samplesIn } from "./samples.ts";
export {
  readFields,
  readShard,
  removeLeftovers,
  shardNumbers,
  shardPath,
  writeRows,
  writeShard,
} from "./shards.ts";
export type { Spread } from "./spread.ts";
export { type SpreadDistance, spreadDistance } from "./spread-distance.ts";
export { countSpread, MEASURES, type Measure } from "./spread-ranges.ts";
export { NO_THUMBNAIL, type ThumbnailEvent, type ThumbnailFacts, type ThumbnailRequest } from "./thumbnail.ts";
export { type Unnamed, unnamedBy } from "./unnamed.ts";
