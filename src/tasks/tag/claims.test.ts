/** @file One set, two audits: the tokens of one are never taken for words of the user by the other. */

import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { rowsIn, writeAudit } from "../../../test/tasks/audited.ts";
import type { TagEvent } from "./events.ts";
import type { TagInput } from "./options.ts";
import { runTag } from "./run.ts";

const MARK = ".illustrious-tags.json";

let root = "";
let here = "";
let set = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tag-claims-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let run = 0;
beforeEach(async () => {
  here = join(root, String(++run));
  set = join(here, "set");
  await mkdir(join(set, "listed"), { recursive: true });
  for (const name of ["a", "b", "listed/c"]) await writeFile(join(set, `${name}.png`), "");
  await writeFile(join(set, "a.txt"), "1girl");
  await writeFile(join(set, "listed/metadata.jsonl"), '{"file_name":"c.png","text":"solo"}\n');
  await auditInto("v/a", set);
  await auditInto("v/b", set);
});

const auditInto = async (name: string, folder: string): Promise<void> =>
  writeAudit(join(here, name), [folder], await rowsIn([folder]));

async function tag(name: string, input: Omit<TagInput, "audit">): Promise<TagEvent> {
  let last: TagEvent | undefined;
  const given = { audit: join(here, name), families: ["brightness"], ...input };
  for await (const event of runTag(given, {})) last = event;
  return last!;
}

const write = (name: string, more: Omit<TagInput, "audit"> = {}) => tag(name, { write: "sidecars", ...more });
const undo = (name: string) => tag(name, { undo: true });

/** Files but for images, by name. */
async function texts(folder = set): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.(txt|jsonl?)$/.test(name)).sort();
  const read = async (name: string) => [name, await readFile(join(folder, name), "utf8")] as const;
  return Object.fromEntries(await Promise.all(names.map(read)));
}

test("captions that another audit has tagged are refused, with its name and the way out, until it is undone", async () => {
  const before = await texts();
  await write("v/a");
  await tag("v/a", { write: "metadata" });
  const tagged = await texts();
  expect(Object.keys(tagged)).toEqual([MARK, "a.txt", "b.txt", `listed/${MARK}`, "listed/metadata.jsonl"]);
  const other = {
    code: "bad_option",
    message: expect.stringContaining(join(here, "v/a")),
    hint: expect.stringContaining(`illustrious tag ${join(here, "v/a")} --undo`),
  };
  for (const input of [{ write: "sidecars" }, { write: "metadata" }, {}, { write: "copy", out: join(here, "out") }]) {
    await expect(tag("v/b", input as TagInput)).rejects.toMatchObject(other);
  }
  expect(await texts()).toEqual(tagged);
  expect(await readdir(join(here, "v/b"))).toEqual(["table"]);
  // Nobody loses the other's mark.
  await undo("v/b");
  expect(await texts()).toEqual(tagged);
  await write("v/a", { blackTheme: true });
  await undo("v/a");
  expect(await texts()).toEqual(before);
  await write("v/b");
  await undo("v/b");
  expect(await texts()).toEqual(before);
});

test("a caption that could not be undone keeps the mark, and one that is gone does not", async () => {
  await write("v/a");
  await writeFile(join(set, "a.txt"), "dark, dark, dark");
  await undo("v/a");
  const hint = expect.stringMatching(
    /left \/.*\/a\.txt: changed .* by hand\. Then run it again: illustrious tag .*\/v\/a --undo\.$/,
  );
  await expect(write("v/b")).rejects.toMatchObject({ code: "bad_option", hint });
  // What it says is done, and the folder is free.
  await writeFile(join(set, "a.txt"), "1girl");
  await undo("v/a");
  expect(await readdir(set)).not.toContain(MARK);
  await write("v/a");
  await writeFile(join(set, "a.txt"), "dark, dark, dark");
  await undo("v/a");
  await write("v/a");
  await expect(write("v/b")).rejects.toMatchObject({ hint: expect.stringContaining("Take those out first") });
  await rm(join(set, "a.txt"));
  await undo("v/a").catch(() => {});
  expect(await readdir(set)).not.toContain(MARK);
});

test("one token alone comes out of a caption that was edited elsewhere, and the folder is free for another audit", async () => {
  const first = { position: "start", keepTokens: 1 } as const;
  for (const [more, edited] of [
    [{}, "1girl, hat, dark"],
    [first, "1girl, dark, hat"],
  ] as const) {
    await writeFile(join(set, "a.txt"), "1girl, solo");
    await write("v/a", more);
    await writeFile(join(set, "a.txt"), edited);
    await undo("v/a");
    expect(await texts()).toMatchObject({ "a.txt": "1girl, hat" });
    expect(await readdir(set)).not.toContain(MARK);
    await write("v/b");
    await undo("v/b");
  }
});

test("a folder of the set, audited on its own, or the one above is known, too", async () => {
  await write("v/a");
  await auditInto("v/c", here);
  await expect(write("v/c")).rejects.toMatchObject({ code: "bad_option" });
});

test("an audit's folder that has another name now is still the one that tagged", async () => {
  await write("v/a");
  await rename(join(here, "v/a"), join(here, "v/new"));
  await write("v/new", { blackTheme: true });
  expect((await texts())["a.txt"]).toBe("1girl, black theme");
  await undo("v/new");
  expect(await readdir(set)).not.toContain(MARK);
});

test("where the ledger is lost, or the set was moved or copied, what to do is told", async () => {
  await write("v/a");
  const moved = join(here, "moved");
  await cp(set, moved, { recursive: true });
  await auditInto("v/a", moved);
  await expect(write("v/a")).rejects.toMatchObject({ hint: expect.stringContaining(`add --moved ${set}=${moved} to`) });
  await rm(join(moved, MARK));
  await write("v/a");
  expect((await texts(moved))["a.txt"]).toBe("1girl, dark");
  await auditInto("v/a", set);
  await rm(join(here, "v/a/tags.jsonl"));
  for (const name of ["v/a", "v/b"]) {
    await expect(write(name)).rejects.toMatchObject({
      message: expect.stringContaining("whose ledger is not there any more"),
      hint: expect.stringContaining(join(set, MARK)),
    });
  }
});
