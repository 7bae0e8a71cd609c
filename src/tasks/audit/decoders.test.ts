/** @file What becomes of files that end their decoder's process, or keep it. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NO_FACTS } from "../../data/audit/index.ts";
import { type DecoderOptions, type Decoders, openDecoders } from "./decoders.ts";

const entry = new URL("../../../test/tasks/hostile-decoder.mjs", import.meta.url);
const known = { ...NO_FACTS, sha256: "ab".repeat(32) };

let folder = "";
let decoders: Decoders;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "decoders-"));
});
afterEach(async () => {
  await decoders.close();
  await rm(folder, { recursive: true, force: true });
});

function open(options: Partial<DecoderOptions> = {}): void {
  decoders = openDecoders({ entry, workers: 2, timeLimit: 20, ...options });
}

const measure = (name: string) => decoders.measure({ path: join(folder, name), workingSide: 64 });

test("files that crash are told, with what was known of them, and all others measured: 6 in 60", async () => {
  open();
  const names = Array.from({ length: 60 }, (_, i) => (i % 10 === 3 ? `abort-${i}` : `fine-${i}`));
  const found = await Promise.all(names.map(measure));
  for (const [i, name] of names.entries()) {
    if (name.startsWith("fine")) expect(found[i]).toEqual({ ...known, format: "png", width: name.length });
    else {
      expect(found[i]).toEqual({
        ...known,
        error: "crashed",
        errorText: expect.stringMatching(/^the decoder's process ended/),
      });
    }
  }
});

test("a file that takes too long is told, and the next one is measured", async () => {
  open({ workers: 1, timeLimit: 0.3 });
  const [hung, fine] = await Promise.all([measure("hang"), measure("fine")]);
  expect(hung).toEqual({ ...known, error: "time_limit", errorText: "more than 0.3 s" });
  expect(fine).toMatchObject({ format: "png", error: null });
});

test("a process that something else ended is not its file's fault", async () => {
  open();
  expect(await measure("once")).toEqual({ ...known, format: "png", width: 4 });
});

test("no process outlives the end, and nothing is begun after it", async () => {
  open();
  await measure("fine");
  const [pid] = decoders.pids();
  const hung = expect(measure("hang")).rejects.toMatchObject({ code: "cancelled" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await decoders.close();
  await hung;
  expect(() => process.kill(pid!, 0)).toThrow("ESRCH");
  expect(decoders.pids()).toEqual([]);
  await expect(measure("fine")).rejects.toMatchObject({ code: "cancelled" });
});

test("without a module that serves, the third false start ends it", async () => {
  open({ entry: new URL("file:///nowhere/decoder.mjs") });
  await expect(measure("fine")).rejects.toMatchObject({ code: "engine_failed" });
});
