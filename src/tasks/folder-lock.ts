/**
 * @file One run at a time on a folder: a file in it says who works there. What a killed run has left is recognised, on its own machine,
 * by its process: gone, or begun at another time under the same number.
 */

import { randomBytes } from "node:crypto";
import { link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { IllustriousError } from "../base/error.ts";
import { writeFailed } from "../formats/atomic-write.ts";

type Holder = {
  /** What it does, for people. */
  readonly run: string;
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
  /** When its process began, in the system's own measure, where that can be told. */
  readonly began: string | null;
};

const NAME = "lock.json";

/** Locks of this process. */
const held = new Set<string>();

/** Milliseconds between two looks at a run that is waited for. */
const POLL = 100;

/** More than one takeover at once, and somebody is quicker every time. */
const TRIES = 5;

/**
 * @param folder which must exist
 * @param run what this one does, such as "illustrious audit"
 * @param patience milliseconds to wait for a run that is at work there: a process whose parent was killed ends a moment after it
 * @returns to be called when the work ends, however it does
 * @throws IllustriousError `write_failed` when another run is at work there, naming it
 */
export async function lockFolder(folder: string, run: string, patience = 0): Promise<() => Promise<void>> {
  const path = join(folder, NAME);
  const own: Holder = {
    ...{ run, pid: process.pid, host: hostname(), since: new Date().toISOString() },
    began: await beginningOf(process.pid),
  };
  const text = `${JSON.stringify(own)}\n`;
  const deadline = performance.now() + patience;
  for (let tries = 0; tries < TRIES; ) {
    if (await create(path, text)) {
      held.add(path);
      return async () => {
        held.delete(path);
        if ((await read(path)) === text) await unlink(path).catch(() => {});
      };
    }
    const found = await read(path);
    const holder = found === undefined ? undefined : holderIn(found);
    if (found !== undefined && (!holder || (await isAtWork(holder, path)))) {
      if (performance.now() >= deadline) throw busy(path, holder);
      await setTimeout(POLL);
      continue;
    }
    tries++;
    if (found !== undefined) await takeAway(path, found);
  }
  throw busy(path, undefined);
}

/** Appears with its content, so that nobody sees an empty one. */
async function create(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(temporary, text, { flag: "wx" });
    await link(temporary, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw error;
      // A disk without hard links.
      await writeFile(path, text, { flag: "wx" });
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw writeFailed(path, error);
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

function read(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

function holderIn(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder | null;
    return typeof holder?.pid === "number" && typeof holder.host === "string" ? holder : undefined;
  } catch {
    return undefined;
  }
}

async function isAtWork({ pid, host, began }: Holder, path: string): Promise<boolean> {
  if (host !== hostname()) return true;
  if (pid === process.pid && began === (await beginningOf(pid))) return held.has(path) || began !== null;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is somebody else's, and alive.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = await beginningOf(pid);
  return began === null || now === null || began === now;
}

/** Of a process on Linux: the boot and the tick of the clock in which it began (proc(5), field 22 of `stat`). */
async function beginningOf(pid: number): Promise<string | null> {
  const [boot, status] = await Promise.all([read("/proc/sys/kernel/random/boot_id"), read(`/proc/${pid}/stat`)]);
  // Behind the name, which may have anything in it, the third field comes first.
  const tick = status?.slice(status.lastIndexOf(")") + 2).split(" ")[19];
  return boot && tick ? `${boot.trim()} ${tick}` : null;
}

/** Another one may take it over at the same time: what is moved away must be what was looked at. */
async function takeAway(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  await rename(path, aside).catch(() => {});
  const moved = await read(aside);
  if (moved !== undefined && moved !== stale) await link(aside, path).catch(() => {});
  await unlink(aside).catch(() => {});
}

function busy(path: string, holder: Holder | undefined): IllustriousError {
  const who = holder ? `${holder.run}, process ${holder.pid} on ${holder.host}, since ${holder.since}` : "unknown";
  const hint = `Wait for it or stop it. If it does not run any more, remove ${path}.`;
  return new IllustriousError("write_failed", `${path}: another run is at work here (${who})`, hint);
}
