/** @file A decoder's process, and what each file costs it: whatever it is given, it measures it or says why not, and goes on. */

import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { ImageFacts, MeasureRequest } from "../../src/data/audit/index.ts";
import { openDecoders } from "../../src/tasks/audit/decoders.ts";
import { seededRandom } from "../fixtures/formats/mutations.ts";
import { damaged, wholePictures } from "./hostile-pictures.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);

export type Watched = {
  readonly facts: ImageFacts;
  /** Processor time in milliseconds, and memory at most beyond what there was before, in bytes; 0 where the system does not tell. */
  readonly cpu: number;
  readonly grown: number;
};

export type WatchedDecoder = {
  measure(request: Omit<MeasureRequest, "workingSide">): Promise<Watched>;
  close(): Promise<void>;
};

export async function watchedDecoder(): Promise<WatchedDecoder> {
  // A file that hangs is told; a busy machine is not taken for one.
  const { measure, pids, close } = openDecoders({ entry, workers: 1, timeLimit: 60 });
  const [whole] = (await wholePictures()).png!;
  const begun = { path: "begun", workingSide: 32 };
  for (let n = 0; n < 20; n++) await measure({ ...begun, content: whole! });
  const [pid] = pids();
  return {
    async measure(request) {
      const before = costOf(pid!, true);
      const facts = await measure({ workingSide: 32, ...request });
      // The same process: it has not ended over the file.
      expect([facts.error, pids()]).toEqual([facts.error, [pid]]);
      const after = costOf(pid!, false);
      return { facts, cpu: after.cpu - before.cpu, grown: after.most - before.memory };
    },
    close,
  };
}

/** @param anew whether the most memory counts from now on */
function costOf(pid: number, anew: boolean) {
  if (process.platform !== "linux") return { cpu: 0, memory: 0, most: 0 };
  if (anew) writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (name: string) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]);
  const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ").slice(11, 13).map(Number);
  return { cpu: 10 * (user! + system!), memory: bytes("VmRSS"), most: bytes("VmHWM") };
}

/** For a file that is no larger than it says: R5's two seconds and 300 MB, and what so many pixels cost. */
const MOST = { cpu: 2000, grown: 300e6, cpuAPixel: 100e-6, grownAPixel: 10 };

/** @returns of each format, how many were measured all the same, of how many */
export async function fuzzDecoder(cases: number, seed: number): Promise<Map<string, [measured: number, of: number]>> {
  const whole = Object.entries(await wholePictures());
  const counts = new Map<string, [number, number]>();
  const decoder = await watchedDecoder();
  try {
    for (let i = 0; i < cases; i++) {
      const [format, files] = whole[i % whole.length]!;
      const bytes = damaged(seededRandom(seed * 2 ** 20 + i), format, files);
      const which = `SEED=${seed}, case ${i}, ${format}: ${bytes.toString("base64")}`;
      const { facts, cpu, grown } = await decoder.measure({ path: "damaged", content: bytes });
      const { error, errorText, contrast } = facts;
      const pixels = (facts.width ?? 0) * (facts.height ?? 0);
      if (error === null) expect(contrast, which).toBeGreaterThanOrEqual(0);
      else {
        expect(["broken", "not_a_picture", "too_large"], which).toContain(error);
        expect(errorText, which).toMatch(/\w/);
      }
      const most = error === "too_large" ? 0 : pixels;
      expect(cpu, which).toBeLessThan(MOST.cpu + MOST.cpuAPixel * most);
      expect(grown, which).toBeLessThan(MOST.grown + MOST.grownAPixel * most);
      const [measured, of] = counts.get(format) ?? [0, 0];
      counts.set(format, [measured + Number(error === null), of + 1]);
    }
  } finally {
    await decoder.close();
  }
  return counts;
}
