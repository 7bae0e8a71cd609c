/** @file Two runs on one folder, and what killed ones leave. */

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockFolder } from "./folder-lock.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const lockFile = () => join(folder, "lock.json");

async function lay(holder: object): Promise<void> {
  await writeFile(lockFile(), JSON.stringify({ run: "other", since: "2026-01-01", began: null, ...holder }));
}

/** A process that does nothing, until it is ended. */
function idle() {
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "ignore" });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const end = () => {
    child.kill("SIGKILL");
    return gone;
  };
  return { pid: child.pid!, end };
}

test("a run that is about to end is waited for, if so asked", async () => {
  const release = await lockFolder(folder, "first");
  const second = lockFolder(folder, "second", 20_000);
  await setTimeout(250);
  await release();
  await (await second)();
  const again = await lockFolder(folder, "first");
  await expect(lockFolder(folder, "second", 250)).rejects.toThrow("another run is at work");
  await again();
});

test("the second run is told who works there; after the first it may", async () => {
  const release = await lockFolder(folder, "illustrious audit");
  const second = lockFolder(folder, "illustrious tag");
  await expect(second).rejects.toMatchObject({
    code: "write_failed",
    message: expect.stringContaining(`illustrious audit, process ${process.pid} on ${hostname()}, since 2`),
    hint: expect.stringContaining(lockFile()),
  });
  await release();
  expect(await readdir(folder)).toEqual([]);
  await (await lockFolder(folder, "illustrious tag"))();
});

test("of many at once, one gets it", async () => {
  const tried = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder, "x")));
  expect(tried.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a dead process's lock is taken over, by one of many; a living one's and another machine's are not", async () => {
  const { pid, end } = idle();
  await lay({ pid, host: hostname() });
  await expect(lockFolder(folder, "x")).rejects.toThrow(`process ${pid}`);
  await end();
  const tried = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder, "x")));
  expect(tried.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(JSON.parse(await readFile(lockFile(), "utf8"))).toMatchObject({ pid: process.pid });
  await lay({ pid, host: "elsewhere" });
  await expect(lockFolder(folder, "x")).rejects.toThrow("on elsewhere");
});

test.skipIf(process.platform !== "linux")("a number that another process has now is no lock", async () => {
  const { pid, end } = idle();
  await lay({ pid, host: hostname(), began: "another boot 5" });
  await (await lockFolder(folder, "x"))();
  await end();
});

test("what is no lock of ours is not removed", async () => {
  await writeFile(lockFile(), "notes");
  await expect(lockFolder(folder, "x")).rejects.toThrow(/unknown/);
  expect(await readFile(lockFile(), "utf8")).toBe("notes");
});
