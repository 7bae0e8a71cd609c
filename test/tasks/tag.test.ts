/** @file From pictures to tagged captions by the public functions: the audit's table says where each caption is kept. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit, type TagEvent, type TagInput, tag } from "../../src/index.ts";
import { auditRow, layAudit } from "../audit/lay-audit.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tag-pictures-"));
  await mkdir(join(root, "set/4_sks girl"), { recursive: true });
  await mkdir(join(root, "set/listed"));
  const greys = { "set/a": 10, "set/b": 250, "set/4_sks girl/c": 200, "set/listed/d": 150 };
  for (const [name, grey] of Object.entries(greys)) {
    const background = { r: grey, g: grey, b: grey };
    await sharp({ create: { width: 16, height: 16, channels: 3, background } })
      .png()
      .toFile(join(root, `${name}.png`));
  }
  await writeFile(join(root, "set/a.caption"), "1girl");
  await writeFile(join(root, "set/listed/metadata.jsonl"), '{"file_name":"d.png","text":"solo"}\n');
  for await (const _ of audit({ paths: [join(root, "set")], out: join(root, "audit"), workers: 1 }, { entry }));
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function run(input: Omit<TagInput, "audit">): Promise<TagEvent> {
  let last: TagEvent | undefined;
  const given = { audit: join(root, "audit"), families: ["brightness"], ...input };
  // Four pictures are too few to fit to.
  const fit = input.undo ? {} : { thresholds: "built-in" };
  for await (const event of tag({ ...given, ...fit })) last = event;
  return last!;
}

const read = (name: string) => readFile(join(root, "set", name), "utf8");

test("each caption is written where the audit found it, and a second audit changes nothing", {
  timeout: 120_000,
}, async () => {
  await run({ write: "sidecars" });
  await run({ write: "metadata" });
  const captions = {
    "a.caption": "1girl, dark",
    "b.txt": "very bright",
    "4_sks girl/c.txt": "sks girl, bright",
    "listed/metadata.jsonl": '{"file_name":"d.png","text":"solo, normal brightness"}\n',
  };
  for (const [name, text] of Object.entries(captions)) expect(await read(name)).toBe(text);
  for await (const _ of audit({ paths: [join(root, "set")], out: join(root, "audit"), workers: 1 }, { entry }));
  expect(await run({ write: "sidecars" })).toMatchObject({ changed: 0, unchanged: 3 });
  expect(await run({ undo: true })).toMatchObject({ changed: 4, removed: 2 });
  expect(await read("a.caption")).toBe("1girl");
  await expect(read("b.txt")).rejects.toMatchObject({ code: "ENOENT" });
});

test("planned by several processes it is the same plan, which can be stopped, or fail", {
  timeout: 120_000,
}, async () => {
  const planner = new URL("../../dist/tasks/tag/plan-main.js", import.meta.url);
  await mkdir(join(root, "listed"));
  const names = Array.from({ length: 20 }, (_, i) => join(root, `listed/${i}.png`));
  const rows = names.map((source, id) => auditRow(id, { source, brightness: 10 * id, caption: `picture ${id}` }));
  const out = join(root, "planned");
  await layAudit(out, rows, 3);
  const planned = async (workers: number, control: Parameters<typeof tag>[1] = { entry: planner }) => {
    const events: TagEvent[] = [];
    for await (const event of tag({ audit: out, thresholds: "built-in", workers, show: 12 }, control))
      events.push(event);
    return events.filter(({ type }) => type !== "progress");
  };
  const alone = await planned(1);
  expect(alone).toHaveLength(14);
  expect(alone.at(-1)).toMatchObject({ type: "done", images: 20, changed: 20, created: 20 });
  expect(await planned(3)).toEqual(alone);
  await expect(planned(3, { entry: planner, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "cancelled",
  });
  const nowhere = { entry: new URL("file:///nowhere/plan-main.js") };
  await expect(planned(3, nowhere)).rejects.toMatchObject({ code: "engine_failed" });
});
