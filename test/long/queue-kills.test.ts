/** @file Audits over Redis whose workers are killed, stopped, woken and joined by others at random moments: each image has one row. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readShard, shardNumbers, shardPath } from "../../src/data/audit/index.ts";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { drawsOf } from "../../src/data/sets/index.ts";
import { audit } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";
import { ended, hasRedis, type RedisServer, startRedis } from "../tasks/redis-server.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);
const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const SEED = Number(process.env.SEED ?? 1);
const IMAGES = 240;
const WORKERS = 3;

let root = "";
let redis: RedisServer;
const workers = new Set<ChildProcess>();

async function audited(out: string, queue?: string): Promise<void> {
  const asked = { paths: [join(root, "set")], out, shard: 4, ...(queue !== undefined && { queue }) };
  for await (const _ of audit(asked, { entry }));
}

function startWorker(): void {
  const argv = [main, "worker", "--queue", redis.url, "--workers", "1", "--stall-after", "1", "--below", root];
  const worker = spawn(process.execPath, argv, { stdio: "ignore" });
  workers.add(worker);
  worker.once("exit", () => workers.delete(worker));
}

beforeAll(async () => {
  if (!hasRedis) return;
  root = await mkdtemp(join(tmpdir(), "queue-kills-"));
  await mkdir(join(root, "set"));
  for await (const _ of writeSceneSet(join(root, "set"), { count: IMAGES, size: 512, captions: 1 }));
  await audited(join(root, "whole"));
  redis = await startRedis();
}, 600_000);
afterAll(async () => {
  for (const worker of workers) await ended(worker, "SIGKILL");
  await redis?.close();
  if (root) await rm(root, { recursive: true, force: true });
}, 60_000);

test.skipIf(!hasRedis).each([1, 2, 3])(
  "round %i: the files of one machine's audit (skipped without redis-server)",
  async (round) => {
    const out = join(root, `round-${round}`);
    const draws = drawsOf(SEED, "caption", "queue", round);
    const told = { SIGKILL: 0, SIGSTOP: 0, SIGCONT: 0, SIGINT: 0 };
    let going = true;
    const running = audited(out, redis.url).finally(() => {
      going = false;
    });
    const storm = async () => {
      while (going) {
        while (workers.size < WORKERS) startWorker();
        await wait(700 * draws.next());
        const signal = draws.pick(["SIGKILL", "SIGSTOP", "SIGCONT", "SIGCONT", "SIGINT"] as const);
        if (workers.size > 0 && draws.pick([...workers]).kill(signal)) told[signal]++;
        // Stopped ones count as there: let not all of them stand still for ever.
        if (signal === "SIGSTOP") startWorker();
      }
    };
    await Promise.all([running, storm()]);
    for (const worker of workers) await ended(worker, "SIGKILL");
    process.stdout.write(`round ${round}: ${JSON.stringify(told)}\n`);
    expect(told.SIGKILL + told.SIGSTOP).toBeGreaterThan(2);
    const table = join(out, "table");
    const numbers = await shardNumbers(table);
    const rows = (await Promise.all(numbers.map((number) => readShard(shardPath(table, number))))).flat();
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: IMAGES }, (_, i) => i));
    expect(new Set(rows.map(({ source }) => source)).size).toBe(IMAGES);
    expect(rows.every(({ error }) => error === null)).toBe(true);
    expect(await filesOf(out)).toEqual(await filesOf(join(root, "whole")));
  },
  900_000,
);
