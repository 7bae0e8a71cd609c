/**
 * @file The job: a chunk's open images measured, and its rows written. The same on one machine and on many. Done twice, it writes the
 * same bytes to the same place.
 */

import { IllustriousError } from "../../base/error.ts";
import {
  type AuditRow,
  type ChunkImage,
  chunkPartPath,
  chunkRowsPath,
  isSettled,
  NO_FACTS,
  readPlan,
  readShard,
  writeRows,
} from "../../data/audit/index.ts";
import { exists } from "../../formats/exists.ts";
import type { Turn } from "../../queue/queue.ts";
import type { ChunkJob, ChunkProgress } from "./chunk-job.ts";
import type { Decoders } from "./decoders.ts";
import { sideBySide } from "./side-by-side.ts";

/** Lost workers after which a chunk's images are taken one by one, each named before it is begun. */
const LOST_BEFORE_CARE = 2;

/** Lost workers after which the image that each of them had begun is set aside. */
const LOST_OVER_ONE = 3;

/** Milliseconds between two words of progress. */
const TELL_EVERY = 200;

/**
 * A chunk that nobody asks for any more is left as it is.
 *
 * @param workers processes that decode
 * @throws IllustriousError `cancelled` after an abort, when what is in work is done and kept; `write_failed`; `engine_failed`; `bad_file`
 */
export async function measureChunk(
  job: ChunkJob,
  turn: Turn<ChunkProgress>,
  decoders: Decoders,
  workers: number,
): Promise<void> {
  const { folder, name, workingSide } = job;
  const images = await readPlan(folder, name);
  if (!images) return;
  const rows = await rowsSoFar(images, chunkPartPath(folder, name));
  const open = images.filter((_, i) => rows[i] === undefined);
  const careful = turn.lost >= LOST_BEFORE_CARE;
  const losses = lossesOf(turn.told);
  const first = images[0]!.row.id;
  let [measured, errors] = [0, 0];
  let told = performance.now();

  const measure = async ({ row, range }: ChunkImage): Promise<void> => {
    const facts =
      (losses[row.id] ?? 0) < LOST_OVER_ONE
        ? await decoders.measure({ path: row.source, range, mtimeMs: row.mtimeMs, workingSide })
        : { ...NO_FACTS, error: "crashed" as const, errorText: `${LOST_OVER_ONE} programs in a row ended over it` };
    rows[row.id - first] = { ...row, ...facts };
    measured++;
    if (facts.error !== null) errors++;
  };
  // One more than there are processes, so that none waits for the next file to be named.
  const crew = sideBySide(careful ? 0 : workers);
  for (const image of open) {
    if (turn.signal.aborted || crew.failure) break;
    if (careful) await turn.tell({ measured, errors, losses, at: image.row.id });
    await crew.begin(() => measure(image));
    if (!careful && performance.now() - told > TELL_EVERY) {
      told = performance.now();
      await turn.tell({ measured, errors, losses });
    }
  }
  await crew.settled();
  // Nothing is in work any more: what happens from here on is no image's fault.
  await turn.tell({ measured, errors, losses });
  if (crew.failure) throw crew.failure.error;
  const done = rows.filter((row) => row !== undefined);
  if (done.length === images.length) return write(job, chunkRowsPath(folder, name), done);
  if (measured > 0) await write(job, chunkPartPath(folder, name), done);
  throw new IllustriousError("cancelled", `chunk ${name}: stopped after ${measured} of ${open.length} images`);
}

/** Rows that are known, by the plan or by one who stopped in the middle of it; others are `undefined`. */
async function rowsSoFar(images: readonly ChunkImage[], partPath: string): Promise<(AuditRow | undefined)[]> {
  const rows = images.map(({ row, open }) => (open ? undefined : row));
  const part = await readShard(partPath).catch((error: unknown) => {
    // None, or a damaged one, is nothing.
    if (error instanceof IllustriousError) return [];
    throw error;
  });
  for (const row of part) if (isSettled(row)) rows[row.id - images[0]!.row.id] ??= row;
  return rows;
}

/** The image that was in work when the last one was lost counts against it. */
function lossesOf({ losses = {}, at }: Partial<ChunkProgress> = {}): Record<string, number> {
  return at === undefined ? { ...losses } : { ...losses, [at]: (losses[at] ?? 0) + 1 };
}

async function write(job: ChunkJob, path: string, rows: readonly AuditRow[]): Promise<void> {
  try {
    await writeRows(path, rows, job.workingSide);
  } catch (error) {
    // The audit has come to its end meanwhile, by another's answer, and has taken the folder away.
    if (await exists(job.folder)) throw error;
  }
}
