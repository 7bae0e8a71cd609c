/** @file A balanced data set as the trainer reads it: what an epoch really draws. */

import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditRow, layAudit } from "../../../test/audit/lay-audit.ts";
import type { AuditRow } from "../../data/audit/index.ts";
import { batchesOf, captionFor, metadataWriter, readDatasetConfig, scanned } from "../../data/sets/index.ts";
import { type BalanceEvent, type BalanceInput, runBalance } from "./balance.ts";

let root = "";
let rows: AuditRow[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "balance-"));
  await mkdir(join(root, "set/reg/3_girl"), { recursive: true });
  const picture = join(root, "picture.png");
  await sharp({ create: { width: 64, height: 64, channels: 3, background: "teal" } })
    .png()
    .toFile(picture);
  rows = await Promise.all(
    Array.from({ length: 240 }, async (_, i) => {
      const source = join(root, "set", i === 1 ? "reg/3_girl/x.png" : `${i} "初音".png`);
      await copyFile(picture, source);
      // Rare at both ends.
      const saturation = 128 + 120 * Math.sin(i) ** 5;
      if (i === 2) return auditRow(i, { source, error: "broken", errorText: "cut short" });
      return auditRow(i, {
        ...{ source, saturation, caption: i % 7 === 0 ? null : `tag ${i}, "x"\nsecond`, repeats: i % 11 === 0 ? 2 : 1 },
        ...(i === 4 && { repeats: 0 }),
        ...(i === 3 && { member: "in.png", memberNumber: 0 }),
      });
    }),
  );
  await layAudit(join(root, "audit"), rows, 50);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

type Done = Extract<BalanceEvent, { type: "done" }>;

async function balance(more: Partial<BalanceInput> = {}, signal?: AbortSignal): Promise<Done> {
  const input = { audit: join(root, "audit"), out: join(root, "out/set.toml"), resolution: 64, bins: 8, ...more };
  let last: BalanceEvent | undefined;
  for await (const event of runBalance(input, signal ? { signal } : {})) last = event;
  return last as Done;
}

const names = async () => (await readdir(join(root, "out/set.images"))).sort();

test("the trainer draws every image as often as is told, which is flatter; captions are the audit's", async () => {
  const done = await balance({ most: 6 });
  expect(done.left).toEqual({ withoutMeasures: 1, inArchives: 1, regularisation: 1, unrepeated: 1, namedBefore: 0 });
  const set = await scanned(await readDatasetConfig(done.path));
  const drawn = new Map<string, number>();
  const captions = new Map<string, string>();
  for (const batch of batchesOf(set, { seed: 1, epoch: 0 })) {
    for (const example of batch.examples) {
      const { path } = example.item.image;
      drawn.set(path, (drawn.get(path) ?? 0) + 1);
      captions.set(path, captionFor(example, { seed: 1, epoch: 0 }));
    }
  }
  const kept = rows.filter((_, i) => i === 0 || i > 4);
  expect(new Set(drawn.keys())).toEqual(new Set(kept.map(({ source }) => source)));
  for (const { source, repeats, caption } of kept) {
    expect(drawn.get(source)! % repeats).toBe(0);
    expect(drawn.get(source)! / repeats).toBeLessThanOrEqual(6);
    expect(captions.get(source)).toBe(caption?.split("\n")[0] ?? "");
  }

  // The histogram of what was drawn, and its entropy, without any code of the plan's but its edges.
  const edges = done.bins.map(({ from }) => from);
  const inBin = (value: number) => Math.max(0, edges.filter((edge) => edge <= value).length - 1);
  const histogram = (weight: (row: AuditRow) => number) => {
    const counts = Array<number>(edges.length).fill(0);
    for (const row of kept) counts[inBin(row.saturation!)]! += weight(row);
    return counts;
  };
  const evenness = (counts: readonly number[]) => {
    const total = counts.reduce((a, b) => a + b, 0);
    const shares = counts.filter((count) => count > 0).map((count) => count / total);
    return -shares.reduce((sum, share) => sum + share * Math.log(share), 0) / Math.log(counts.length);
  };
  const [before, after] = [histogram(({ repeats }) => repeats), histogram(({ source }) => drawn.get(source)!)];
  expect(done.bins.map((bin) => bin.after)).toEqual(after);
  expect(done.bins.map((bin) => bin.before)).toEqual(before);
  expect(done.epoch.after).toBe([...drawn.values()].reduce((a, b) => a + b, 0));
  expect(done.flatness.after.evenness).toBeCloseTo(evenness(after), 9);
  expect(done.flatness.before.evenness).toBeCloseTo(evenness(before), 9);
  expect(evenness(before)).toBeLessThan(0.9);
  expect(evenness(after)).toBeGreaterThan(0.98);
  expect(done.flatness.after.ksToUniform).toBeLessThan(done.flatness.before.ksToUniform / 2);
});

