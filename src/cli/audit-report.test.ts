/** @file The report on a table whose figures can be told by hand, as people and as programs get it. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { callCommand } from "../../test/cli/call-command.ts";
import { fakeShell } from "../../test/cli/fake-shell.ts";
import { type AuditRow, NO_FACTS, PERCEPTUAL_HASH, writeManifest, writeShard } from "../data/audit/index.ts";
import { install } from "./audit-command.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const MEASURED = {
  ...{ format: "png", width: 1024, height: 512, orientation: null, channels: 3, frames: 1, sha256: "00", dhash: 1n },
  ...{ hasProfile: false, hasAlpha: false, transparentShare: 0, greyscale: false, colourful: false },
  ...{ contrast: 0.2, brightness: 128, sharpness: 100, dynamicColours: 1, colourfulness: 50 },
  ...{
    saturation: 100,
    saturationDeviation: 60,
    whiteShare: 0,
    blackShare: 0,
    clippedHighShare: 0,
    clippedLowShare: 0,
  },
  hues: [1, ...Array(35).fill(0)],
  vividGrid: Array(9).fill(0.25),
} as const;

function row(id: number, more: Partial<AuditRow>): AuditRow {
  const origin = { source: `/s/${id}`, member: null, memberNumber: null, bytes: 1, mtimeMs: 1, repeats: 1 };
  const caption = { caption: null, captionError: null, captionFile: null, captionLine: null };
  return { id, ...origin, ...caption, ...NO_FACTS, ...more };
}

const ROWS: readonly AuditRow[] = [
  row(0, {
    ...MEASURED,
    hues: [...MEASURED.hues],
    caption: "1girl, red\u001b hair\na girl with red hair",
  } as Partial<AuditRow>),
  row(1, {
    ...MEASURED,
    hues: [...Array(18).fill(0), 1, ...Array(17).fill(0)],
    colourful: true,
    caption: "1girl",
    width: 256,
    height: 256,
  } as Partial<AuditRow>),
  row(2, {
    ...MEASURED,
    hues: Array(36).fill(0),
    sha256: "02",
    brightness: 250,
    contrast: 0,
    greyscale: true,
    captionError: "not UTF-8",
  } as Partial<AuditRow>),
  row(3, { error: "broken", errorText: "cut short", format: "jpeg" }),
  row(4, { error: "missing", errorText: "no such file" }),
];

async function lay(): Promise<void> {
  const table = join(folder, "table");
  await mkdir(table);
  await writeShard(table, 0, ROWS.slice(0, 2), 768);
  await writeShard(table, 1, ROWS.slice(2), 768);
  const settings = { workingSide: 768, perceptualHash: PERCEPTUAL_HASH, nearDistance: 3, shard: 2 };
  const counts = { complete: true, images: 5, errors: 2, shards: 2, groups: 1, grouped: 3 };
  await writeManifest(table, {
    format: "illustrious.audit",
    version: 1,
    program: "0",
    settings,
    paths: ["/s"],
    ...counts,
  });
}

async function call(...argv: string[]): Promise<string> {
  const shell = fakeShell();
  expect(await callCommand("audit", install, ["report", ...argv], shell)).toBe(0);
  return shell.stdout.text;
}

test("programs get every figure", async () => {
  await lay();
  const report = JSON.parse(await call(folder, "--json"));
  expect(report).toMatchObject({
    ...{ format: "illustrious.audit-report", version: 1, paths: ["/s"], workingSide: 768, images: 5, measured: 3 },
    errors: { broken: 1, missing: 1 },
    formats: { png: 3, jpeg: 1 },
    marks: { colourful: 1, nearWhite: 1, nearBlack: 0, blank: 1, greyscale: 1, withAlpha: 0, animated: 0 },
    captions: { with: 2, without: 2, unreadable: 1, words: { least: 1, most: 8 }, firstLineWords: { most: 3 } },
    nearDuplicates: { groups: 1, images: 3 },
  });
  expect(report.captions.tags).toEqual([
    { tag: "1girl", images: 2 },
    { tag: "red\u001b hair", images: 1 },
  ]);
  expect(report.coverage.map(({ images }: { images: number }) => images)).toEqual([3, 2, 0, 0, 0, 0, 0]);
  expect([report.hues[0], report.hues[18]]).toEqual([0.5, 0.5]);
  expect(report.vividGrid).toEqual(Array(9).fill(0.25));
  // "1girl, red\x1b hair" is 1 girl , red \x1b hair: the further line is another caption.
  expect(report.captions.tokens).toMatchObject({ count: 2, least: 2, most: 6 });
  expect(report.captions.chunks).toContainEqual({ tokens: 75, captions: 2 });
  expect(report.extremes.brightness.highest[0]).toMatchObject({ id: 2, source: "/s/2", value: 250 });
  expect(report.cuts.saturation).toEqual([100, 100, 100]);
  expect(report.measures.brightness).toMatchObject({ count: 3, least: 128, most: 250 });
});

test("people get it as a page of text, in which no caption steers the terminal", async () => {
  await lay();
  const text = await call(folder);
  expect(text).toMatch(/colourful, by the Illustrious 3\.0 article's rule +1 +33\.3 %/);
  expect(text).toMatch(/broken +1/);
  expect(text).toMatch(/512 x 512 +2 +66\.7 %/);
  expect(text).toMatch(/brightness +128 +128 +12\d +2\d\d +250 +169/);
  expect(text).toMatch(/from cyan +50\.0 %/);
  expect(text).toMatch(/Few dark images: none has a mean luma/);
  expect(text).toMatch(/of up to 75 tokens +2/);
  expect(text).toContain("red\\x1b hair");
  expect(text).not.toContain("\u001b");
});

test("where there is no audit, or an unfinished one, it says so", async () => {
  await expect(call(folder)).rejects.toMatchObject({ code: "missing_file", message: expect.stringContaining(folder) });
});
