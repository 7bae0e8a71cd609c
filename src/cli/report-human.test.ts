/** @file What stands on the screen and in the log in the course of a run, by a clock that the test moves. */

import { expect, test } from "vitest";
import { fakeGenerate, SETTINGS } from "../../test/cli/fake-generate.ts";
import { type FakeOptions, type FakeShell, fakeShell, screen } from "../../test/cli/fake-shell.ts";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import { type HumanOptions, humanReport } from "./report-human.ts";

/** Runs two pictures of four steps, two seconds each, and gives the shell as it is then. */
async function watched(
  terminal: FakeOptions,
  options: HumanOptions,
  at: (event: GenerateEvent, shell: FakeShell) => void = () => {},
): Promise<FakeShell> {
  const shell = fakeShell(terminal);
  const report = humanReport(shell, options);
  const { task } = fakeGenerate(() => shell.pass(2000));
  const asked = { model: "tiny", prompt: "x", steps: 4, count: 2, seed: 7, outDir: "o", preview: 2 };
  for await (const event of task(asked)) {
    report.event(event);
    at(event, shell);
  }
  report.end();
  return shell;
}

test("a log: stages, settings, a line now and then, paths on stdout", async () => {
  const { stdout, stderr } = await watched({}, { quiet: false });
  expect(stdout.text).toBe("o/00000-7.png\no/00001-8.png\n");
  expect(stderr.text).toMatchInlineSnapshot(`
    "opening tiny · 0:00
    tiny · v, zero SNR exact (tensor v_pred: v)
    64×64 · euler, normal, 4 steps · seeds 7 to 8
    1/2 · step 1/4 · 2.0 s/step · 0:02 · 0:14 left
    1/2 · step 4/4 · 2.0 s/step · 0:08 · 0:08 left
    2/2 · step 3/4 · 2.0 s/step · 0:14 · 0:02 left
    2/2 · step 4/4 · 2.0 s/step · 0:16
    2 pictures in 0:16
    "
  `);
});

test("a log: a stage that counts up is told now and then", () => {
  const shell = fakeShell();
  const report = humanReport(shell, { quiet: false });
  for (let share = 0; share <= 100; share += 1) {
    report.event({ type: "stage", stage: "open", message: `hashing x: ${share} %` });
    shell.pass(100);
  }
  expect(shell.stderr.text.split("\n")).toEqual([
    "hashing x: 0 % · 0:00",
    "hashing x: 50 % · 0:05",
    "hashing x: 100 % · 0:10",
    "",
  ]);
});

test("quiet: paths and warnings only", async () => {
  const { stdout, stderr } = await watched({}, { quiet: true });
  expect([stdout.text, stderr.text]).toEqual(["o/00000-7.png\no/00001-8.png\n", ""]);
});

test("a terminal: one line below what stays, gone at the end", async () => {
  const seen: string[] = [];
  const shell = await watched({ isTTY: true }, { quiet: false }, (event, { stderr }) => {
    if (event.type === "step" && event.done === 3) seen.push(...screen(stderr.text));
  });
  expect(seen).toEqual([
    "tiny · v, zero SNR exact (tensor v_pred: v)",
    "64×64 · euler, normal, 4 steps · seeds 7 to 8",
    "▕███████▌            ▏ 1/2 · step 3/4 · 2.0 s/step · 0:06 · 0:10 left",
  ]);
  expect(screen(shell.stderr.text)).toEqual([...seen.slice(0, 2), "2 pictures in 0:16", ""]);
});

test("a terminal's clock moves on between events", () => {
  const shell = fakeShell({ isTTY: true });
  const report = humanReport(shell, { quiet: false });
  report.event({ type: "stage", stage: "open", message: "opening 日本.safetensors" });
  shell.pass(61_000);
  expect(screen(shell.stderr.text)).toEqual(["opening 日本.safetensors · 1:01"]);
  report.end();
  const { length } = shell.stderr.text;
  shell.pass(10_000);
  expect(shell.stderr.text).toHaveLength(length);
});

test("previews replace each other above the line, and end where other text begins", async () => {
  const shown: string[][] = [];
  await watched({ isTTY: true, columns: 72, rows: 7 }, { quiet: false, previews: "blocks24" }, (event, { stderr }) => {
    if (event.type === "step" && event.previews) shown.push(screen(stderr.text));
  });
  const settings = ["tiny · v, zero SNR exact (tensor v_pred: v)", "64×64 · euler, normal, 4 steps · seeds 7 to 8"];
  const square = Array.from({ length: 4 }, () => "▀".repeat(8));
  expect(shown[0]).toEqual([...settings, ...square, expect.stringContaining("step 2/4")]);
  expect(shown[1]).toEqual([...settings, ...square, expect.stringContaining("step 4/4")]);
  // The first picture's preview stays where it was; the second's stands below it.
  expect(shown[2]?.slice(0, 6)).toEqual([...settings, ...square]);
  expect(shown[2]?.slice(6)).toEqual([...square, expect.stringContaining("2/2 · step 2/4")]);
});

test("text of strangers cannot steer the terminal", () => {
  const shell = fakeShell({ isTTY: true });
  const report = humanReport(shell, { quiet: false });
  const evil = "\x1b]0;title\x07\x9b2J\r\nfake: line";
  report.event({ type: "warning", message: evil, hint: evil });
  report.event({ type: "settings", settings: { ...SETTINGS, model: evil, evidence: [evil] }, memoryBytes: 0 });
  report.event({ type: "stage", stage: "open", message: evil });
  report.event({ type: "grid", image: { width: 1, height: 1, rgb: new Uint8Array(3) }, path: evil });
  const text = shell.stderr.text + shell.stdout.text;
  for (const obeyed of ["\x1b]", "\x9b", "\x07"]) expect(text).not.toContain(obeyed);
  expect(screen(shell.stderr.text)[0]).toBe(String.raw`warning: \x1b]0;title\x07\x9b2J\nfake: line`);
});

test.each([
  [{ isTTY: true }, true],
  [{ isTTY: false }, false],
  [{ isTTY: true, env: { NO_COLOR: "1" } }, false],
  [{ isTTY: true, env: { NO_COLOR: "" } }, true],
  [{ isTTY: true, env: { TERM: "dumb" } }, false],
  [{ isTTY: false, env: { FORCE_COLOR: "1" } }, true],
  [{ isTTY: true, env: { FORCE_COLOR: "0" } }, false],
  [{ isTTY: false, env: { FORCE_COLOR: "1", NO_COLOR: "1" } }, false],
])("colours in %j: %s", (terminal, coloured) => {
  const shell = fakeShell(terminal);
  humanReport(shell, { quiet: false }).event({ type: "warning", message: "x" });
  expect(shell.stderr.text.includes("\x1b[33m")).toBe(coloured);
});
