/** @file File calls of a process that dies: after so many of them nothing that it tries happens any more. */

import { type FileCalls, systemCalls } from "../../src/formats/atomic-write.ts";

/** A process's death does not lose what the system was handed, so flushes may wait here. */
export const unflushed: FileCalls = { ...systemCalls, sync: async () => {}, syncFolder: async () => {} };

/** The call in work when it dies is done by half. */
export function dyingAfter(calls: number): FileCalls & { readonly died: () => boolean } {
  let left = calls;
  const dead = () => Object.assign(new Error("dead"), { code: "EIO" });
  const live = async <T>(call: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> => {
    if (left-- > 0) return call();
    if (left === -1) await half?.();
    throw dead();
  };
  return {
    open: (path) => live(() => systemCalls.open(path)),
    write: (file, bytes, at) =>
      live(
        () => systemCalls.write(file, bytes, at),
        () => systemCalls.write(file, bytes.subarray(0, bytes.length >> 1), at),
      ),
    sync: (file) => live(() => unflushed.sync(file)),
    // A dead process's files are closed.
    close: (file) => systemCalls.close(file),
    rename: (from, to) => live(() => systemCalls.rename(from, to)),
    unlink: (path) => live(() => systemCalls.unlink(path)),
    syncFolder: (path) => live(() => unflushed.syncFolder(path)),
    died: () => left < 0,
  };
}
