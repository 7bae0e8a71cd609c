/** @file Sets that are not where they were when they were tagged: what is gone is told, and what has been moved comes back. */

import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { rowsIn, writeAudit } from "../../../test/tasks/audited.ts";
import type { TagEvent } from "./events.ts";
import type { TagInput } from "./options.ts";
import { runTag } from "./run.ts";

let root = "";
let set = "";
let moved = "";
let audit = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tag-moved-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let run = 0;
beforeEach(async () => {
  const here = join(root, String(++run));
  [set, moved, audit] = [join(here, "set"), join(here, "a=b", "moved"), join(here, "audit")];
  await mkdir(join(set, "listed"), { recursive: true });
  await mkdir(join(here, "a=b"));
  for (const name of ["a", "b", "c", "listed/d"]) await writeFile(join(set, `${name}.png`), "");
  await writeFile(join(set, "a.txt"), "1girl");
  await writeFile(join(set, "b.txt"), "solo");
  await writeFile(join(set, "listed/metadata.jsonl"), LIST);
  await auditAt(set);
  await tag({ write: "sidecars" });
  await tag({ write: "metadata" });
  expect(await texts(set)).toEqual(["1girl, dark", "solo, normal brightness", "bright", LIST_TAGGED]);
});

const LIST = '{"file_name":"d.png","text":"listed"}\n';
const LIST_TAGGED = '{"file_name":"d.png","text":"listed, very bright"}\n';

const auditAt = async (folder: string): Promise<void> => writeAudit(audit, [folder], await rowsIn([folder]));

async function tag(input: Omit<TagInput, "audit">): Promise<TagEvent[]> {
  const events: TagEvent[] = [];
  for await (const event of runTag({ audit, families: ["brightness"], ...input }, {})) events.push(event);
  return events;
}

const texts = (folder: string) =>
  Promise.all(
    ["a.txt", "b.txt", "c.txt", "listed/metadata.jsonl"].map((name) =>
      readFile(join(folder, name), "utf8").catch(() => null),
    ),
  );

const ledger = () => readFile(join(audit, "tags.jsonl"), "utf8");

test("where no caption is there any more, undo fails, says so, and forgets nothing", async () => {
  await rename(set, moved);
  const before = await ledger();
  await expect(tag({ undo: true })).rejects.toMatchObject({
    code: "missing_file",
    message: expect.stringMatching(/none of its 4 captions with tokens is there, such as .*a\.txt/),
    hint: expect.stringContaining(`--undo --moved ${set}=NEW`),
  });
  expect(await ledger()).toBe(before);
});

test("captions that are gone are told, one by one, and the others come back; undone, nobody misses them", async () => {
  await rm(join(set, "b.txt"));
  await writeFile(join(set, "listed/metadata.jsonl"), '{"file_name":"e.png","text":"e"}\n');
  const events = await tag({ undo: true });
  expect(events.filter(({ type }) => type === "left")).toMatchObject([
    { reason: "gone", path: join(set, "b.txt") },
    { reason: "gone", path: join(set, "listed/metadata.jsonl") },
  ]);
  expect(events.at(-1)).toMatchObject({ type: "done", changed: 2, left: { gone: 2 } });
  expect(await ledger()).toContain(", normal brightness");
  // A caption that comes back, comes back with its entry.
  await writeFile(join(set, "b.txt"), "solo, normal brightness");
  expect((await tag({ undo: true })).at(-1)).toMatchObject({ changed: 1, left: { gone: 1 } });
  expect(await readFile(join(set, "b.txt"), "utf8")).toBe("solo");
  await rm(join(set, "a.txt"));
  await writeFile(join(set, "listed/metadata.jsonl"), LIST_TAGGED);
  expect((await tag({ undo: true })).at(-1)).toMatchObject({ changed: 1, left: {} });
});

test("a set that has been moved comes back where it is now, whether it is told once or twice", async () => {
  await rename(set, moved);
  const given = `${set}=${moved}`;
  expect((await tag({ undo: true, moved: given })).at(-1)).toMatchObject({ changed: 4, removed: 1, left: {} });
  expect(await texts(moved)).toEqual(["1girl", "solo", null, LIST]);
  expect((await tag({ undo: true, moved: given })).at(-1)).toMatchObject({ changed: 0, left: {} });
});

test("audited where it is now and tagged otherwise, only our own words are replaced", async () => {
  await rename(set, moved);
  await auditAt(moved);
  await tag({ write: "sidecars", moved: `${set}=${moved}`, blackTheme: true });
  expect(await texts(moved)).toEqual(["1girl, black theme", "solo, normal brightness", "bright", LIST_TAGGED]);
  await tag({ undo: true });
  expect(await texts(moved)).toEqual(["1girl", "solo", null, LIST]);
});

test("folders that are not there, or that the ledger does not know, are refused", async () => {
  const refused = (moved: string) => expect(tag({ undo: true, moved })).rejects;
  await refused(`${set}=${moved}`).toMatchObject({ code: "missing_file" });
  await refused(`${join(root, "elsewhere")}=${root}/${run}/a=b`).toMatchObject({
    code: "bad_option",
    hint: expect.stringContaining("a.txt"),
  });
  await refused("set").toMatchObject({ code: "bad_option", message: expect.stringContaining("OLD=NEW") });
  await expect(tag({ moved: `${set}=${root}` })).rejects.toMatchObject({ code: "bad_option" });
});
