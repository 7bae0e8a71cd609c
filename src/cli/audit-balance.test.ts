/** @file `illustrious audit balance` as the program runs it: its flags are its own, and what it tells. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditRow, layAudit } from "../../test/audit/lay-audit.ts";
import { fakeShell } from "../../test/cli/fake-shell.ts";
import { run } from "./program.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "balance-command-"));
  // A hundred dark images and ten bright ones.
  const rows = Array.from({ length: 110 }, (_, i) => auditRow(i, { brightness: i < 100 ? 20 : 200, caption: "x" }));
  await layAudit(join(root, "audit"), rows);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function call(...argv: string[]) {
  return callOn("audit", ...argv);
}

async function callOn(audit: string, ...argv: string[]) {
  const shell = fakeShell();
  const generate = () => {
    throw new Error("not this one");
  };
  const code = await run(["audit", "balance", join(root, audit), ...argv], shell, { generate }, "0");
  return { code, shell };
}

test("histogram, length and flatness are told, the path goes to scripts", async () => {
  const out = join(root, "set.toml");
  const { code, shell } = await call(
    "--measure",
    "brightness",
    "--most",
    "4",
    "--bins",
    "2",
    "-o",
    out,
    "--resolution",
    "512",
  );
  expect(code).toBe(0);
  expect(shell.stdout.text).toBe(`${out}\n`);
  expect(shell.stderr.text).toMatch(/brightness, over 110 images/);
  // 100 and 10 become 100 and 40.
  expect(shell.stderr.text).toMatch(/9\.1 % +28\.6 % +4\.00 x/);
  expect(shell.stderr.text).toMatch(/examples +110 +140/);
  expect(await readFile(out, "utf8")).toMatch(/resolution = 512[\s\S]*num_repeats = 1\n[\s\S]*num_repeats = 4\n/);
});

test("a set that ends less flat by one of the figures is told so in words, with both", async () => {
  const few = [1, 1, 25, 46, 67, 155, 160, 177, 204, 210, 249];
  const rows = few.map((saturation, i) => auditRow(i, { saturation, caption: "x" }));
  await layAudit(join(root, "few"), rows);
  const { code, shell } = await callOn("few", "--out", join(root, "few.toml"));
  expect(code).toBe(0);
  const [, from, to] = /warning: by its distance .* without: from ([\d.]+) to ([\d.]+), though/.exec(
    shell.stderr.text,
  )!;
  expect(Number(to)).toBeGreaterThan(Number(from));
  expect((await call("--measure", "brightness", "--out", join(root, "set.toml"))).shell.stderr.text).not.toMatch(
    /warning/,
  );
});

test("with --json programs get the same, and mistakes end with 2", async () => {
  const { code, shell } = await call("--json", "--out", join(root, "set.toml"), "--measure", "brightness");
  expect(code).toBe(0);
  const last = JSON.parse(shell.stdout.text.trimEnd().split("\n").at(-1)!);
  expect(last).toMatchObject({ type: "done", images: 110, epoch: { before: 110, after: 180 } });
  expect((await call("--out", join(root, "set.json"))).code).toBe(2);
  expect((await call("--out", join(root, "set.toml"), "--measure", "beauty")).code).toBe(2);
});
