/** @file Two audits compared, each figure against one that is computed from the rows themselves. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditRow, hashOf, layAudit } from "../../../test/audit/lay-audit.ts";
import { letters, reportOf } from "../../../test/audit/report-of.ts";
import { philox } from "../../base/random/philox.ts";
import { uniforms } from "../../base/random/uniform.ts";
import { type AuditRow, countSpread, MEASURES } from "../audit/index.ts";
import { type AuditComparison, runCompare } from "./compare.ts";

const TAGS = ["1girl", "solo", "sky", "red hair", "night", " smile\u3000", "x".repeat(41), "初音ミク"];

/** @param tint moves saturation and the frequencies of tags */
function rowsOf(seed: number, count: number, tint: number): AuditRow[] {
  const next = uniforms((calls) => philox(calls, 0, 0, 0, seed, 7));
  return Array.from({ length: count }, (_, id) => {
    if (next() < 0.05) return auditRow(id, { error: "missing", errorText: "no such file" });
    const tags = TAGS.filter((_, i) => next() < (i % 2 === 0 ? 0.2 : 0.2 + tint));
    const hues = Array.from({ length: 36 }, () => Math.fround(next() ** 2));
    return auditRow(id, {
      ...{ saturation: 255 * next() ** (1 - tint), brightness: 255 * next(), contrast: next() < 0.1 ? 0 : next() / 2 },
      ...{
        sharpness: 1e5 * next() ** 8,
        dynamicColours: 6 * next(),
        colourfulness: 210 * next(),
        hues: id % 5 === 0 ? Array(36).fill(0) : hues,
      },
      ...{ colourful: next() < 0.3 + tint / 2, width: 100 + Math.floor(900 * next()), height: 500 },
      caption: tags.length === 0 ? null : `${tags.join(", ")}\u2003, ${tags[0]}\nsecond line`,
      // A third of the files are in both audits; some are there twice.
      sha256: hashOf(id % 3 === 0 ? `both ${id % 30 === 0 ? 0 : id}` : `${seed} ${id}`),
    });
  });
}

const A = rowsOf(1, 700, 0);
const B = rowsOf(2, 500, 0.3);
let root = "";
let found: AuditComparison;

async function compare(a: string, b: string): Promise<AuditComparison> {
  const scratch = await mkdtemp(join(root, "scratch-"));
  const request = { a: join(root, a), b: join(root, b), scratch, memory: 500e6, threads: 2 };
  for await (const event of runCompare(request, letters, new AbortController().signal)) {
    if (event.type === "compared") return event.comparison;
  }
  throw new Error("no comparison");
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "compare-"));
  await layAudit(join(root, "a"), A, 300);
  await layAudit(join(root, "b"), B, 300);
  found = await compare("a", "b");
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const measured = (rows: readonly AuditRow[]) => rows.filter(({ error }) => error === null);

test("spreads are the report's, bin by bin, and distances those of the values", async () => {
  const [a, b] = [await reportOf(join(root, "a")), await reportOf(join(root, "b"))];
  for (const name of MEASURES) {
    expect(found.spreads[name]!.a).toMatchObject({
      count: a.measures[name]!.count,
      histogram: a.measures[name]!.histogram,
    });
    for (const percent of [5, 50, 95] as const) {
      expect(found.spreads[name]!.b!.quantiles[percent]).toBeCloseTo(b.measures[name]!.quantiles[percent], 6);
    }
    const [x, y] = [A, B].map((rows) => measured(rows).map((row) => row[name]!));
    const below = (values: readonly number[], at: number) =>
      values.filter((value) => value <= at).length / values.length;
    const ks = Math.max(...[...x!, ...y!].map((at) => Math.abs(below(x!, at) - below(y!, at))));
    const { from, to } = countSpread(name).fine;
    // Values that share a bin are not told apart: at most a few of these hundreds.
    expect(Math.abs(found.spreads[name]!.distance!.ks - ks), name).toBeLessThan(0.01);
    expect(found.spreads[name]!.distance!.moved).toBeLessThan(to - from);
  }
  expect(found.spreads.words!.a).toMatchObject({
    count: a.captions.words!.count,
    histogram: a.captions.words!.histogram,
  });
  expect(found.spreads.firstLineWords!.b!.mean).toBeCloseTo(b.captions.firstLineWords!.mean, 9);
  expect(found.spreads.aspect!.a!.histogram).toEqual(a.aspect!.histogram);
  // The means by hand: B is more saturated by so much, which is as far as it is moved where one lies above the other.
  const mean = (rows: readonly AuditRow[]) =>
    measured(rows).reduce((sum, row) => sum + row.saturation!, 0) / measured(rows).length;
  expect(found.spreads.saturation!.b!.mean - found.spreads.saturation!.a!.mean).toBeCloseTo(mean(B) - mean(A), 6);
});

