/**
 * @file A disk that is really full: a small file system in memory, which only root may mount. No caption is lost on it, and the same
 * command goes on when there is room again.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { audit, type TagInput, tag, train } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";
import { auditRow, layAudit } from "../audit/lay-audit.ts";
import { rowsIn, writeAudit } from "./audited.ts";
import { contentsOf } from "./run-files.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);
const engine = new URL("../../dist/tasks/engine-main.js", import.meta.url);
const nano = new URL("../fixtures/nano-bootstrap", import.meta.url).pathname;

const root = await mkdtemp(join(tmpdir(), "full-disk-"));
const disk = join(root, "disk");
await mkdir(disk);
const command = (name: string, ...given: string[]) => spawnSync(name, given, { stdio: "ignore" }).status === 0;
const mounted = process.platform === "linux" && command("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk);

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

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce((sum, name) => {
    const found = statSync(join(folder, name));
    return sum + (found.isFile() ? found.size : 0);
  }, 0);

/** What a full disk is told as: the file, the reason and the way out. */
const told = {
  code: "write_failed",
  message: expect.stringMatching(/disk\/.*ENOSPC/),
  hint: expect.stringMatching(/room/),
};

/** Runs with so much room, and tells whether that was enough. */
async function fits(kib: number, work: () => Promise<void>): Promise<boolean> {
  let isEnough = true;
  await withRoom(kib * KIB, () =>
    work().catch((error: unknown) => {
      isEnough = false;
      expect(error).toMatchObject(told);
    }),
  );
  return isEnough;
}

const ROOMS = [0, 4, 12, 28, 60, 120, 200, 400];

/** Captions beside images, in a metadata file and in archives, of which the last is given only where it may be. */
async function laySet(set: string, withArchives: boolean): Promise<void> {
  await mkdir(join(set, "listed"), { recursive: true });
  const numbers = Array.from({ length: 24 }, (_, i) => i);
  for (const i of numbers) {
    await writeFile(join(set, `${i}.png`), "p".repeat(3000));
    if (i % 3 !== 0) await writeFile(join(set, `${i}.txt`), "bad".repeat(i % 3));
    await writeFile(join(set, `listed/${i}.png`), "");
  }
  const lines = numbers.map(
    (i) => `${JSON.stringify({ file_name: `${i}.png`, text: `line ${i}`, other: "o".repeat(2000) })}\n`,
  );
  await writeFile(join(set, "listed/metadata.jsonl"), lines.join(""));
  for (const name of withArchives ? ["a", "b", "c"] : []) {
    const archive = pack();
    archive.entry({ name: "1.png", mtime: new Date(1e12) }, name.repeat(20_000));
    archive.entry({ name: "1.txt", mtime: new Date(1e12) }, `in ${name}`);
    archive.finalize();
    await writeFile(join(set, `${name}.tar`), await buffer(archive));
  }
}

async function tagOf(audit: string, input: Omit<TagInput, "audit">): Promise<void> {
  for await (const _ of tag({ audit, families: ["brightness"], ...input }));
}

