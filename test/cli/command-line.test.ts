/** @file The command line as a process of its own: signals, closed pipes, and the shipped model from end to end. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../../dist/cli/main.js");
const SLOW = join(import.meta.dirname, "slow.mjs");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "command-line-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Running = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<number | null>;
};

/** In the test's own folder and in a process group of its own, as a shell starts it. */
function start(script: string, ...argv: string[]): Running {
  const env = { ...process.env, ILLUSTRIOUS_HOME: join(folder, "home"), ILLUSTRIOUS_MODEL: "", NO_COLOR: "1" };
  const child = spawn(process.execPath, [script, ...argv], { cwd: folder, env, detached: true });
  const texts = { out: "", err: "" };
  child.stdout.on("data", (data) => (texts.out += data));
  child.stderr.on("data", (data) => (texts.err += data));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, out: () => texts.out, err: () => texts.err, ended };
}

async function run(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const { ended, out, err } = start(MAIN, ...argv);
  return { code: await ended, out: out(), err: err() };
}

/** Waits for text on either stream; a process that ends before has failed. */
async function said(text: string, { child, out, err }: Running): Promise<void> {
  while (!(out() + err()).includes(text)) {
    if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode}: ${err()}`);
    await sleep(10);
  }
}

/** A process, or with a minus any of a group. */
function isAlive(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

/** Every PNG below a folder decodes to its last row, and nothing else lies there. */
async function expectWholePictures(where: string): Promise<number> {
  const names = await readdir(where);
  for (const name of names) {
    expect(name).toMatch(/\.png$/);
    await sharp(await readFile(join(where, name)), { failOn: "warning" })
      .raw()
      .toBuffer();
  }
  return names.length;
}

test("Ctrl-C: the step is finished, every picture is whole, the exit code is 130", async () => {
  const running = start(SLOW, "patient", "generate", "x", "--out-dir", folder);
  const { child, ended, err } = running;
  await said("0.png", running);
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(err()).toContain("stopping after this step; Ctrl-C once more stops at once");
  expect(err()).toMatch(/stopped after 1 picture\n$/);
  expect(await expectWholePictures(folder)).toBe(1);
});

test("Ctrl-C twice: the end comes at once, even to a task that does not heed it", async () => {
  const running = start(SLOW, "stuck", "generate", "x", "--out-dir", folder);
  const { child, ended } = running;
  await said("0.png", running);
  child.kill("SIGINT");
  await said("stopping after this step", running);
  // Longer than one press may take to arrive twice.
  await sleep(400);
  expect(child.exitCode).toBeNull();
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(await expectWholePictures(folder)).toBe(1);
});

test("a reader that goes away ends the work", async () => {
  const { child, ended } = start(SLOW, "patient", "generate", "x", "--json", "--out-dir", folder);
  child.stdout!.once("data", () => child.stdout!.destroy());
  expect(await ended).toBe(141);
});

test("start draws with every shipped model and shows a sheet; a picture repeats itself to the byte", async () => {
  const started = await run("start", "1girl, green hair", "--count", "2");
  expect(started.code).toBe(0);
  const paths = started.out.trim().split("\n");
  expect(paths.map((path) => path.replace(/^outputs.\d{4}-\d\d-\d\d./, ""))).toEqual([
    ...["00000-1.png", "00001-2.png", "00002-1.png", "00003-2.png", "00004-1.png", "00005-2.png"],
    "sheet-00000.png",
  ]);
  const sheet = await sharp(join(folder, paths[6]!)).metadata();
  // Three rows of two of 128 pixels, three times as large, with 8 pixels around each.
  expect([sheet.width, sheet.height]).toEqual([2 * 384 + 3 * 8, 3 * 384 + 4 * 8]);

  const again = await run("generate", "--from", paths[1]!, "-o", "again.png", "-q");
  expect(again).toEqual({ code: 0, out: "again.png\n", err: "" });
  expect((await readFile(join(folder, "again.png"))).equals(await readFile(join(folder, paths[1]!)))).toBe(true);
});

test("Ctrl-C reaches the real engine too: whole pictures, no process left", async () => {
  const running = start(MAIN, "generate", "1girl", "-c", "500", "--seed", "1", "--json", "--out-dir", "pictures");
  await said('"type":"picture"', running);
  process.kill(-running.child.pid!, "SIGINT");
  expect(await running.ended).toBe(130);
  const told = running.out().split('"type":"picture"').length - 1;
  expect(running.err()).toContain(`stopped after ${told} picture`);
  expect(await expectWholePictures(join(folder, "pictures"))).toBeGreaterThanOrEqual(told);
  while (isAlive(-running.child.pid!)) await sleep(50);
});

test("a training that its whole group is told to end keeps what it has learnt; one without a checkpoint says so", async () => {
  const nano = join(import.meta.dirname, "../fixtures/nano-bootstrap");
  await writeFile(
    join(folder, "girl.toml"),
    `pretrained_model_name_or_path = "${nano}"
output_name = "girl"
output_dir = "runs"
network_module = "networks.lora"
learning_rate = 1e-4
max_train_steps = 10000
[[datasets]]
resolution = 64
[[datasets.subsets]]
image_dir = "data"
caption_extension = ".txt"
`,
  );
  expect((await run("scenes", "data", "--count", "2", "--size", "64")).code).toBe(0);
  for (const [until, told, folders] of [
    ["looking at the pictures", "stopped before its first checkpoint; the same command begins anew\n", 0],
    ["/10000 · loss", "stopped; the same command goes on from the last checkpoint\n", 1],
  ] as const) {
    const training = start(MAIN, "train", "girl.toml");
    await said(until, training);
    process.kill(-training.child.pid!, "SIGTERM");
    expect(await training.ended).toBe(143);
    expect(training.err()).toMatch(new RegExp(`${told}$`));
    const kept = await readdir(join(folder, "runs/girl")).catch(() => []);
    expect(kept.filter((name) => name.startsWith("step-"))).toHaveLength(folders);
  }
});