test("counts and hues are the report's", async () => {
  for (const [side, name] of [
    ["a", "a"],
    ["b", "b"],
  ] as const) {
    const { images, measured: count, marks, captions, hues } = await reportOf(join(root, name));
    const { colourful, nearBlack, nearWhite, blank, greyscale, withAlpha } = marks;
    expect(found.counts[side]).toEqual({
      ...{ images, measured: count, withCaption: captions.with },
      ...{ colourful, nearBlack, nearWhite, blank, greyscale, withAlpha },
    });
    for (const [i, share] of hues.entries()) expect(found.hues[side][i]).toBeCloseTo(share, 9);
  }
});

test("tags are ordered by how much more or less frequent they have become", () => {
  const images = (rows: readonly AuditRow[], tag: string) =>
    rows.filter(({ caption }) =>
      (caption ?? "")
        .split("\n")[0]!
        .split(",")
        .some((part) => part.trim() === tag),
    ).length;
  const captioned = (rows: readonly AuditRow[]) => rows.filter(({ caption }) => caption).length;
  const changes = TAGS.map((tag) => tag.trim())
    .filter((tag) => tag.length <= 40)
    .map((tag) => ({ tag, a: images(A, tag), b: images(B, tag) }));
  const rise = ({ a, b }: { a: number; b: number }) => b / captioned(B) - a / captioned(A);
  const sorted = changes.sort((x, y) => rise(y) - rise(x));
  expect(found.tags.more).toEqual(sorted.filter((one) => rise(one) > 0));
  expect(found.tags.fewer).toEqual(sorted.filter((one) => rise(one) < 0).reverse());
});

test("files are told apart by their bytes, and captions of the same ones", () => {
  const contents = (rows: readonly AuditRow[]) => {
    const captions = new Map<string, Set<string>>();
    for (const { sha256, caption } of rows) {
      if (sha256) captions.set(sha256, (captions.get(sha256) ?? new Set()).add(caption ?? ""));
    }
    return captions;
  };
  const [a, b] = [contents(A), contents(B)];
  const both = [...a.keys()].filter((key) => b.has(key));
  const texts = (set: Set<string>) => JSON.stringify([...set].sort());
  const other = both.filter((key) => texts(a.get(key)!) !== texts(b.get(key)!));
  expect(found.contents).toMatchObject({
    ...{ onlyA: a.size - both.length, onlyB: b.size - both.length, both: both.length, otherCaptions: other.length },
  });
  const { examples } = found.contents;
  const isOnly = (row: AuditRow, there: Map<string, unknown>) => row.sha256 !== null && !there.has(row.sha256);
  expect(examples.onlyA.map(({ source }) => source)).toEqual(
    A.filter((row) => isOnly(row, b))
      .slice(0, 5)
      .map(({ source }) => source),
  );
  const first = B.find(({ sha256 }) => sha256 !== null && other.includes(sha256))!;
  const before = A.find(({ sha256 }) => sha256 === first.sha256)!;
  expect(examples.otherCaptions[0]).toEqual({
    source: first.source,
    member: null,
    a: before.caption ?? "",
    b: first.caption ?? "",
  });
});

test("an audit is the same as itself", async () => {
  const same = await compare("a", "a");
  for (const { distance } of Object.values(same.spreads)) expect(distance).toEqual({ ks: 0, moved: 0 });
  expect([same.tags.more, same.tags.fewer]).toEqual([[], []]);
  expect(same.contents).toMatchObject({ onlyA: 0, onlyB: 0, otherCaptions: 0 });
  expect(same.contents.both).toBeGreaterThan(0);
});

test("measures of two working sides are not compared", async () => {
  const other = join(root, "other");
  await layAudit(other, A);
  const path = join(other, "table/manifest.json");
  await writeFile(path, (await readFile(path, "utf8")).replace('"workingSide": 768', '"workingSide": 512'));
  await expect(compare("a", "other")).rejects.toMatchObject({
    code: "bad_option",
    message: expect.stringContaining("512"),
  });
});
