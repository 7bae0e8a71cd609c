/**
 * @file A disk that is really full: a small file system in memory, which only root may mount. No caption is lost on it, and the same
 * command goes on when there is room again.
 */

import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { audit, type TagInput, tag } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";
import { auditRow, layAudit } from "../audit/lay-audit.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);

const root = await mkdtemp(join(tmpdir(), "full-disk-"));
const disk = join(root, "disk");
await mkdir(disk);
const command = (name: string, ...given: string[]) => spawnSync(name, given, { stdio: "ignore" }).status === 0;
const mounted = process.platform === "linux" && command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk);

afterAll(async () => {
  if (mounted) command("umount", disk);
  await rm(root, { recursive: true, force: true });
});

/** Takes all room but so many bytes, and gives it back. */
async function withRoom(bytes: number, work: () => Promise<void>): Promise<void> {
  const filler = join(disk, "filler");
  const { bavail, bsize } = await statfs(disk);
  await writeFile(filler, new Uint8Array(Math.max(0, bavail * bsize - bytes)));
  try {
    await work();
  } finally {
    await rm(filler);
  }
}

const KIB = 1024;
const CAPTIONS = 60;
const pathOf = (i: number, ending: string) => join(disk, "set", `${i}.${ending}`);
const before = (i: number) => `picture ${i}, solo`;
const tagged = (i: number) => `${before(i)}, ${["dark", "normal brightness", "bright", "very bright"][levelOf(i)]}`;
/** A quarter of the set has the first token, a tenth the last. */
const levelOf = (i: number) => [0.25, 0.6, 0.9].filter((share) => i > share * (CAPTIONS - 1)).length;

beforeAll(async () => {
  if (!mounted) return;
  await mkdir(join(disk, "set"));
  const all = Array.from({ length: CAPTIONS }, (_, i) => i);
  for (const i of all) await writeFile(pathOf(i, "txt"), before(i));
  const rows = all.map((i) =>
    auditRow(i, { source: pathOf(i, "png"), brightness: i, captionFile: pathOf(i, "txt"), caption: before(i) }),
  );
  await layAudit(join(disk, "audit"), rows, 20);
});

async function run(input: Omit<TagInput, "audit">): Promise<void> {
  for await (const _ of tag({ audit: join(disk, "audit"), families: ["brightness"], ...input }));
}

const captions = () => Promise.all(Array.from({ length: CAPTIONS }, (_, i) => readFile(pathOf(i, "txt"), "utf8")));

test.skipIf(!mounted).each([0, 4, 12, 40, 120, 300])(
  "with %i KiB left, each caption is the old or the new one, and with room again all are tagged",
  async (kib) => {
    await withRoom(kib * KIB, async () => {
      const failed = await run({ write: "sidecars" }).then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
      // Captions themselves need no more pages than they had: so much is enough for one at a time and the ledger.
      if (kib < 20) expect(failed).toBe("write_failed");
      for (const [i, text] of (await captions()).entries()) expect([before(i), tagged(i)]).toContain(text);
    });
    await run({ write: "sidecars" });
    expect(await captions()).toEqual(Array.from({ length: CAPTIONS }, (_, i) => tagged(i)));
    const left = (await readdir(join(disk, "set"))).filter((name) => !name.endsWith(".txt"));
    expect(left).toEqual([".illustrious-tags.json"]);
    await run({ undo: true });
    expect(await captions()).toEqual(Array.from({ length: CAPTIONS }, (_, i) => before(i)));
  },
);

test.skipIf(!mounted)(
  "an audit that runs out of room says so, and goes on to the table of an undisturbed one",
  {
    timeout: 120_000,
  },
  async () => {
    const pictures = join(root, "pictures");
    for await (const _ of writeSceneSet(pictures, { count: 24, size: 64, captions: 1 }));
    const audited = async (out: string) => {
      for await (const _ of audit({ paths: [pictures], out, shard: 4, workers: 1 }, { entry }));
    };
    const whole = join(root, "whole");
    await audited(whole);
    const out = join(disk, "table");
    await withRoom(60 * KIB, () => expect(audited(out)).rejects.toMatchObject({ code: "write_failed" }));
    await audited(out);
    expect(await filesOf(out)).toEqual(await filesOf(whole));
  },
);
