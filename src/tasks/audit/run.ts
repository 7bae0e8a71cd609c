/** @file An audit from paths to a table: what is there, what there is to do, the doing of it, and the table in its place. */

import { rmdir, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import {
  type AuditManifest,
  checkPaths,
  type DuplicateCounts,
  openAuditFolder,
  openKnownRows,
  PERCEPTUAL_HASH,
  placesIn,
  publish,
  REPACK,
  rowCounter,
  type Unnamed,
  unnamedBy,
  writeDuplicates,
  writeFigures,
  writeManifest,
} from "../../data/audit/index.ts";
import { exists } from "../../formats/exists.ts";
import { lockFolder } from "../folder-lock.ts";
import { checkFolder, makeFolder } from "../output-place.ts";
import { VERSION } from "../version.ts";
import { type AuditQueue, ownQueue, redisQueue } from "./audit-queue.ts";
import type { AuditEvent } from "./events.ts";
import { type Found, measureAll, stopped, TELL_EVERY } from "./measure-all.ts";
import { type AuditInput, type AuditOptions, parseAuditOptions } from "./options.ts";
import { openVocabulary } from "./vocabulary.ts";

export type AuditControl = {
  /** Ends the audit after the images in work; it then throws `cancelled`, and the next one goes on from there. */
  readonly signal?: AbortSignal | undefined;
  /** The module of the processes that decode, for programs that bundle it elsewhere. */
  readonly entry?: URL;
};

export async function* runAudit(input: AuditInput, control: AuditControl): AsyncGenerator<AuditEvent, void> {
  const options = parseAuditOptions(input);
  const { out } = options;
  await checkPaths(options.paths);
  await checkFolder(out);
  const isNew = !(await exists(out));
  await makeFolder(out);
  const release = await lockFolder(out, "illustrious audit");
  try {
    const audit = yield* queueOf(options, control);
    try {
      if (audit.warning) yield { type: "warning", ...audit.warning };
      yield* auditWith(audit, options, control.signal);
    } finally {
      await audit.close();
    }
  } finally {
    await release();
    // One that nothing came into.
    if (isNew) await rmdir(out).catch(() => {});
  }
}

async function* queueOf(options: AuditOptions, control: AuditControl): AsyncGenerator<AuditEvent, AuditQueue> {
  const { out, queue, workers = availableParallelism(), timeLimit } = options;
  const { entry = new URL("./decoder-main.js", import.meta.url), signal } = control;
  const here = { entry, workers, timeLimit };
  return queue === undefined ? ownQueue(here) : yield* redisQueue(queue, resolve(out), here, signal);
}

async function* auditWith(
  audit: AuditQueue,
  options: AuditOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<AuditEvent, void> {
  const { out, paths, timeLimit } = options;
  const manifest = manifestOf(options);
  const folder = await openAuditFolder(out, manifest);
  const known = await openKnownRows(folder.shards, folder.kept);
  for (const path of known.unreadable) {
    yield { type: "warning", message: `${path}: damaged`, hint: "Its images are measured again." };
  }
  if (known.count > 0) yield { type: "known", rows: known.count };
  const { found, left, unrepeated, metadata, unnamed } = await survey(paths, signal);
  if (left.count > 0) yield { type: "warning", message: `${toldOf(left)}: not read`, hint: REPACK };
  if (metadata.count > 0) {
    const hint =
      "What a folder's metadata.jsonl names is the set there and below. To have the others, name their folders, too, or move the metadata.jsonl away.";
    yield { type: "warning", message: `${toldOf(metadata)}: ${toldUnnamed(unnamed)}`, hint };
  }
  if (unrepeated.count > 0) {
    const hint = "sd-scripts and `illustrious train` leave out kohya's folders of 0 repeats; here they are measured.";
    yield { type: "warning", message: `${toldOf(unrepeated)}: 0 repeats`, hint };
  }
  yield { type: "found", ...found };
  await makeFolder(folder.next);
  await makeFolder(folder.chunks);
  // Before there are rows: they are by these settings only.
  await writeManifest(folder.next, manifest);

  const counter = rowCounter(await openVocabulary());
  const work = { paths, folder: folder.next, chunks: resolve(folder.chunks), known, found, manifest, counter };
  const counts = yield* measureAll({ ...work, timeLimit, signal, audit });
  const { images, errors } = counts;
  if (images === 0) throw noImages(paths);
  const tell = () => audit.note({ ...counts, total: images, share: 1, done: false });
  const duplicates = yield* duplicatesIn(folder.next, images, options.nearDistance, signal, tell);
  const counted = counter.result();
  await writeFigures(folder.next, counted);
  const shards = Math.ceil(images / options.shard);
  yield* audit.waiting(audit.check());
  await writeManifest(folder.next, { ...manifest, complete: true, images, errors, shards, ...duplicates });
  await publish(out);
  await audit.finish();
  await audit.note({ ...counts, total: images, share: 1, done: true });
  const badSources = counted.counts.errors.bad_source ?? 0;
  const seen = { images: images - badSources, kept: counts.kept, errors: errors - badSources, badSources };
  yield { type: "done", folder: folder.table, ...seen, ...duplicates };
}

/** @param tell others that this is still at work */
async function* duplicatesIn(
  folder: string,
  images: number,
  distance: number,
  signal: AbortSignal | undefined,
  tell: () => Promise<void>,
): AsyncGenerator<AuditEvent, DuplicateCounts> {
  const stage = { type: "stage", message: "looking for near-duplicates" } as const;
  yield stage;
  const began = performance.now();
  let told = began;
  const work = writeDuplicates(folder, images, distance);
  for (;;) {
    const { done, value } = await work.next();
    if (done && told > began) yield { ...stage, share: 1 };
    if (done) return value;
    if (signal?.aborted) throw stopped(images);
    if (performance.now() - told < TELL_EVERY) continue;
    told = performance.now();
    await tell();
    yield { ...stage, share: value };
  }
}

function manifestOf({ paths, workingSide, nearDistance, shard }: AuditOptions): AuditManifest {
  return {
    ...{ format: "illustrious.audit", version: 1, program: VERSION },
    settings: { workingSide, perceptualHash: PERCEPTUAL_HASH, nearDistance, shard },
    paths: paths.map((path) => resolve(path)),
    ...{ complete: false, images: 0, errors: 0, shards: 0 },
  };
}

/** Files of one kind by their number and the first of them. */
type Some = { readonly count: number; readonly first: string };

const NONE: Some = { count: 0, first: "" };

const oneMore = ({ count, first }: Some, path: string): Some => ({
  count: count + 1,
  first: count === 0 ? path : first,
});

const toldOf = ({ count, first }: Some): string => (count === 1 ? first : `${first} and ${count - 1} more like it`);

function toldUnnamed({ images, archives, first, isAll }: Unnamed): string {
  const kinds = [["image", images] as const, ["archive", archives] as const].filter(([, count]) => count > 0);
  const counts = kinds.map(([kind, count]) => `${count} ${kind}${count === 1 ? "" : "s"}`).join(" and ");
  return `${isAll ? "" : "at least "}${counts} there not named and left out, such as ${first}`;
}

type Survey = {
  readonly found: Found;
  /** Archives that nothing reads, and images of 0 repeats. */
  readonly left: Some;
  readonly unrepeated: Some;
  /** Metadata of folders with more in them than they name, and what that is. */
  readonly metadata: Some;
  readonly unnamed: Unnamed;
};

/** What there is to do, so that the time left can be told, and what there is besides. */
async function survey(paths: readonly string[], signal: AbortSignal | undefined): Promise<Survey> {
  const found = { images: 0, archives: 0, bytes: 0 };
  let [left, unrepeated, metadata] = [NONE, NONE, NONE];
  let unnamed: Unnamed = { images: 0, archives: 0, first: "", isAll: true };
  const given = new Set(paths.map((path) => resolve(path)));
  let places = 0;
  for await (const place of placesIn(paths)) {
    if (signal?.aborted) throw stopped(0);
    if (place.type === "metadata") {
      const more = await unnamedBy(place.path, given, () => signal?.aborted === true);
      if (more.images + more.archives === 0) continue;
      metadata = oneMore(metadata, place.path);
      unnamed = {
        ...{ images: unnamed.images + more.images, archives: unnamed.archives + more.archives },
        ...{ first: unnamed.first || more.first, isAll: unnamed.isAll && more.isAll },
      };
      continue;
    }
    if (place.type === "other archive") left = oneMore(left, place.path);
    else places++;
    if (place.type === "bad" || place.type === "other archive") continue;
    if (place.type === "archive") found.archives++;
    else found.images++;
    if (place.type === "image" && place.repeats === 0) unrepeated = oneMore(unrepeated, place.path);
    found.bytes += await stat(place.path).then(
      ({ size }) => size,
      () => 0,
    );
  }
  if (places === 0) throw noImages(paths, left);
  return { found, left, unrepeated, metadata, unnamed };
}

function noImages(paths: readonly string[], left: Some = NONE): IllustriousError {
  const hint = "Name a folder with PNG, JPEG, WebP, AVIF, GIF or TIFF files in it, or an archive of them.";
  const why = left.count > 0 ? `no images but in ${toldOf(left)}` : "no images";
  return new IllustriousError("bad_file", `${paths.join(", ")}: ${why}`, left.count > 0 ? REPACK : hint);
}
