/** @file Ctrl-C once, twice, and one press that comes twice. */

import { expect, test } from "vitest";
import { fakeGenerate } from "../../test/cli/fake-generate.ts";
import { fakeShell } from "../../test/cli/fake-shell.ts";
import { run } from "./program.ts";

/** Two pictures of four steps; `at` is told how many steps are done, before each. */
async function stopped(at: (done: number, shell: ReturnType<typeof fakeShell>) => void, argv: string[] = []) {
  const shell = fakeShell();
  const { task, calls } = fakeGenerate((event) => {
    if (event.type === "step") at(event.done - 1, shell);
  });
  const code = await run(
    ["generate", "x", "-s", "4", "-c", "2", "--seed", "1", ...argv],
    shell,
    { generate: task },
    "0",
  );
  return { code, out: shell.stdout.text, err: shell.stderr.text, exited: shell.exited, calls };
}

test("the first lets the running step end", async () => {
  const { code, out, err, exited } = await stopped((done, shell) => {
    if (done === 5) shell.stop();
  });
  expect(code).toBe(130);
  expect(exited).toBeUndefined();
  expect(out.split("\n")).toEqual([expect.stringMatching(/00000-1\.png$/), ""]);
  expect(err).toContain("stopping after this step; Ctrl-C once more stops at once");
  expect(err.trimEnd().split("\n").at(-1)).toBe("stopped after 1 picture");
});

test("the step in progress is finished, and none begun after it", async () => {
  const { code, out } = await stopped(
    (done, shell) => {
      if (done === 5) shell.stop();
    },
    ["--json"],
  );
  expect(code).toBe(130);
  const events = out.trim().split("\n");
  expect(JSON.parse(events.at(-1)!)).toMatchObject({ type: "step", done: 6 });
});

test("one press that arrives twice is one press; the second ends at once", async () => {
  const twice = await stopped((done, shell) => {
    if (done !== 1) return;
    shell.stop();
    shell.pass(200);
    shell.stop();
  });
  expect(twice).toMatchObject({ code: 130, exited: undefined });
  const second = await stopped((done, shell) => {
    if (done !== 1) return;
    shell.stop();
    shell.pass(300);
    shell.stop();
  });
  expect(second.exited).toBe(130);
});

test("the system's wish to end has its own code", async () => {
  expect(
    await stopped((done, shell) => {
      if (done === 1) shell.stop("SIGTERM");
    }),
  ).toMatchObject({ code: 143 });
});

test("a press after the last step has stopped nothing", async () => {
  const shell = fakeShell();
  const { task } = fakeGenerate();
  const late: typeof task = async function* (...call) {
    for await (const event of task(...call)) {
      yield event;
      if (event.type === "picture") shell.stop();
    }
  };
  expect(await run(["generate", "x", "-s", "4"], shell, { generate: late }, "0")).toBe(0);
  expect(shell.stdout.text).toMatch(/png\n$/);
});

test("an error that is not the stop's own is told, stopped or not", async () => {
  const shell = fakeShell();
  const { task } = fakeGenerate((event) => {
    if (event.type !== "step") return;
    shell.stop();
    throw new Error("out of memory");
  });
  expect(await run(["generate", "x"], shell, { generate: task }, "0")).toBe(1);
  expect(shell.stderr.text).toContain("error: out of memory");
});

test("start does not go on to another model", async () => {
  const shell = fakeShell();
  const { task, calls } = fakeGenerate((event) => {
    if (event.type === "step" && event.done === 2) shell.stop();
  });
  expect(await run(["start", "x"], shell, { generate: task }, "0")).toBe(130);
  expect(calls).toHaveLength(1);
  expect(shell.stderr.text).toContain("stopped after 0 pictures");
});
