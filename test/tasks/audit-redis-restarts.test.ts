/** @file Audits over a Redis that ends in the middle and is started again, with what it knew or without: each image is one row, and none waits for ever. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { type AuditEvent, audit } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";
import { ended, hasRedis, type RedisServer, startRedis } from "./redis-server.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);
const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;

const IMAGES = 36;
let root = "";
/** Files of an undisturbed audit by one machine. */
let whole: Map<string, string>;
let redis: RedisServer;
const workers: ChildProcess[] = [];

async function audited(
  name: string,
  queue?: string,
  onEvent: (event: AuditEvent) => unknown = () => {},
  signal = new AbortController().signal,
): Promise<AuditEvent | undefined> {
  const asked = { paths: [join(root, "set")], out: join(root, name), shard: 4, ...(queue !== undefined && { queue }) };
  let last: AuditEvent | undefined;
  for await (const event of audit(asked, { entry, signal })) {
    // Meanwhile the audit waits to be asked for the next.
    await onEvent(event);
    last = event;
  }
  return last;
}

function startWorkers(count: number): void {
  for (let i = 0; i < count; i++) {
    const argv = [main, "worker", "--queue", redis.url, "--workers", "1", "--stall-after", "1"];
    workers.push(spawn(process.execPath, argv, { stdio: "ignore" }));
  }
}

describe.skipIf(!hasRedis)("with Debian's redis-server, without which these are skipped", () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "redis-restarts-"));
    await mkdir(join(root, "set"));
    for await (const _ of writeSceneSet(join(root, "set"), { count: IMAGES, size: 256, captions: 1 }));
    await audited("whole");
    whole = await filesOf(join(root, "whole"));
  }, 120_000);
  afterEach(async () => {
    for (const worker of workers.splice(0)) await ended(worker, "SIGKILL");
    await redis.close();
  }, 60_000);
  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each<[how: string, signal: NodeJS.Signals, appendOnly: "yes" | "no"]>([
    ["shut down, and keeps nothing", "SIGTERM", "no"],
    ["shut down, and appends to a file", "SIGTERM", "yes"],
    ["killed, and keeps nothing", "SIGKILL", "no"],
    ["killed, and appends to a file", "SIGKILL", "yes"],
  ])(
    "a Redis that is %s: started again, all go on to the files of one machine's audit",
    async (how, signal, keeps) => {
      redis = await startRedis("--appendonly", keeps);
      startWorkers(2);
      let shards = 0;
      const restarts: Promise<void>[] = [];
      const last = await audited(how, redis.url, ({ type }) => {
        if (type !== "shard") return;
        shards++;
        // Not waited for: the audit goes on over a Redis that is away.
        if (shards === 2 || shards === 5) restarts.push(redis.restart(signal, 300));
      });
      expect(restarts).toHaveLength(2);
      await Promise.all(restarts);
      expect(last).toMatchObject({ type: "done", images: IMAGES, errors: 0 });
      expect(shards).toBe(IMAGES / 4);
      expect(await filesOf(join(root, how))).toEqual(whole);
    },
    120_000,
  );

  test.each(["shard", "stage"] as const)(
    "an audit whose Redis has gone away for good by the first %s can be stopped, and goes on with another Redis",
    async (type) => {
      redis = await startRedis();
      startWorkers(1);
      const stop = new AbortController();
      let gone: Promise<void> | undefined;
      const running = audited(
        type,
        redis.url,
        async (event) => {
          if (event.type !== type || gone) return;
          gone = redis.close();
          await gone;
          setTimeout(() => stop.abort(), 500);
        },
        stop.signal,
      );
      await expect(running).rejects.toMatchObject({ code: "cancelled" });
      await gone;
      for (const worker of workers.splice(0)) await ended(worker, "SIGKILL");
      redis = await startRedis();
      startWorkers(1);
      await audited(type, redis.url);
      expect(await filesOf(join(root, type))).toEqual(whole);
    },
    120_000,
  );
});
