/** @file `illustrious export` as users call it: what is understood, what is shown, and how it stops. */

import { CommanderError } from "commander";
import { expect, test } from "vitest";
import { callCommand } from "../../test/cli/call-command.ts";
import { type FakeOptions, fakeShell } from "../../test/cli/fake-shell.ts";
import { IllustriousError } from "../base/error.ts";
import type { ExportEvent } from "../tasks/export-model.ts";
import type { ExportInput } from "../tasks/export-options.ts";
import { type ExportTask, installWith } from "./export-command.ts";

const EVENTS: readonly ExportEvent[] = [
  { type: "warning", message: "its own tokens", hint: "Keep the folder." },
  { type: "progress", bytes: 1e9, total: 4e9 },
  { type: "progress", bytes: 3e9, total: 4e9 },
  { type: "done", path: "out.safetensors", bytes: 4e9, tensors: 2000 },
];

async function call(argv: readonly string[], options: FakeOptions = {}, stopAt?: ExportEvent) {
  const shell = fakeShell(options);
  let asked: ExportInput | undefined;
  const task: ExportTask = async function* (input, { signal }) {
    asked = input;
    for (const event of EVENTS) {
      shell.pass(20_000);
      yield event;
      if (event === stopAt) shell.stop();
      if (signal?.aborted) throw new IllustriousError("cancelled", "stopped");
    }
  };
  const code = await callCommand("export", (command, context) => installWith(task, command, context), argv, shell);
  return { code, asked, out: shell.stdout.text, err: shell.stderr.text };
}

test("a model, a file, and what the user knows", async () => {
  const { asked, code } = await call([
    ...["my-model", "-o", "out.safetensors", "--dtype", "fp16", "--prediction", "v", "--zero_snr", "on", "--vae", "x"],
  ]);
  expect(code).toBe(0);
  expect(asked).toEqual({
    ...{ model: "my-model", out: "out.safetensors", dtype: "fp16", prediction: "v", zeroSnr: "on", vae: "x" },
  });
  expect((await call(["m", "-o", "o.safetensors"])).asked).toMatchObject({ prediction: "auto", zeroSnr: "auto" });
});

test("a log: warnings, how far it is, the path on stdout", async () => {
  const { out, err } = await call(["m", "-o", "out.safetensors"]);
  expect(out).toBe("out.safetensors\n");
  expect(err).toMatchInlineSnapshot(`
    "warning: its own tokens
      Keep the folder.
    25 % of 4.00 GB
    75 % of 4.00 GB · 100 MB/s · 0:10 left
    2000 tensors, 4.00 GB
    "
  `);
});

test("for programs: every event a line", async () => {
  const { out } = await call(["m", "-o", "out.safetensors", "--json"]);
  expect(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(EVENTS);
});

test("Ctrl-C", async () => {
  const { code, out, err } = await call(["m", "-o", "out.safetensors"], {}, EVENTS[1]);
  expect([code, out]).toEqual([130, ""]);
  expect(err).toMatch(/stopping after this tensor.*\n.*stopped; no file was written\n$/s);
});

test("mistakes are told before anything is opened", async () => {
  await expect(call(["m"])).rejects.toMatchObject({ code: "bad_option", message: "--out is missing" });
  await expect(call(["m", "-o", "x.safetensors", "--dtype", "int8"])).rejects.toThrow(
    "--dtype int8: must be fp16, bf16 or fp32",
  );
  await expect(call([])).rejects.toBeInstanceOf(CommanderError);
});
