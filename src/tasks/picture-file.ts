/** @file Where pictures go: `00000-<seed>.png` in the folder asked for, counting on from what is there, each whole or absent. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeStrayTemporaries, writeFirstFree } from "../formats/atomic-write.ts";
import { makeFolder } from "./output-place.ts";

export type PictureFolder = {
  /** Writes the next picture; returns its path. What another program has written meanwhile is not replaced. */
  picture(seed: number, png: Uint8Array): Promise<string>;
  sheet(png: Uint8Array): Promise<string>;
};

/**
 * Makes the folder if need be, and clears away what killed processes left half written in it.
 *
 * @throws IllustriousError `write_failed`
 */
export async function openPictureFolder(folder: string): Promise<PictureFolder> {
  await makeFolder(folder);
  // What may not be deleted does no harm.
  await removeStrayTemporaries(folder).catch(() => []);
  let next = await firstFree(folder);
  const write = (nameOf: (number: string) => string, png: Uint8Array) =>
    writeFirstFree(() => join(folder, nameOf(numbered(next++))), png);
  return {
    picture: (seed, png) => write((number) => `${number}-${seed}.png`, png),
    sheet: (png) => write((number) => `grid-${number}.png`, png),
  };
}

const numbered = (n: number): string => `${n}`.padStart(5, "0");

async function firstFree(folder: string): Promise<number> {
  const names = await readdir(folder);
  const numbers = names.flatMap((name) => /^(?:grid-)?(\d{5,})(?:-|\.)/.exec(name)?.[1] ?? []).map(Number);
  return Math.max(-1, ...numbers) + 1;
}