test("the same call gives the same files, another call leaves none of before", async () => {
  const { path } = await balance({ most: 6 });
  const [text, files] = [await readFile(path, "utf8"), await names()];
  await balance({ most: 6 });
  expect([await readFile(path, "utf8"), await names()]).toEqual([text, files]);
  await balance({ most: 2 });
  const named = [...(await readFile(path, "utf8")).matchAll(/x\d+-\d+-[0-9a-f]+\.json/g)].map(([name]) => name).sort();
  expect(await names()).toEqual(named);
  // 1, 2 and, where the audited set repeats an image itself, twice as often.
  expect(new Set(named.map((name) => name.split("-")[0]))).toEqual(new Set(["x1", "x2", "x4"]));
});

test("a call that is stopped leaves the set of before as it was", async () => {
  const { path } = await balance({ most: 6 });
  const [text, files] = [await readFile(path, "utf8"), await names()];
  const stop = new AbortController();
  const run = (async () => {
    for await (const event of runBalance({ audit: join(root, "audit"), out: path, most: 3 }, { signal: stop.signal })) {
      if (event.type === "progress" && event.done > 300) stop.abort();
    }
  })();
  await expect(run).rejects.toMatchObject({ code: "cancelled" });
  expect([await readFile(path, "utf8"), await names()]).toEqual([text, files]);
});

test("an audit that another one replaces meanwhile is no data set of both", async () => {
  const { path } = await balance({ most: 6 });
  const text = await readFile(path, "utf8");
  const audit = join(root, "again");
  await layAudit(audit, rows, 50);
  const run = (async () => {
    for await (const event of runBalance({ audit, out: path, most: 3 }, {})) {
      if (event.type !== "progress" || event.done !== 290) continue;
      await cp(join(audit, "table"), join(audit, "table.next"), { recursive: true });
      await rename(join(audit, "table"), join(audit, "table.old"));
      await rename(join(audit, "table.next"), join(audit, "table"));
    }
  })();
  await expect(run).rejects.toThrow(/audited anew meanwhile/);
  expect(await readFile(path, "utf8")).toBe(text);
});

test("long lists become many files", async () => {
  const toml = join(root, "long/set.toml");
  const writer = metadataWriter(toml, 10);
  for (const { source } of rows.slice(0, 25)) await writer.add(source, "a", 2);
  await writer.finish(["of a test"], { resolution: 64 });
  const set = await scanned(await readDatasetConfig(toml));
  expect(set.config.datasets[0]!.subsets).toHaveLength(3);
  expect(set.items).toHaveLength(25);
});

test("of an image that several lines name, the first one's caption is taken, and the others are told", async () => {
  const twice = rows.slice(5, 55).flatMap((row, i) => {
    const again = { ...row, caption: `again ${i}`, saturation: 200 };
    return i % 5 === 0 ? [row, again, again] : [row];
  });
  await layAudit(join(root, "twice"), twice, 7);
  const done = await balance({ audit: join(root, "twice"), out: join(root, "twice.toml") });
  expect(done.left.namedBefore).toBe(20);
  expect(done.images).toBe(50);
  const set = await scanned(await readDatasetConfig(done.path));
  const captions = new Map(set.items.map(({ image }) => [image.path, image.caption]));
  expect(set.items).toHaveLength(50);
  for (const { source, caption } of rows.slice(5, 55)) expect(captions.get(source)).toBe(caption ?? "");
  expect(done.epoch.before).toBe(rows.slice(5, 55).reduce((sum, { repeats }) => sum + repeats, 0));
});

test("regularisation images are left out however deep they lie in the set, whatever it lies in", async () => {
  // The audit that is laid says that it is of /s.
  const names = ["/s/img/2_a/x.png", "/s/reg/1_w/deep/er/x.png", "/s/reg/1_w/x.png", "/s/reg/plain/x.png"];
  const above = ["/reg/1_s/img/2_a/x.png", "/elsewhere/reg/1_w/x.png"];
  const audit = join(root, "deep");
  await layAudit(
    audit,
    [...names, ...above].map((source, i) => auditRow(i, { source, saturation: 10 * i })),
  );
  const { images, left } = await balance({ audit });
  expect([images, left.regularisation]).toEqual([3, 3]);
});

test("nothing that can be in a data set, or another ending, is told", async () => {
  await layAudit(join(root, "tars"), [auditRow(0, { member: "a.png", memberNumber: 0 })]);
  await expect(balance({ audit: join(root, "tars") })).rejects.toMatchObject({
    code: "bad_file",
    hint: expect.stringContaining("unpack"),
  });
  await expect(balance({ out: join(root, "x.json") })).rejects.toMatchObject({ code: "bad_option" });
  await expect(balance({ audit: join(root, "none") })).rejects.toMatchObject({ code: "missing_file" });
});