test.skipIf(!mounted)(
  "metadata: a full disk leaves each file as it was or as it is to be, and the ledger knows what is ours",
  { timeout: 240_000 },
  async () => {
    const [set, out] = [join(disk, "metadata-set"), join(disk, "metadata-audit")];
    await laySet(set, false);
    await writeAudit(out, [set], await rowsIn([set]));
    const metadata = () => readFile(join(set, "listed/metadata.jsonl"), "utf8");
    const old = await metadata();
    await tagOf(out, { write: "metadata" });
    const whole = await metadata();
    await tagOf(out, { undo: true });
    let failed = 0;
    for (const kib of ROOMS) {
      if (!(await fits(kib, () => tagOf(out, { write: "metadata" })))) failed++;
      expect([old, whole]).toContain(await metadata());
      await tagOf(out, { write: "metadata" });
      expect(await metadata()).toBe(whole);
      expect((await readdir(join(set, "listed"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
      if (!(await fits(kib, () => tagOf(out, { undo: true })))) failed++;
      await tagOf(out, { undo: true });
      expect(await metadata()).toBe(old);
    }
    expect(failed).toBeGreaterThan(3);
  },
);

test.skipIf(!mounted).each(["copy", "tars"] as const)(
  "%s: a full disk leaves nothing half-made, and what was there before",
  { timeout: 240_000 },
  async (write) => {
    const [set, whole, out] = [join(root, `${write}-set`), join(root, `${write}-whole`), join(disk, write)];
    const table = join(root, `${write}-audit`);
    await laySet(set, true);
    await writeAudit(table, [set], await rowsIn([set]));
    const original = await filesOf(set);
    await tagOf(table, { write, out: whole });
    const expected = await filesOf(whole);
    const found = () => filesOf(out).catch(() => new Map<string, string>());
    let failed = 0;
    for (const kib of ROOMS) {
      if (!(await fits(kib, () => tagOf(table, { write, out })))) failed++;
      const now = await found();
      if (write === "copy") expect([new Map(), expected]).toContainEqual(now);
      for (const [name, hash] of now) if (name.endsWith(".tar")) expect(hash, name).toBe(expected.get(name));
      expect(await filesOf(set)).toEqual(original);
      await tagOf(table, { write, out });
      expect(await found()).toEqual(expected);
      // One that is replaced stays as it is for want of room.
      if (write === "copy" && !(await fits(kib, () => tagOf(table, { write, out, blackTheme: true })))) {
        expect(await found()).toEqual(expected);
      }
      expect((await readdir(disk)).filter((name) => name.startsWith(write))).toContain(write);
      await rm(out, { recursive: true });
    }
    expect(failed).toBeGreaterThan(3);
  },
);

const RECIPE = `
pretrained_model_name_or_path = "${nano}"
output_name = "run"
output_dir = "."
network_module = "networks.lora"
network_dim = 16
learning_rate = 1e-3
max_train_steps = 3
save_every_n_steps = 1
save_last_n_steps = 3
seed = 5
[general]
caption_extension = ".txt"
[[datasets]]
resolution = 64
batch_size = 2
[[datasets.subsets]]
image_dir = "${join(root, "scenes")}"
`;

test.skipIf(!mounted)(
  "a run that finds no room for a checkpoint has the last one whole, and goes on to the end of an undisturbed one",
  {
    timeout: 600_000,
  },
  async () => {
    for await (const _ of writeSceneSet(join(root, "scenes"), { count: 8, size: 64, captions: 1 }));
    const trained = async (folder: string) => {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "recipe.toml"), RECIPE);
      for await (const _ of train({ recipe: join(folder, "recipe.toml"), threads: 1 }, { entry: engine }));
    };
    // As deep as the other: where the images are, as the recipe sees it, is in the state.
    const [whole, folder] = [join(root, "whole-run/train"), join(disk, "train")];
    await trained(whole);
    const lasting = (folder: string) =>
      new Map(Object.entries(contentsOf(join(folder, "run"))).filter(([name]) => /^\/step-\d+\//.test(name)));
    const expected = lasting(whole);
    const one = sizeOf(join(whole, "run/step-00000001"));
    // Half-made ones among them, of which there should be none.
    const checkpoints = async () =>
      (await readdir(join(folder, "run"))).filter((name) => name.startsWith("step-")).length;
    for (const [share, saved] of [
      [0.2, 0],
      [1.6, 1],
    ] as const) {
      expect(await fits((share * one) / KIB, () => trained(folder))).toBe(false);
      expect(await checkpoints()).toBe(saved);
      for (const [name, hash] of lasting(folder)) expect(hash, name).toBe(expected.get(name));
    }
    await trained(folder);
    expect(lasting(folder)).toEqual(expected);
  },
);
