/** @file `illustrious evaluate` as users call it: what is understood, what is shown and written, and how it stops. */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { afterEach, beforeEach, expect, test } from "vitest";
import { callCommand } from "../../test/cli/call-command.ts";
import { type FakeOptions, type FakeShell, fakeShell } from "../../test/cli/fake-shell.ts";
import { IllustriousError } from "../base/error.ts";
import type { EvaluateInput } from "../tasks/evaluate/options.ts";
import type { EvaluateEvent, Evaluation } from "../tasks/evaluate/run.ts";
import { type EvaluateTask, installWith } from "./evaluate-command.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "evaluate-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const evaluation: Evaluation = {
  ...{ format: "illustrious.evaluation", version: 1, seeds: 1, quick: false },
  judged: { simple: 3, long: 3, empty: 1, saturation: 1, control: 1, sizes: 3 },
  how: { sampler: "euler", schedule: "normal", cfg: 7.5, steps: 28 },
  models: [
    {
      ...{ name: "a b", hash: "0123" },
      rows: [
        {
          ...{ row: "simple", pictures: 1, cells: [] },
          figures: [{ name: "all", kind: "share", right: 1, of: 1, low: 0.2, high: 1 }],
        },
      ],
    },
  ],
};

const progress = { type: "progress", model: "a b", row: "simple", cell: "first", total: 8 } as const;
const EVENTS: readonly EvaluateEvent[] = [
  { type: "model", name: "a b", hash: "0123", folder: "runs/x", pictures: 10, known: 2 },
  { type: "warning", model: "a b", message: "too much", hint: "Less." },
  { type: "warning", model: "a b", message: "too much", hint: "Less." },
  { ...progress, done: 0.5 },
  { ...progress, done: 2.5 },
  { type: "sheet", model: "a b", row: "simple", image: { width: 1, height: 1, rgb: new Uint8Array(3) } },
  { type: "done", evaluation },
];

type Called = { readonly shell: FakeShell; readonly code: number | undefined; readonly asked: EvaluateInput[] };

async function call(argv: readonly string[], options: FakeOptions = {}, stopAt?: EvaluateEvent): Promise<Called> {
  const shell = fakeShell(options);
  const asked: EvaluateInput[] = [];
  const task: EvaluateTask = async function* (input, { signal, sheets }) {
    asked.push(input);
    for (const event of EVENTS) {
      if (event.type === "sheet" && !sheets) continue;
      shell.pass(20_000);
      yield event;
      if (event === stopAt) shell.stop();
      if (signal?.aborted) throw new IllustriousError("cancelled", "evaluate was cancelled");
    }
  };
  const code = await callCommand("evaluate", (command, context) => installWith(task, command, context), argv, shell);
  return { shell, code, asked };
}

test("models, rows and numbers reach the task; the table comes on stdout, the rest on stderr", async () => {
  const { shell, code, asked } = await call([
    "one",
    "two",
    "--quick",
    "--seeds",
    "3",
    "--only",
    "simple, long",
    "-b",
    "2",
  ]);
  expect(code).toBe(0);
  expect(asked).toEqual([{ models: ["one", "two"], quick: true, seeds: 3, only: ["simple", "long"], batch: 2 }]);
  expect(shell.stdout.text.split("\n").slice(2)).toEqual([
    "row     figure  a b",
    "simple  all     1/1 100 % (20–100)",
    "",
  ]);
  // A line when a quarter of a minute has passed; the warning once.
  expect(shell.stderr.text.split("\n")).toEqual([
    "a b: 10 pictures, 2 of them drawn before; kept in runs/x",
    "warning: a b: too much",
    "  Less.",
    "6 % · a b, simple: first",
    "31 % · a b, simple: first · 0.10 pictures/s · 0:55 left",
    "",
  ]);
});

test("files: JSON with the evaluation, Markdown with the table, a sheet for each model and row", async () => {
  const at = (name: string) => join(folder, "new", name);
  const { code } = await call(["x", "--json", at("r.json"), "--markdown", at("r.md"), "--sheet", at("s.png")]);
  expect(code).toBe(0);
  expect((await readdir(join(folder, "new"))).sort()).toEqual(["r.json", "r.md", "s-a-b-simple.png"]);
  expect(JSON.parse(await readFile(at("r.json"), "utf8"))).toEqual(evaluation);
  expect(await readFile(at("r.md"), "utf8")).toContain("| simple | all | 1/1 100 % (20–100) |");
});

test("Ctrl-C: what is finished is kept, and the exit code says who stopped it", async () => {
  const { shell, code } = await call(["x"], { isTTY: true }, EVENTS[4]);
  expect(code).toBe(130);
  expect(shell.stdout.text).toBe("");
  expect(shell.stderr.text).toMatch(/stopped; finished pictures are kept, and the same command goes on from them\n$/);
});

test("mistakes are told before anything starts", async () => {
  await expect(call(["x", "--only", "simple,longer"])).rejects.toMatchObject({
    ...{ code: "bad_option", message: "--only longer: no such row" },
    hint: "Rows are simple, long, empty, saturation, control, sizes.",
  });
  await expect(call(["x", "--seeds", "0", "--batch", "100"])).rejects.toMatchObject({
    message: "--seeds 0: must be a whole number from 1 to 1000\n--batch 100: must be a whole number from 1 to 64",
  });
  await expect(call([])).rejects.toBeInstanceOf(CommanderError);
  await expect(call(["x", "--sheet", join(folder, "s.jpg")])).rejects.toMatchObject({
    ...{ code: "bad_option", message: `--sheet ${join(folder, "s.jpg")}: must end in .png` },
    hint: "Sheets are PNG files, one each model and row.",
  });
  await expect(call(["x", "--json", join(import.meta.filename, "y.json")])).rejects.toMatchObject({
    code: "write_failed",
  });
});
