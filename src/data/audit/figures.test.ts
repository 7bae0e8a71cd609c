/** @file Figures of an audit: whatever the order of rows, kept and read again, and counted anew where what is kept cannot be right. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { auditRow, hashOf, layAudit } from "../../../test/audit/lay-audit.ts";
import { type AuditFigures, figuresOf } from "./figures.ts";
import type { AuditRow } from "./row.ts";
import { rowCounter } from "./row-counts.ts";
import { shardPath } from "./shards.ts";
import { SPREADS } from "./spread-ranges.ts";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "figures-"));
});
afterEach(() => rm(out, { recursive: true, force: true }));

const share = fc.double({ min: 0, max: 1, noNaN: true });
const shares = (count: number) => fc.array(share, { minLength: count, maxLength: count });
const measures = fc.record({
  ...{ contrast: share, saturation: fc.double({ min: 0, max: 255, noNaN: true }) },
  sharpness: fc.double({ min: 0, max: 1e6, noNaN: true }),
  ...{ width: fc.integer({ min: 1, max: 5000 }), height: fc.integer({ min: 1, max: 5000 }) },
  ...{ hues: shares(36), vividGrid: shares(9) },
  caption: fc.option(fc.constantFrom("1girl, sky", "sky, \u202enight\nsecond", "", "a sentence of words", "__proto__")),
  format: fc.constantFrom("png" as const, "jpeg" as const, "webp" as const),
});

/** Every file may be there more than once. */
const rows = fc.array(fc.tuple(measures, fc.nat(20), fc.boolean()), { maxLength: 40 }).map((drawn) => {
  const contents = new Map<number, (typeof drawn)[number][0]>();
  return drawn.map(([measured, content, fails], id) => {
    if (fails && content === 0) return auditRow(id, { error: "missing", errorText: "no such file" });
    if (!contents.has(content)) contents.set(content, measured);
    const { caption } = measured;
    return auditRow(id, { ...contents.get(content), caption, sha256: hashOf(String(content)) });
  });
});

function counted(all: readonly AuditRow[]) {
  const counter = rowCounter((text) => text.length);
  for (const row of all) counter.add(row);
  const { counts, spreads, tags } = counter.result();
  return { counts, tags, bins: SPREADS.map((name) => spreads[name].fine.counts) };
}

test("rows in any order count to the same figures, to the last bit and in the same order", () => {
  fc.assert(
    fc.property(rows, fc.infiniteStream(fc.nat()), (all, order) => {
      const shuffled = all
        .map((row) => ({ row, at: order.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ row }) => row);
      expect(JSON.stringify(counted(shuffled))).toBe(JSON.stringify(counted(all)));
    }),
    { numRuns: 60 },
  );
});

/** As a release before figures has left it. */
async function layRows(rows: readonly AuditRow[], shard: number): Promise<void> {
  await layAudit(out, rows, shard);
  await rm(join(out, "table/figures.json"));
}

async function figures(): Promise<AuditFigures & { readonly events: number }> {
  const counting = figuresOf(out, async () => (text) => text.length);
  for (let events = 0; ; events++) {
    const { done, value } = await counting.next();
    if (done) return { ...value, events };
  }
}

const ROWS = fc.sample(rows, { seed: 5, numRuns: 40 }).flat();
const TABLE = ROWS.map((row, id) => ({ ...row, id }));

test("counted once from the rows, then read without them", async () => {
  await layRows(TABLE, 100);
  const first = await figures();
  expect(first.events).toBe(Math.ceil(TABLE.length / 100));
  const { counts, tags, bins } = counted(TABLE);
  expect(first).toMatchObject({ counts, tags });
  expect(SPREADS.map((name) => first.spreads[name].counts)).toEqual(bins);
  for (let shard = 0; shard < first.events; shard++) await rm(shardPath(join(out, "table"), shard));
  const again = await figures();
  expect(again.events).toBe(0);
  expect(again).toMatchObject({ counts, tags });
  expect(SPREADS.map((name) => again.spreads[name].counts)).toEqual(bins);
});

test("an audit without measures or captions has figures, too", async () => {
  await layRows([auditRow(0, { error: "missing" })], 10);
  const { counts } = await figures();
  expect(counts).toMatchObject({ images: 1, measured: 0, errors: { missing: 1 } });
  expect((await figures()).counts).toEqual(JSON.parse(JSON.stringify(counts)));
});

test("lines that cannot be understood are no images; figures that count them so are counted anew", async () => {
  const bad = { error: "bad_source", errorText: "line 2: no" } as const;
  await layAudit(out, [auditRow(0, { caption: "a" }), auditRow(1, bad), auditRow(2, bad)]);
  const { counts, events } = await figures();
  expect(events).toBe(0);
  expect(counts).toMatchObject({
    images: 1,
    measured: 1,
    errors: { bad_source: 2 },
    captions: { with: 1, without: 0 },
  });
  const path = join(out, "table/figures.json");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace('"images":1,', '"images":3,').replace('"without":0', '"without":2'));
  expect(await figures()).toMatchObject({ events: 1, counts: { images: 1, captions: { without: 0 } } });
  expect(await readFile(path, "utf8")).toBe(text);
});

test.each([
  ["cut short", (text: string) => text.slice(0, -10)],
  ["of another number of images", (text: string) => text.replace('"images":', '"images":1')],
  ["with markup for a number", (text: string) => text.replace(/"mean":[^,]+/, '"mean":"<script>"')],
  ["of a later version", (text: string) => text.replace('"version":1', '"version":2')],
  ["with a bin that there is not", (text: string) => text.replace(/"saturation":\[\[\d+/, '"saturation":[[4000')],
])("figures %s are counted anew", async (_, change) => {
  await layAudit(out, TABLE, 500);
  const before = await figures();
  const path = join(out, "table/figures.json");
  const text = await readFile(path, "utf8");
  expect(change(text)).not.toBe(text);
  await writeFile(path, change(text));
  const after = await figures();
  expect(after.events).toBeGreaterThan(0);
  expect(after.counts).toEqual(before.counts);
  expect(await readFile(path, "utf8")).toBe(text);
});
