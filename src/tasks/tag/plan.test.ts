/** @file Plans in parts: whatever the parts, and wherever a metadata file is cut by them, they tell what one plan of the whole does. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { measuresOf } from "../../../test/tasks/audited.ts";
import { type ControlMeasures, fitThresholds } from "../../colour/index.ts";
import { type AuditRow, NO_FACTS, writeShard } from "../../data/audit/index.ts";
import { parseTagOptions } from "./options.ts";
import { partsOf } from "./parts.ts";
import { planPart, planProcesses } from "./plan.ts";
import { newTally, type Tally } from "./tally.ts";

let root = "";
const shards: string[] = [];
const SHARDS = 6;
const A_SHARD = 7;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tag-plan-"));
  const rows = await laidRows();
  for (let i = 0; i < SHARDS; i++) {
    shards.push(await writeShard(join(root, "table"), i, rows.slice(i * A_SHARD, (i + 1) * A_SHARD), 768));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

/**
 * Two sidecars; a metadata file of twenty lines, of which some are blank, cannot be read, or tell of other images now; the same file
 * a second and a third time; pictures without captions; and rows of a source that cannot be read, which nothing is said of.
 */
async function laidRows(): Promise<AuditRow[]> {
  await mkdir(join(root, "table"), { recursive: true });
  const list = join(root, "metadata.jsonl");
  const lines = Array.from({ length: 20 }, (_, i) => `{"file_name": "${i + 1}.png", "text": "picture ${i + 1}"}`);
  [lines[4], lines[7], lines[8], lines[13]] = [
    "",
    "no JSON",
    '{"file_name": "new.png", "text": "new"}',
    '{"file_name": "14.png"}',
  ];
  await writeFile(list, `${lines.join("\n")}\n`);
  await writeFile(join(root, "a.txt"), "one");
  const named = (name: string, more: Partial<AuditRow>): Partial<AuditRow> => ({ source: join(root, name), ...more });
  const told = Array.from({ length: 16 }, (_, i) => i + 1).filter((line) => line !== 5 && line !== 8 && line !== 9);
  const inList = told.map((line) => named(`${line}.png`, { captionFile: list, captionLine: line }));
  const unread = named("gone.tar", { ...NO_FACTS, error: "bad_source", errorText: "gone" });
  const all = [
    named("a.png", { captionFile: join(root, "a.txt") }),
    ...inList,
    unread,
    ...inList,
    ...Array.from({ length: 10 }, (_, i) => named(`free-${i}.png`, {})),
    unread,
    ...inList.slice(0, 3),
  ];
  const origin = { member: null, memberNumber: null, bytes: 1, mtimeMs: 1, repeats: 1 };
  const caption = { caption: null, captionError: null, captionFile: null, captionLine: null };
  return all.map((more, id) => ({ id, ...origin, ...caption, ...measuresOf(id, 5 * id), ...more }) as AuditRow);
}

/** By parts that are planned here, and tell their tallies as processes do. */
async function planned(count: number, order: (part: number) => number): Promise<Pick<Tally, "counts" | "told">> {
  const options = parseTagOptions({ audit: root, show: 12 });
  const measured = Array.from({ length: 9 }, (_, i) => ({ ...measuresOf(i, 25 * i), workingSide: 768 }));
  const thresholds = fitThresholds(measured as ControlMeasures[], { name: "plan" });
  const settings = { options, thresholds, named: "plan@0", ledger: join(root, "tags.jsonl") };
  const whole = newTally(options.show);
  const told = whole.inParts(count);
  const parts = await partsOf(shards, count);
  for (let i = 0; i < count; i++) {
    const part = order(i);
    const tally = newTally(options.show);
    await planPart({ ...settings, part: parts[part]! }, tally, new AbortController().signal);
    told.take(part, { counts: tally.counts(), events: tally.told() });
    told.end(part);
  }
  return whole;
}

test("in any number of parts, and whichever ends first, a plan is the same", async () => {
  const whole = await planned(1, () => 0);
  const [counts, told] = [whole.counts(), whole.told()];
  expect(counts).toMatchObject({ images: 40, left: { unreadable: 3, no_caption: 2 } });
  expect(counts.changed).toBeGreaterThan(30);
  expect(counts.left.set_changed).toBeGreaterThan(0);
  expect(told.filter(({ type }) => type === "change")).toHaveLength(12);
  for (let count = 2; count <= SHARDS; count++) {
    for (const order of [(i: number) => i, (i: number) => count - 1 - i]) {
      const parts = await planned(count, order);
      expect(parts.counts()).toEqual(counts);
      expect(parts.told()).toEqual(told);
    }
  }
});

test("a process is for many images, unless so many are asked for", () => {
  const asked = (workers?: number) => parseTagOptions({ audit: root, ...(workers !== undefined && { workers }) });
  expect(planProcesses(asked(), 1000, 8)).toBe(1);
  expect(planProcesses(asked(1), 1e7, 1e4)).toBe(1);
  expect(planProcesses(asked(3), 1000, 8)).toBe(3);
  expect(planProcesses(asked(3), 1000, 2)).toBe(2);
  expect(planProcesses(asked(), 0, 0)).toBe(1);
});

test("several processes are for planning: with writing or undoing they are refused", () => {
  for (const other of [{ write: "sidecars" }, { undo: true }] as const) {
    const parse = () => parseTagOptions({ audit: root, workers: 2, ...other });
    expect(parse).toThrowError(expect.objectContaining({ code: "bad_option", hint: expect.stringContaining("plan") }));
  }
});
