/** @file A file of lines that only grows, and can be cut back to what still counts when a killed run goes on. */

import { open, truncate } from "node:fs/promises";
import { guard } from "../../formats/atomic-write.ts";

export type LineFile = {
  /** Whether there was no line when it was opened, or none that was kept. */
  readonly empty: boolean;
  /** Whole when the promise resolves, though not yet safe from a power cut. */
  append(line: string): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Opens a file for appending, made if it is not there.
 *
 * @param keep is shown the lines there are, first to last; from the first that it refuses, or that has no end, all is cut
 */
export async function openLineFile(path: string, keep: (line: string) => boolean): Promise<LineFile> {
  const { kept, size } = await writing(path, () => examine(path, keep));
  if (kept < size) await writing(path, () => truncate(path, kept));
  const file = await writing(path, () => open(path, "a"));
  return {
    empty: kept === 0,
    append: (line) => writing(path, () => file.appendFile(`${line}\n`)),
    flush: () => writing(path, () => file.sync()),
    close: () => writing(path, () => file.close()),
  };
}

async function examine(path: string, keep: (line: string) => boolean): Promise<{ kept: number; size: number }> {
  const file = await open(path, "a+");
  try {
    const { size } = await file.stat();
    let kept = 0;
    let rest = Buffer.alloc(0);
    const chunk = Buffer.alloc(2 ** 16);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        if (!keep(rest.toString("utf8", 0, end))) return { kept, size };
        kept += end + 1;
        rest = rest.subarray(end + 1);
      }
    }
    return { kept, size };
  } finally {
    await file.close();
  }
}

/** A file that grows has no older one that would stay. */
const writing = <T>(path: string, call: () => Promise<T>): Promise<T> =>
  guard(path, call, "Check the disk and the folder's permissions.");
