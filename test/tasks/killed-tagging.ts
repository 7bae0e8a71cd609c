/**
 * @file The command `tag` killed outright while it writes, at moments drawn from the whole of an undisturbed run, and started again: what
 * stands there in between is old or new, never half, and in the end it is what the undisturbed run has written, byte for byte.
 */

import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { pack } from "tar-stream";
import { expect } from "vitest";
import { drawsOf } from "../../src/data/sets/index.ts";
import { type TagInput, tag } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";
import { rowsIn, writeAudit } from "./audited.ts";

const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;

export const PLACES = ["sidecars", "metadata", "copy", "tars"] as const;
export type Place = (typeof PLACES)[number];

export type KilledTagging = {
  /** An empty folder. */
  readonly root: string;
  readonly place: Place;
  /** Captions of each kind that the set has. */
  readonly captions: number;
  readonly kills: number;
  readonly seed: number;
};

/** Captions in a metadata file, and in an archive. */
const TOGETHER = 20;

/** Images with files beside them, every tenth without; and as many in metadata files. In a set to copy as many more are in archives. */
async function laySet(set: string, { place, captions }: KilledTagging): Promise<void> {
  const numbers = Array.from({ length: captions }, (_, i) => i);
  const groups = numbers.filter((i) => i % TOGETHER === 0).map((from) => numbers.slice(from, from + TOGETHER));
  const lay = async (name: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(set, name)), { recursive: true });
    await writeFile(join(set, name), content);
  };
  for (const i of numbers) await lay(`beside/${i}.png`, `picture ${i}`);
  for (const i of numbers) if (i % 10 !== 0) await lay(`beside/${i}.txt`, `1girl, number ${i}`);
  for (const [n, group] of groups.entries()) {
    for (const i of group) await lay(`listed/${n}/${i}.png`, `listed ${i}`);
    const lines = group.map((i) => `${JSON.stringify({ file_name: `${i}.png`, text: `1boy, line ${i}`, other: i })}\n`);
    await lay(`listed/${n}/metadata.jsonl`, lines.join(""));
    if (place !== "copy" && place !== "tars") continue;
    const archive = pack();
    for (const i of group) {
      archive.entry({ name: `${i}.png`, mtime: new Date(1e12) }, `packed ${i}`);
      if (i % 10 !== 0) archive.entry({ name: `${i}.txt`, mtime: new Date(1e12) }, `scenery, member ${i}`);
    }
    archive.finalize();
    await lay(`packed/${n}.tar`, await buffer(archive));
  }
}

type Files = ReadonlyMap<string, string>;

/** Names of what is written, each file as a whole; a copy is whole as a folder. */
const WRITTEN: Readonly<Record<Exclude<Place, "copy">, RegExp>> = {
  ...{ sidecars: /\.txt$/, metadata: /metadata\.jsonl$/, tars: /\.tar$/ },
};

/**
 * Until so many runs have been killed; those that end before their time came do not count.
 *
 * @returns how many were killed, and how many of those left something between the old and the new
 */
export async function killTagging(asked: KilledTagging): Promise<{ kills: number; between: number }> {
  const { root, place } = asked;
  const [set, audit, out] = ["set", "audit", "out"].map((name) => join(root, name)) as [string, string, string];
  const isInPlace = place === "sidecars" || place === "metadata";
  await laySet(set, asked);
  await writeAudit(audit, [set], await rowsIn([set]));
  const argv = [audit, "--write", place, ...(isInPlace ? [] : ["--out", out])];
  const here = async (input: Omit<TagInput, "audit">): Promise<void> => {
    for await (const _ of tag({ audit, ...input }));
  };
  /** With other words, which in an archive take as many blocks. */
  const writeOthers = () => here({ write: place, blackTheme: true, ...(!isInPlace && { out }) });
  const files = (): Promise<Files> => filesOf(isInPlace ? set : out).catch(() => new Map());
  const ends = async (): Promise<number> => {
    const { end, took } = await tagged(audit, argv);
    expect(end).toBe("ended");
    return took;
  };
  const reset = async () => {
    if (isInPlace) await here({ undo: true });
    else await rm(out, { recursive: true, force: true });
  };

  const original = await filesOf(set);
  const first = await files();
  await writeOthers();
  const old = await files();
  await reset();
  const took = await ends();
  const whole = await files();
  await reset();
  expect(await files()).toEqual(first);

  const draws = drawsOf(asked.seed, "caption", "kills", place);
  let [kills, between, runs, rounds] = [0, 0, 0, 0];
  let before = first;
  while (kills < asked.kills) {
    // Otherwise the kills come too late to prove anything.
    expect(++runs).toBeLessThan(4 * asked.kills + 8);
    const { end } = await tagged(audit, argv, 1.1 * took * draws.next());
    const now = await files();
    checkWhole(place, now, before, whole);
    if (!isInPlace) expect(await filesOf(set)).toEqual(original);
    if (end === "killed") kills++;
    const isHalfWay = !isDeepStrictEqual(now, before) && !isDeepStrictEqual(now, whole);
    if (end === "killed" && (isHalfWay || (await leftovers(root)).length > 0)) between++;
    // Mostly it is killed again where it goes on.
    if (end === "killed" && draws.next() < 0.6) continue;
    await ends();
    checkWhole(place, await files(), whole, whole);
    if (before === first) expect(await files()).toEqual(whole);
    expect(await leftovers(root)).toEqual([]);
    await reset();
    expect(await files()).toEqual(first);
    before = first;
    // What is made anew stands in the place of another one every second time.
    if (isInPlace || ++rounds % 2 === 0) continue;
    await writeOthers();
    before = old;
  }
  return { kills, between };
}

function checkWhole(place: Place, now: Files, before: Files, whole: Files): void {
  if (place === "copy") {
    // Between its two renames there is none.
    expect([new Map(), before, whole]).toContainEqual(now);
    return;
  }
  for (const name of new Set([...before.keys(), ...whole.keys(), ...now.keys()])) {
    if (!WRITTEN[place].test(name)) continue;
    // Archives that are replaced may be gone for a moment.
    const allowed = [before.get(name), whole.get(name), ...(place === "tars" ? [undefined] : [])];
    expect(allowed, name).toContain(now.get(name));
  }
}

/** What killed runs have left beside what they write, and the lock. */
async function leftovers(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true });
  return names.filter((name) => /\.tmp$|^out\.|lock\.json/.test(name));
}

/**
 * @param after milliseconds from when it has begun to when it is killed
 * @returns how it ended, and milliseconds from when it had begun
 */
async function tagged(audit: string, argv: readonly string[], after?: number) {
  const child = spawn(process.execPath, [main, "tag", ...argv, "--json"], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (bytes) => {
    errors += bytes;
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const isThere = () => child.exitCode === null && child.signalCode === null;
  // It has begun when the audit's folder is its own.
  const lock = join(audit, "lock.json");
  const isBegun = async () => (await readFile(lock, "utf8").catch(() => "")).includes(`"pid":${child.pid},`);
  while (isThere() && !(await isBegun())) await wait(1);
  const begun = performance.now();
  const killing = after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
  await gone;
  clearTimeout(killing);
  const end = child.signalCode === "SIGKILL" ? "killed" : child.exitCode === 0 ? "ended" : errors;
  return { end, took: performance.now() - begun };
}
