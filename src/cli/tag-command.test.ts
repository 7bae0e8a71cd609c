/** @file `illustrious tag` as users call it: what is understood, what is shown, and how it stops. */

import { expect, test } from "vitest";
import { callCommand } from "../../test/cli/call-command.ts";
import { type FakeShell, fakeShell } from "../../test/cli/fake-shell.ts";
import { IllustriousError } from "../base/error.ts";
import type { ControlThresholds } from "../colour/index.ts";
import type { TagEvent } from "../tasks/tag/events.ts";
import type { TagInput } from "../tasks/tag/options.ts";
import { installWith, type TagTask } from "./tag-command.ts";

const counts = {
  images: 100,
  changed: 40,
  created: 2,
  removed: 0,
  unchanged: 50,
  left: { unclear: 1 },
  tokens: { dark: 9 },
};
const thresholds = { name: "mine", pictures: 200 } as ControlThresholds;
const EVENTS: readonly TagEvent[] = [
  { type: "counting", images: 50, total: 200 },
  { type: "thresholds", name: "mine", digest: "0123", path: "/a/thresholds/mine-0123.json", thresholds },
  { type: "change", caption: "/s/a.txt", image: "/s/a.png", before: "one\n\u001bsame", after: "one, dark\n\u001bsame" },
  { type: "left", path: "/s/b.txt", reason: "unclear", message: "/s/b.txt: changed" },
  { type: "progress", total: 200, ...counts },
  { type: "done", written: false, ledger: "/a/tags.jsonl", ...counts },
];

type Called = { readonly shell: FakeShell; readonly code: number | undefined; readonly asked: TagInput[] };

async function call(argv: readonly string[], stop = false, events = EVENTS): Promise<Called> {
  const shell = fakeShell({});
  const asked: TagInput[] = [];
  const task: TagTask = async function* (input, { signal }) {
    asked.push(input);
    for (const event of events) {
      shell.pass(20_000);
      yield event;
      if (stop) shell.stop();
      if (signal?.aborted) throw new IllustriousError("cancelled", "stopped after 100 images");
    }
  };
  const code = await callCommand("tag", (command, context) => installWith(task, command, context), argv, shell);
  return { shell, code, asked };
}

test("flags become the task's input", async () => {
  const { asked, code } = await call([
    "a",
    "--write",
    "metadata",
    "--families",
    "brightness",
    "--families",
    "contrast",
    "--outer",
    "--keep_tokens",
    "2",
  ]);
  expect(code).toBe(0);
  expect(asked).toMatchObject([
    {
      audit: "a",
      write: "metadata",
      families: ["brightness", "contrast"],
      outer: true,
      keepTokens: 2,
      separator: ", ",
    },
  ]);
});

test("people see the thresholds, the lines that change, what is left, rate and counts, and how to write", async () => {
  const { shell } = await call(["a"]);
  expect(shell.stdout.text).toContain("/s/a.txt\n  - one\n  + one, dark\n");
  expect(shell.stdout.text).not.toContain("same");
  expect(shell.stdout.text).toMatch(/dark\s+9\n/);
  expect(shell.stdout.text).toMatch(/tokens not to be told apart\s+1\n/);
  expect(shell.stderr.text).toContain("thresholds mine@0123, of 200 pictures");
  expect(shell.stderr.text).toContain("left: /s/b.txt: changed");
  expect(shell.stderr.text).toMatch(/counting for thresholds: 50 of 200 images · 1:00 left/);
  expect(shell.stderr.text).toMatch(/100 of 200 images · 40 changed · 1\.67 images\/s · 1:00 left/);
  expect(shell.stderr.text).toContain("nothing was written; to do it: illustrious tag a --write sidecars");
});

test("captions that are gone are counted, with the way to say where they are", async () => {
  const gone: TagEvent = { type: "done", written: true, ledger: "/a/tags.jsonl", ...counts, left: { gone: 3 } };
  const { shell, asked } = await call(["a", "--undo", "--moved", "set=moved"], false, [gone]);
  expect(asked).toMatchObject([{ undo: true, moved: "set=moved" }]);
  expect(shell.stdout.text).toMatch(/not there any more; the ledger keeps them +3\n/);
  expect(shell.stderr.text).toContain("illustrious tag a --undo --moved OLD=NEW");
});

test("with --json every event is a line on stdout", async () => {
  const { shell } = await call(["a", "--json"]);
  const lines = shell.stdout.text.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(EVENTS);
});

test("Ctrl-C ends it with the way on", async () => {
  const { shell, code } = await call(["a", "--write", "sidecars"], true);
  expect(code).toBe(130);
  expect(shell.stderr.text).toContain("stopped after 100 images; the same command goes on from there");
});

test("mistakes are told in the words that were typed", async () => {
  await expect(call(["a", "--families", "colour"])).rejects.toThrow("--families colour: the families are contrast, br");
  await expect(call(["a", "--write", "tar"])).rejects.toThrow("--write tar: must be sidecars, metadata, copy or tars");
});
