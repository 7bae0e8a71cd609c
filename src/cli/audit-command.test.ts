/** @file `illustrious audit` as users call it: what is understood, what is shown, and how it stops. */

import { CommanderError } from "commander";
import { expect, test } from "vitest";
import { callCommand } from "../../test/cli/call-command.ts";
import { type FakeOptions, type FakeShell, fakeShell } from "../../test/cli/fake-shell.ts";
import { IllustriousError } from "../base/error.ts";
import type { AuditEvent } from "../tasks/audit/events.ts";
import type { AuditInput } from "../tasks/audit/options.ts";
import { type AuditTask, installWith } from "./audit-command.ts";

const progress = { type: "progress", total: 3000 } as const;
const EVENTS: readonly AuditEvent[] = [
  { type: "known", rows: 1000 },
  { type: "found", images: 3000, archives: 0, bytes: 5e9 },
  { type: "warning", message: "a shard: damaged", hint: "Measured again." },
  { ...progress, share: 0.3, images: 1000, kept: 1000, errors: 0 },
  { ...progress, share: 0.4, images: 1200, kept: 1000, errors: 2 },
  { type: "shard", path: "a/table.next/rows-00000.parquet", images: 1024 },
  { type: "stage", message: "looking for near-duplicates" },
  {
    type: "done",
    folder: "a\u001b/table",
    images: 3000,
    kept: 1000,
    errors: 2,
    badSources: 21,
    groups: 5,
    grouped: 12,
  },
];

type Called = { readonly shell: FakeShell; readonly code: number | undefined; readonly asked: AuditInput[] };

async function call(
  argv: readonly string[],
  options: FakeOptions = {},
  stopAt?: AuditEvent,
  events = EVENTS,
): Promise<Called> {
  const shell = fakeShell(options);
  const asked: AuditInput[] = [];
  const task: AuditTask = async function* (input, { signal }) {
    asked.push(input);
    for (const event of events) {
      shell.pass(20_000);
      yield event;
      if (event === stopAt) shell.stop();
      if (signal?.aborted) throw new IllustriousError("cancelled", "stopped after 1200 images");
    }
  };
  const code = await callCommand("audit", (command, context) => installWith(task, command, context), argv, shell);
  return { shell, code, asked };
}

test("paths and flags become the task's input", async () => {
  const { asked, code } = await call([
    "a",
    "b.tar",
    "-o",
    "out",
    "--workers",
    "3",
    "--working_side",
    "512",
    "--time-limit",
    "2.5",
  ]);
  expect(code).toBe(0);
  expect(asked).toEqual([
    { paths: ["a", "b.tar"], out: "out", workers: 3, workingSide: 512, timeLimit: 2.5, nearDistance: 3, shard: 1024 },
  ]);
});

test("people see what there is, rate, time left and the end; scripts get the table's folder", async () => {
  const { shell } = await call(["a", "-o", "out"]);
  expect(shell.stdout.text).toBe("a\\x1b/table\n");
  expect(shell.stderr.text).toContain("3,000 images, 5.00 GB");
  // 200 images in 20 s; a tenth of the bytes took as long, and six tenths are left.
  expect(shell.stderr.text).toContain("1,200 of 3,000 images · 40 % · 2 without measures · 10.0 images/s · 2:00 left");
  expect(shell.stderr.text).toContain("a shard: damaged");
  expect(shell.stderr.text).toContain(
    "3,000 images, 1,000 of them as before, 2 without measures, 21 rows of what could not be understood, 5 groups of near-duplicates with 12 images",
  );
});

test("at a terminal there is one line that goes away", async () => {
  const { shell } = await call(["a", "-o", "out"], { isTTY: true });
  expect(shell.stderr.text).toContain("\r\u001b[2K1,200 of 3,000 images");
  expect(shell.stderr.text.lastIndexOf("looking for")).toBeLessThan(shell.stderr.text.lastIndexOf("\r\u001b[2K"));
});

test("while Redis is away no line looks as if work went on, and the rate does not count it", async () => {
  const at = { ...progress, kept: 0, errors: 0, workers: 3 };
  const { shell } = await call(["a", "-o", "out"], {}, undefined, [
    { ...at, share: 0.1, images: 300 },
    { ...at, share: 0.2, images: 600 },
    { type: "connection", lost: true, message: "the connection is lost", hint: "All wait." },
    { ...at, share: 0.2, images: 600 },
    { type: "connection", lost: false, message: "the connection is back" },
    { ...at, share: 0.2, images: 600 },
    { ...at, share: 0.3, images: 900 },
  ]);
  const lines = shell.stderr.text.trimEnd().split("\n");
  const lost = lines.indexOf("warning: the connection is lost");
  const back = lines.indexOf("the connection is back");
  expect(lines[lost - 1]).toMatch(/ 3 workers .* 15\.0 images\/s/);
  expect(lines.slice(lost + 1, back)).toEqual([
    "  All wait.",
    "waiting for Redis",
    "600 of 3,000 images · 20 % · waiting for Redis",
  ]);
  expect(lines.at(-1)).toMatch(/^900 of 3,000 images · 30 % · 3 workers · 15\.0 images\/s/);
});

test("with --json every event is a line on stdout", async () => {
  const { shell } = await call(["a", "-o", "out", "--json"]);
  expect(
    shell.stdout.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(EVENTS);
  expect(shell.stdout.text).not.toContain("\u001b");
});

test("Ctrl-C ends it with the way on", async () => {
  const { shell, code } = await call(["a", "-o", "out"], {}, EVENTS[4]);
  expect(code).toBe(130);
  expect(shell.stderr.text).toContain("stopping after the images in work");
  expect(shell.stderr.text).toContain("stopped after 1200 images; the same command goes on from there");
  expect(shell.stdout.text).toBe("");
});

test("mistakes are told in the words that were typed", async () => {
  await expect(call(["a"])).rejects.toMatchObject({ code: "bad_option", message: "--out is missing" });
  await expect(call(["a", "-o", "out", "--workers", "none"])).rejects.toMatchObject({
    message: "--workers none: must be a whole number from 1 to 256",
  });
  await expect(call(["-o", "out"])).rejects.toBeInstanceOf(CommanderError);
});
