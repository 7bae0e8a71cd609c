/** @file Tagging from an audit to its captions: the thresholds, the ledger, the walk, and what is told meanwhile. */

import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { IllustriousError } from "../../base/error.ts";
import { finishedTable } from "../../data/audit/index.ts";
import { openLedger } from "../../data/tags/index.ts";
import { type FileCalls, systemCalls } from "../../formats/atomic-write.ts";
import type { TagEvent } from "./events.ts";
import { leftoverSweeper } from "./leftovers.ts";
import { parseTagOptions, type TagInput, type TagOptions } from "./options.ts";
import { refuseArchives, tagSet } from "./tag-set.ts";
import { newTally, type Tally } from "./tally.ts";
import { chooseThresholds, keepThresholds } from "./thresholds.ts";
import { undoTags } from "./undo.ts";

export type TagControl = {
  /** Ends the run after the captions in work; it then throws `cancelled`, and the next one goes on from there. */
  readonly signal?: AbortSignal;
};

/** Milliseconds between two events of progress. */
const TELL_EVERY = 200;

/** @param system by which files are written, replaceable so that tests can make each call fail */
export async function* runTag(
  input: TagInput,
  { signal }: TagControl,
  system: FileCalls = systemCalls,
): AsyncGenerator<TagEvent, void> {
  const options = parseTagOptions(input);
  const calls = options.write !== undefined || options.undo ? system : undefined;
  const { manifest, shards } = await finishedTable(options.audit);
  const tally = newTally(options.show);
  // Whoever stops listening stops the work, too.
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const path = ledgerPath(options);
  const work = (): Promise<void> =>
    options.undo ? undo(options, tally, system, either) : tag(options, shards, manifest, tally, calls, either);
  const total = options.undo ? {} : { total: manifest.images };
  let ended = false;
  const running = work().finally(() => {
    ended = true;
  });
  try {
    while (!ended) {
      await Promise.race([running.catch(() => {}), wait(TELL_EVERY)]);
      yield* tally.told();
      yield { type: "progress", ...total, ...tally.counts() };
    }
    await running;
  } finally {
    stop.abort();
    await running.catch(() => {});
  }
  yield { type: "done", written: calls !== undefined, ledger: path, ...tally.counts() };
}

const ledgerPath = ({ audit }: TagOptions) => resolve(join(audit, "tags.jsonl"));

async function tag(
  options: TagOptions,
  shards: readonly string[],
  { settings }: { readonly settings: { readonly workingSide: number } },
  tally: Tally,
  calls: FileCalls | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (calls) await refuseArchives(shards);
  const chosen = await chooseThresholds(options, shards, settings.workingSide);
  const { thresholds, digest, path } = chosen;
  tally.tell({ type: "thresholds", name: thresholds.name, digest, path, thresholds });
  if (thresholds.workingSide !== settings.workingSide) {
    const message = `${options.audit}: measured at ${settings.workingSide} pixels, the thresholds "${thresholds.name}" at ${thresholds.workingSide}`;
    const hint = `Leave out --thresholds, or audit with a working side of ${thresholds.workingSide} into another folder.`;
    throw new IllustriousError("bad_option", message, hint);
  }
  if (calls) await keepThresholds(chosen, calls);
  const ledger = await openLedger(ledgerPath(options), calls);
  try {
    await tagSet(shards, thresholds, settings.workingSide, options, {
      ...{ ledger, tally, place: options, calls, sweep: leftoverSweeper(), signal },
      thresholds: `${thresholds.name}@${digest}`,
    });
  } finally {
    await ledger.close();
  }
}

async function undo(options: TagOptions, tally: Tally, calls: FileCalls, signal: AbortSignal): Promise<void> {
  const ledger = await openLedger(ledgerPath(options), calls);
  try {
    await undoTags({ ledger, tally, place: options, calls, sweep: leftoverSweeper(), signal });
  } finally {
    await ledger.close();
  }
}
