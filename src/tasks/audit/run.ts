/** @file An audit from paths to a table: what is there, what there is to do, the doing of it, and the table in its place. */

import { rmdir, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import {
  type AuditManifest,
  checkPaths,
  openAuditFolder,
  openKnownRows,
  PERCEPTUAL_HASH,
  placesIn,
  publish,
  rowCounter,
  writeDuplicates,
  writeFigures,
  writeManifest,
} from "../../data/audit/index.ts";
import { exists } from "../../formats/exists.ts";
import { lockFolder } from "../folder-lock.ts";
import { checkFolder, makeFolder } from "../output-place.ts";
import { VERSION } from "../version.ts";
import { openDecoders } from "./decoders.ts";
import type { AuditCounts, AuditEvent } from "./events.ts";
import { type Found, measureAll, stopped } from "./measure-all.ts";
import { type AuditInput, type AuditOptions, parseAuditOptions } from "./options.ts";
import { openVocabulary } from "./vocabulary.ts";

export type AuditControl = {
  /** Ends the audit after the images in work; it then throws `cancelled`, and the next one goes on from there. */
  readonly signal?: AbortSignal;
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
    yield* auditInto(options, control);
  } finally {
    await release();
    // One that nothing came into.
    if (isNew) await rmdir(out).catch(() => {});
  }
}

async function* auditInto(options: AuditOptions, control: AuditControl): AsyncGenerator<AuditEvent, void> {
  const { out, workers = availableParallelism(), timeLimit, workingSide } = options;
  const manifest = manifestOf(options);
  const folder = await openAuditFolder(out, manifest);
  const known = await openKnownRows(folder.shards);
  for (const path of known.unreadable) {
    yield { type: "warning", message: `${path}: damaged`, hint: "Its images are measured again." };
  }
  if (known.count > 0) yield { type: "known", rows: known.count };
  const found = await survey(options.paths, control.signal);
  yield { type: "found", ...found };
  await makeFolder(folder.next);

  const { entry = new URL("./decoder-main.js", import.meta.url) } = control;
  const counter = rowCounter(await openVocabulary());
  const decoders = openDecoders({ entry, workers, timeLimit });
  let counts: AuditCounts;
  try {
    const work = { paths: options.paths, folder: folder.next, known, decoders, found, manifest, workers, workingSide };
    counts = yield* measureAll({ ...work, counter, shard: options.shard, signal: control.signal });
  } finally {
    await decoders.close();
  }
  if (counts.images === 0) throw noImages(options.paths);
  yield { type: "stage", message: "looking for near-duplicates" };
  const duplicates = await writeDuplicates(folder.next, counts.images, options.nearDistance);
  await writeFigures(folder.next, counter.result());
  const { images, errors } = counts;
  const shards = Math.ceil(images / options.shard);
  await writeManifest(folder.next, { ...manifest, complete: true, images, errors, shards, ...duplicates });
  await publish(out);
  yield { type: "done", folder: folder.table, ...counts, ...duplicates };
}

function manifestOf({ paths, workingSide, nearDistance, shard }: AuditOptions): AuditManifest {
  return {
    ...{ format: "illustrious.audit", version: 1, program: VERSION },
    settings: { workingSide, perceptualHash: PERCEPTUAL_HASH, nearDistance, shard },
    paths: paths.map((path) => resolve(path)),
    ...{ complete: false, images: 0, errors: 0, shards: 0 },
  };
}

/** What there is to do, so that the time left can be told. */
async function survey(paths: readonly string[], signal: AbortSignal | undefined): Promise<Found> {
  const found = { images: 0, archives: 0, bytes: 0 };
  let places = 0;
  for await (const place of placesIn(paths)) {
    if (signal?.aborted) throw stopped(0);
    places++;
    if (place.type === "bad") continue;
    if (place.type === "archive") found.archives++;
    else found.images++;
    found.bytes += await stat(place.path).then(
      ({ size }) => size,
      () => 0,
    );
  }
  if (places === 0) throw noImages(paths);
  return found;
}

function noImages(paths: readonly string[]): IllustriousError {
  const hint = "Name a folder with PNG, JPEG, WebP, AVIF, GIF or TIFF files in it, or an archive of them.";
  return new IllustriousError("bad_file", `${paths.join(", ")}: no images`, hint);
}
