/** @file What a log has of long work: its first line, one now and then, and the last of each stage. */

import { expect, test } from "vitest";
import { fakeShell } from "../../test/cli/fake-shell.ts";
import { liveLine } from "./live-line.ts";

test("a log ends with the last line, not with the one that came in its time", () => {
  const shell = fakeShell();
  const line = liveLine(shell);
  for (const done of [0, 40, 80]) line.show(`${done} of 80`);
  line.keep("a warning\n");
  expect(shell.stderr.text).toBe("0 of 80\na warning\n");
  line.end();
  line.end();
  expect(shell.stderr.text).toBe("0 of 80\na warning\n80 of 80\n");
});

test("in a log every stage ends with its own last line", () => {
  const shell = fakeShell();
  const line = liveLine(shell);
  line.show("0 of 2 counted", "counting");
  line.show("2 of 2 counted", "counting");
  line.show("0 of 9 drawn", "drawing");
  shell.pass(15_000);
  line.show("5 of 9 drawn", "drawing");
  line.show("9 of 9 drawn", "drawing");
  line.end();
  expect(shell.stderr.text.split("\n")).toEqual([
    "0 of 2 counted",
    "2 of 2 counted",
    "5 of 9 drawn",
    "9 of 9 drawn",
    "",
  ]);
});

test("at a terminal the line is rewritten, and gone at the end", () => {
  const shell = fakeShell({ isTTY: true });
  const line = liveLine(shell);
  line.show("0 of 80");
  line.show("80 of 80", "another");
  line.end();
  const parts = shell.stderr.text.split("\r\x1b[2K").filter((part) => part !== "");
  expect(parts).toEqual(["0 of 80", "80 of 80"]);
  expect(shell.stderr.text.endsWith("\r\x1b[2K")).toBe(true);
});
