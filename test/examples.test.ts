/** @file Every example runs as a user would run it, in an empty folder, against the built package. */

import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const folder = join(import.meta.dirname, "../examples");
const examples = (await readdir(folder)).filter((name) => name.endsWith(".mjs"));

/** What each must print or leave behind; an example without a row fails. */
const expected: Record<string, (output: { stdout: string; files: string[] }) => void> = {
  "01-a-picture.mjs": ({ stdout, files }) => {
    expect(stdout).toContain("step 28 of 28");
    expect(files).toEqual(["picture.png"]);
  },
  "02-what-is-this-checkpoint.mjs": ({ stdout }) => {
    expect(stdout).toContain("diffusers: eps, zero SNR false (certain)");
    expect(stdout).toContain("unknown keys: 0");
  },
  "03-samplers-without-a-network.mjs": ({ stdout }) => {
    expect(stdout).toContain("step 0: sigma Infinity");
    expect(stdout.trim().split("\n")).toHaveLength(5);
  },
  "04-the-same-picture-again.mjs": ({ stdout, files }) => {
    expect(stdout).toBe("euler, 28 steps, seed 1: the same picture\n");
    expect(files).toEqual(["again.png", "first.png", "other.png"]);
  },
  "05-a-lora.mjs": ({ stdout, files }) => {
    expect(stdout).toContain("12 scenes in ");
    expect(stdout).toMatch(/step 5 of 5, loss \d\.\d+/);
    expect(stdout.match(/strength-.*\.png/g)).toEqual(["strength-0.png", "strength-0.5.png", "strength-1.png"]);
    expect(files).toEqual(["a-lora"]);
  },
};

test.each(examples)(
  "%s",
  async (name) => {
    const cwd = await mkdtemp(join(tmpdir(), "illustrious-example-"));
    try {
      const { stdout } = await run(process.execPath, [join(folder, name)], { cwd });
      expected[name]!({ stdout, files: await readdir(cwd) });
      // Some leave what a second run finds.
      if (name.startsWith("05")) await run(process.execPath, [join(folder, name)], { cwd });
    } finally {
      await rm(cwd, { recursive: true });
    }
  },
  120_000,
);
