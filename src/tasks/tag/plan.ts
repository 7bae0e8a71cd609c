/** @file A plan of tags: what would be changed, worked out here or by several processes side by side, each of which takes a part of the set. */

import { availableParallelism } from "node:os";
import { IllustriousError } from "../../base/error.ts";
import type { ControlThresholds } from "../../colour/index.ts";
import { openLedger } from "../../data/tags/index.ts";
import { EngineProcess } from "../../runtime/process/engine-process.ts";
import { inPlace } from "./in-place.ts";
import { leftoverSweeper } from "./leftovers.ts";
import { meanwhile } from "./meanwhile.ts";
import type { TagOptions } from "./options.ts";
import { type Part, partsOf } from "./parts.ts";
import { openRows } from "./rows.ts";
import { tagSet } from "./tag-set.ts";
import { type Gathered, newTally, type Tally } from "./tally.ts";

/** What every part is planned by. */
export type PlanSettings = {
  readonly options: TagOptions;
  readonly thresholds: ControlThresholds;
  /** Name and digest. */
  readonly named: string;
  readonly ledger: string;
};

export type PartRequest = PlanSettings & { readonly part: Part };

/** Images for which a process is worth its start. */
const IMAGES_A_PROCESS = 20_000;

/** How many processes plan a set of so many images: 1 for the one that asks. */
export function planProcesses({ workers }: TagOptions, images: number, shards: number): number {
  const wanted = workers ?? Math.min(availableParallelism(), Math.floor(images / IMAGES_A_PROCESS));
  return Math.max(1, Math.min(wanted, shards));
}

/** @throws IllustriousError `cancelled` */
export async function planPart({ part, ...settings }: PartRequest, tally: Tally, signal: AbortSignal): Promise<void> {
  const { options, thresholds, named } = settings;
  const ledger = await openLedger(settings.ledger);
  const work = { ledger, tally, place: options, calls: undefined, sweep: leftoverSweeper(), signal, thresholds: named };
  try {
    const rows = await openRows(part.shards, thresholds, thresholds.workingSide, options);
    await tagSet(rows, inPlace(options, work), work, part.edges);
  } finally {
    await ledger.close();
  }
}

/** `planPart` in a process of its own: what has been told since the last event, and all counts. */
export async function* partTask(request: PartRequest, signal: AbortSignal): AsyncGenerator<Gathered, void> {
  const tally = newTally(request.options.show);
  for await (const _ of meanwhile((either) => planPart(request, tally, either), signal))
    yield { counts: tally.counts(), events: tally.told() };
}

/**
 * Parts side by side. What they tell comes in their order, whichever is ahead; counts are of all of them.
 *
 * @param entry module of the processes, which serves `partTask` as `plan`
 * @throws IllustriousError `cancelled`; `engine_failed`
 */
export async function planInParts(
  settings: PlanSettings,
  shards: readonly string[],
  processes: number,
  tally: Tally,
  entry: URL,
  signal: AbortSignal,
): Promise<void> {
  // Where one fails, the others have nothing to go on for.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const parts = await partsOf(shards, processes);
  const told = tally.inParts(parts.length);
  const results = await Promise.allSettled(
    parts.map(async (part, i) => {
      const engine = new EngineProcess({ entry });
      try {
        const request: PartRequest = { ...settings, part };
        for await (const gathered of engine.run<Gathered>("plan", request, either)) told.take(i, gathered);
        told.end(i);
      } catch (error) {
        failed.abort();
        throw error;
      } finally {
        await engine.close();
      }
    }),
  );
  const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  const isCancel = (error: unknown) => error instanceof IllustriousError && error.code === "cancelled";
  if (errors.length > 0) throw errors.find((error) => !isCancel(error)) ?? errors[0];
}
