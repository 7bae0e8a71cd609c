/** @file Tagging from an audit to its captions: the thresholds, the ledger, the walk, and what is told meanwhile. */

import { join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { type AuditManifest, finishedTable } from "../../data/audit/index.ts";
import { openLedger } from "../../data/tags/index.ts";
import { type FileCalls, systemCalls } from "../../formats/atomic-write.ts";
import { lockFolder } from "../folder-lock.ts";
import { VERSION } from "../version.ts";
import { openClaims } from "./claims.ts";
import { copyWriter } from "./copy.ts";
import type { TagEvent } from "./events.ts";
import { inPlace } from "./in-place.ts";
import { leftoverSweeper } from "./leftovers.ts";
import { meanwhile } from "./meanwhile.ts";
import { isBelow, type Mirror, mirrorOf } from "./mirror.ts";
import { moveLedger } from "./moved.ts";
import { buildFolder } from "./new-folder.ts";
import { familiesOf, parseTagOptions, type TagInput, type TagOptions } from "./options.ts";
import { planInParts, planPart, planProcesses } from "./plan.ts";
import { archiveIn, openRows, type Rows } from "./rows.ts";
import { tagSet } from "./tag-set.ts";
import { newTally, type Tally } from "./tally.ts";
import { tarWriter } from "./tars.ts";
import { chooseThresholds, keepThresholds } from "./thresholds.ts";
import { undoTags } from "./undo.ts";
import type { Work } from "./work.ts";

export type TagControl = {
  /** Ends the run after the captions in work; it then throws `cancelled`, and the next one goes on from there. */
  readonly signal?: AbortSignal | undefined;
  /** The module of the processes that plan large sets, for programs that bundle it elsewhere. */
  readonly entry?: URL;
};

/** @param system by which files are written, replaceable so that tests can make each call fail */
export async function* runTag(
  input: TagInput,
  { signal, entry = new URL("./plan-main.js", import.meta.url) }: TagControl,
  system: FileCalls = systemCalls,
): AsyncGenerator<TagEvent, void> {
  const options = parseTagOptions(input);
  const calls = options.write !== undefined || options.undo ? system : undefined;
  await finishedTable(options.audit);
  const tally = newTally(options.show);
  const path = ledgerPath(options);
  // Who only looks takes nothing away from others.
  const release = calls ? await lockFolder(options.audit, "illustrious tag") : async () => {};
  // The table that nobody replaces from now on.
  const { manifest, shards } = await finishedTable(options.audit).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  const work = async (either: AbortSignal): Promise<void> => {
    if (options.moved !== undefined) await moveLedger(path, options.moved, system);
    if (options.undo) return undo(options, manifest, tally, system, either);
    return tag(options, shards, manifest, tally, calls, entry, either);
  };
  const total = options.undo ? {} : { total: manifest.images };
  for await (const _ of meanwhile((either) => work(either).finally(release), signal)) {
    const told = tally.told();
    yield* told;
    if (told.at(-1)?.type !== "counting") yield { type: "progress", ...total, ...tally.counts() };
  }
  // A table has rows of what names no image, too: what there was in all is known at the end.
  if (!options.undo) yield { type: "progress", ...tally.counts(), total: tally.counts().images };
  const out = options.out === undefined ? {} : { out: resolve(options.out) };
  yield { type: "done", written: calls !== undefined, ledger: path, ...out, ...tally.counts() };
}

const ledgerPath = ({ audit }: TagOptions) => resolve(join(audit, "tags.jsonl"));

async function tag(
  options: TagOptions,
  shards: readonly string[],
  manifest: AuditManifest,
  tally: Tally,
  calls: FileCalls | undefined,
  entry: URL,
  signal: AbortSignal,
): Promise<void> {
  const { write } = options;
  const { workingSide } = manifest.settings;
  await checkArchives(options, shards);
  if (options.out !== undefined) checkOut(resolve(options.out), manifest.paths);
  const claims = await openClaims(ledgerPath(options), manifest.paths);
  if (write !== "tars") await claims.check(shards, signal);
  const chosen = await chooseThresholds(options, signal, (progress) => tally.tell({ type: "counting", ...progress }));
  const { thresholds, digest, path } = chosen;
  tally.tell({ type: "thresholds", name: thresholds.name, digest, path, thresholds });
  if (thresholds.workingSide !== workingSide) {
    const message = `${options.audit}: measured at ${workingSide} pixels, the thresholds "${thresholds.name}" at ${thresholds.workingSide}`;
    const hint = `Leave out --thresholds, or audit with a working side of ${thresholds.workingSide} into another folder.`;
    throw new IllustriousError("bad_option", message, hint);
  }
  const named = `${thresholds.name}@${digest}`;
  if (!calls) {
    const settings = { options, thresholds, named, ledger: ledgerPath(options) };
    const processes = planProcesses(options, manifest.images, shards.length);
    if (processes > 1) return planInParts(settings, shards, processes, tally, entry, signal);
    return planPart({ ...settings, part: { shards, edges: {} } }, tally, signal);
  }
  await keepThresholds(chosen, calls);
  const isInPlace = write === "sidecars" || write === "metadata";
  const ledger = await openLedger(ledgerPath(options), isInPlace ? calls : undefined);
  const sweep = leftoverSweeper();
  const claim = isInPlace ? { claim: (folder: string) => claims.claim(folder, calls) } : {};
  const work: Work = { ledger, tally, place: options, calls, sweep, ...claim, signal, thresholds: named };
  try {
    const rows = await openRows(shards, thresholds, workingSide, options);
    if (isInPlace) {
      await tagSet(rows, inPlace(options, work), work);
      await ledger.compact();
    } else await tagCopy(rows, options, await mirrorOf(manifest.paths), work, calls);
  } finally {
    await ledger.close();
  }
}

/** Into a folder of their own. */
async function tagCopy(rows: Rows, options: TagOptions, mirror: Mirror, work: Work, calls: FileCalls): Promise<void> {
  const { audit, write, out, outer, blackTheme, position, keepTokens, separator } = options;
  const folder = resolve(out!);
  const words = { families: familiesOf(options), outer, blackTheme, position, keepTokens, separator };
  const made = { program: VERSION, audit: resolve(audit), thresholds: work.thresholds, words };
  if (write === "copy") {
    return buildFolder(folder, { kind: "copy", ...made }, calls, async (next) => {
      const writer = copyWriter(next, mirror, work, calls);
      await tagSet(rows, writer, work);
      return writer.folders;
    });
  }
  const by = JSON.stringify([work.thresholds, words]);
  const writer = await tarWriter(folder, mirror, by, { kind: "archives", ...made }, work, calls);
  try {
    await tagSet(rows, writer, work);
  } finally {
    await writer.close();
  }
}

/** @throws IllustriousError `unsupported` or `bad_option`, before anything is written */
async function checkArchives({ write, audit }: TagOptions, shards: readonly string[]): Promise<void> {
  if (write === undefined || write === "copy") return;
  const found = await archiveIn(shards);
  if (write === "tars" && found === undefined) {
    const hint = "Use --write sidecars, --write metadata or --write copy.";
    throw new IllustriousError("bad_option", `${audit}: an audit without archives`, hint);
  }
  if (write === "tars" || found === undefined) return;
  const hint = "Archives are not changed: take --write tars --out FOLDER for new ones, or --write copy --out FOLDER.";
  throw new IllustriousError("unsupported", `${found}: its captions are in an archive`, hint);
}

/** @throws IllustriousError `bad_option` for a folder that the next audit would take for a part of the set */
function checkOut(out: string, paths: readonly string[]): void {
  const within = paths.find((path) => out === path || isBelow(out, path) || isBelow(path, out));
  if (within === undefined) return;
  const hint = "Name a folder beside the set: one within it would be audited with it.";
  throw new IllustriousError("bad_option", `out ${out}, and the set ${within}`, hint);
}

async function undo(
  options: TagOptions,
  { paths }: AuditManifest,
  tally: Tally,
  calls: FileCalls,
  signal: AbortSignal,
): Promise<void> {
  const ledger = await openLedger(ledgerPath(options), calls);
  try {
    const work = { ledger, tally, place: options, calls, sweep: leftoverSweeper(), signal };
    const { release } = await openClaims(ledger.path, paths);
    await undoTags(work, (folders, held) => release(folders, held, calls), options.audit, paths);
    await ledger.compact();
  } finally {
    await ledger.close();
  }
}
