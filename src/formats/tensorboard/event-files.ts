/**
 * @file A run's event files, as TensorBoard looks for them: every start of the run has a file of its own in the same
 * folder, in the order of their names, and files only grow. Where a run goes back to a checkpoint, what lies behind the
 * checkpoint is cut off the older files, and the new one tells a TensorBoard that has read it already to forget it.
 */

import { open, readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { guard } from "../atomic-write.ts";
import { withRegularFile } from "../regular-file.ts";
import { encodeEvent, FILE_VERSION, stepOfEvent, type TensorboardValue } from "./event.ts";
import { encodeRecord, readRecords } from "./record.ts";

export type EventFile = {
  readonly path: string;
  /** Appends one event. Whole when the promise resolves, though not yet safe from a power cut. */
  write(step: number, values: readonly TensorboardValue[], wallTime?: number): Promise<void>;
  /** Flushes to the disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

const NAME = /^events\.out\.tfevents\.(\d{10,})\./;

/**
 * Opens a new event file in `folder`, which must exist.
 *
 * @param resumeFrom the last step that counts of what older files there have; without it they stay as they are
 * @param wallTime seconds since 1970
 */
export async function openEventFile(
  folder: string,
  resumeFrom?: number,
  wallTime: number = Date.now() / 1000,
): Promise<EventFile> {
  const older = (await readdir(folder)).filter((name) => NAME.test(name)).sort();
  for (const name of older) await repair(join(folder, name), resumeFrom);
  // Two starts within a second, or a clock that was set back, must not change the files' order.
  const latest = Math.max(0, ...older.map((name) => Number(NAME.exec(name)![1])));
  const second = Math.max(Math.floor(wallTime), latest + 1);
  const path = join(folder, `events.out.tfevents.${String(second).padStart(10, "0")}.illustrious`);
  const file = await writing(path, () => open(path, "ax"));
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = (call: () => Promise<void>): Promise<void> => {
    const done = last.then(() => writing(path, call));
    last = done.catch(() => {});
    return done;
  };
  const append = (event: Uint8Array) => inOrder(() => file.appendFile(encodeRecord(event)));
  await append(encodeEvent({ wallTime, step: 0, fileVersion: FILE_VERSION }));
  if (resumeFrom !== undefined) await append(encodeEvent({ wallTime, step: resumeFrom + 1, sessionStart: true }));
  return {
    path,
    write: (step, values, time = Date.now() / 1000) => append(encodeEvent({ wallTime: time, step, values })),
    flush: () => inOrder(() => file.sync()),
    close: () => inOrder(() => file.close()),
  };
}

/** Cuts off a record that is not whole, and from the first event past `lastStep` on. */
async function repair(path: string, lastStep = Number.POSITIVE_INFINITY): Promise<void> {
  const { end, size } = await withRegularFile(path, async (file, size) => {
    let end = 0;
    for await (const record of readRecords(file, size, path)) {
      if (stepOfEvent(record.data) > lastStep) break;
      end = record.end;
    }
    return { end, size };
  });
  if (end < size) await writing(path, () => truncate(path, end));
}

/** A file that grows has no older one that would stay. */
const writing = <T>(path: string, call: () => Promise<T>): Promise<T> =>
  guard(path, call, "Check the disk and the folder's permissions.");
