/** @file What an autoencoder's run goes without. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { folderConfig, scanned } from "../../data/sets/index.ts";
import { encodePng } from "../../formats/index.ts";
import { referenceRuntime } from "../../runtime/reference/interpreter.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Lesson } from "../../trainer/lesson.ts";
import { thisThread } from "../../training/crew/crew.ts";
import type { RecipeFile } from "./recipe-file.ts";
import { openVaeRun, type VaeRun } from "./vae-run.ts";

const root = mkdtempSync(join(tmpdir(), "vae-run-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const tiny = join(import.meta.dirname, "../../../test/fixtures/tiny-sdxl");

function pictures(count: number): string {
  const folder = join(root, "pictures");
  mkdirSync(folder);
  for (let n = 0; n < count; n++) {
    const rgb = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 7919 * (n + 3)) % 251);
    writeFileSync(join(folder, `${n}.png`), encodePng({ width: 64, height: 64, rgb }));
  }
  return folder;
}
const tear = (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2));

/** It opens what it would run, and runs nothing. */
const runtime: Runtime = {
  ...referenceRuntime(),
  open: async () => ({ run: () => expect.unreachable(), release: async () => {} }),
};

async function open(folder: string, saved?: VaeRun["saved"], side = 32): Promise<Lesson> {
  const own = {
    train_vae: "both",
    vae_crops: [
      [32, 2, 1],
      [side, 2, 1],
    ],
    vae_l1_weight: 0,
    vae_kl_weight: 0,
  };
  const walk = openVaeRun({
    runtime,
    replicas: { count: 1, runtime, crew: thisThread },
    file: { name: "mine", own, root } as unknown as RecipeFile,
    set: await scanned(await folderConfig(folder, { resolution: 64 })),
    seed: 1,
    learner: { optimiser: { kind: "adamw" }, rate: { kind: "constant", peak: 1e-3 } },
    begin: join(tiny, "vae"),
    saved,
  });
  for (;;) {
    const step = await walk.next();
    if (step.done) return step.value;
  }
}

test("pictures that cannot be decoded are left out and told, and the same ones when the run goes on", async () => {
  const folder = pictures(4);
  const one = join(folder, "1.png");
  const whole = readFileSync(one);
  tear(one);
  const { leftOut, learner } = await open(folder);
  expect(leftOut).toEqual({ "1.png": expect.stringContaining(one) });
  const saved = () => {
    const { tensors, numbers } = learner.state();
    return { step: 1, position: {}, leftOut: leftOut!, learner: { tensors: new Map(tensors), numbers }, recipe: "" };
  };
  writeFileSync(one, whole);
  expect((await open(folder, saved())).leftOut).toEqual(leftOut);
  tear(join(folder, "2.png"));
  await expect(open(folder, saved())).rejects.toThrow(/^1 of the pictures that this run began with .*2\.png/);
}, 60_000);

test("a crop that is no whole number of latents is refused before a picture is opened, with the sides that fit", async () => {
  await expect(open(join(root, "pictures"), undefined, 36)).rejects.toMatchObject({
    code: "bad_option",
    message: "mine: a crop of vae_crops has 36 pixels a side, and the autoencoder has a latent for every 8",
    hint: "Use 32 or 40.",
  });
});
