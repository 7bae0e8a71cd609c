/** @file Audits whose images are measured by workers over a Redis: whatever becomes of those, the table is that of one machine. */

import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type AuditRow,
  chunkRowsPath,
  readPlan,
  readShard,
  shardNumbers,
  shardPath,
  writeRows,
} from "../../src/data/audit/index.ts";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { type AuditEvent, type AuditInput, audit, auditQueueStatus, auditWorker } from "../../src/index.ts";
import { takeLease } from "../../src/queue/lease.ts";
import { loadBullMq } from "../../src/queue/packages.ts";
import { connectRedis, PREFIX } from "../../src/queue/redis.ts";
import { openRedisQueue } from "../../src/queue/redis-queue.ts";
import { workOn } from "../../src/queue/redis-worker.ts";
import {
  AUDIT_KIND,
  type ChunkJob,
  type ChunkProgress,
  chunkJobOf,
  groupOf,
  progressOf,
} from "../../src/tasks/audit/chunk-job.ts";
import { VERSION } from "../../src/tasks/version.ts";
import { filesOf } from "../audit/files-of.ts";
import { ended, hasRedis, type RedisServer, startRedis } from "./redis-server.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);
const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const poisoned = new URL("./poisoned-worker.mjs", import.meta.url).pathname;

let root = "";
let set = "";
let redis: RedisServer;
/** Files of an undisturbed audit by one machine. */
let whole: Map<string, string>;
const children = new Set<ChildProcess>();
/** Whether workers that die are followed by others. */
let going = true;
const SIZE = 4;
const IMAGES = 38;

async function run(input: Partial<AuditInput>, onEvent: (event: AuditEvent) => void = () => {}, signal?: AbortSignal) {
  const asked = { paths: [set], out: join(root, "out"), workingSide: 48, shard: SIZE, ...input };
  const events: AuditEvent[] = [];
  for await (const event of audit(asked, { entry, ...(signal && { signal }) })) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

function start(script: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

const startWorker = () => start(main, "worker", "--queue", redis.url, "--workers", "1", "--stall-after", "1", "--json");

describe.skipIf(!hasRedis)("with Debian's redis-server, without which these are skipped", () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "audit-queue-"));
    set = join(root, "set");
    await mkdir(set);
    for await (const _ of writeSceneSet(set, { count: 32, size: 64, captions: 1 }));
    await writeFile(join(set, "broken.png"), "broken");
    await writeFile(
      join(set, "poison.png"),
      await readFile(join(set, (await readdir(set)).find((name) => /png$/.test(name))!)),
    );
    const archive = pack();
    const pictures = (await readdir(set)).filter((name) => /^\d+\.png$/.test(name)).sort();
    for (const name of pictures.slice(-4)) archive.entry({ name }, await readFile(join(set, name)));
    archive.finalize();
    await writeFile(join(set, "z.tar.gz"), gzipSync(await buffer(archive)));
    await run({ out: join(root, "whole"), workers: 2 });
    whole = await filesOf(join(root, "whole"));
  }, 240_000);
  // One's leftovers are not another's chunks.
  beforeEach(async () => {
    redis = await startRedis();
    going = true;
  });
  afterEach(async () => {
    going = false;
    for (const child of children) await ended(child, "SIGKILL");
    await redis.close();
  }, 60_000);
  afterAll(() => rm(root, { recursive: true, force: true }));

  test("workers that are killed, stopped and woken again while others join: the files of one machine's audit", async () => {
    const out = join(root, "storm");
    const workers = [startWorker(), startWorker()];
    let shards = 0;
    const events = await run({ out, queue: redis.url }, ({ type }) => {
      if (type !== "shard") return;
      shards++;
      if (shards === 2) workers[0]!.kill("SIGKILL");
      if (shards === 2) workers.push(startWorker());
      if (shards === 4) workers[1]!.kill("SIGSTOP");
      if (shards === 6) workers[1]!.kill("SIGCONT");
      if (shards === 7) workers[2]!.kill("SIGINT");
      if (shards === 7) workers.push(startWorker());
    });
    expect(shards).toBe(Math.ceil(IMAGES / SIZE));
    expect(events.at(-1)).toMatchObject({ type: "done", images: IMAGES, kept: 0, errors: 1 });
    expect(await filesOf(out)).toEqual(whole);
    expect((await auditQueueStatus(redis.url)).audits).toEqual([
      expect.objectContaining({ folder: out, state: "done", images: IMAGES, share: 1, errors: 1 }),
    ]);
  }, 240_000);

  test("an audit that is stopped goes on, and a second one is refused meanwhile", async () => {
    const out = join(root, "resumed");
    startWorker();
    const stop = new AbortController();
    let second: Promise<unknown> | undefined;
    const first = run(
      { out, queue: redis.url },
      ({ type }) => {
        if (type !== "shard" || second) return;
        second = run({ out, queue: redis.url }).catch((error: unknown) => error);
        void second.then(() => stop.abort());
      },
      stop.signal,
    );
    const stopped = await first.catch((error: unknown) => error);
    // A fast machine may be through before the second one has been told.
    if (!Array.isArray(stopped)) expect(stopped).toMatchObject({ code: "cancelled" });
    expect(await second).toMatchObject({ code: "write_failed", message: expect.stringContaining("another run") });
    await run({ out, queue: redis.url });
    expect(await filesOf(out)).toEqual(whole);
  }, 240_000);

  test("a file that takes its workers with it is set aside, and all others are measured", async () => {
    const out = join(root, "poison");
    let deaths = 0;
    const again = () => {
      const worker = start(poisoned, redis.url);
      worker.once("exit", () => {
        if (going) deaths++;
        if (going) again();
      });
    };
    again();
    const events = await run({ out, queue: redis.url, shard: 16 });
    going = false;
    expect(events.at(-1)).toMatchObject({ type: "done", images: IMAGES, errors: 2 });
    expect(deaths).toBe(5);
    const rows = (await Promise.all([0, 1, 2].map((i) => readShard(shardPath(join(out, "table"), i))))).flat();
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: IMAGES }, (_, i) => i));
    const bad = rows.filter(({ error }) => error !== null).map(({ source, error }) => [source, error]);
    expect(bad).toEqual([
      [join(set, "broken.png"), "not_a_picture"],
      [join(set, "poison.png"), "crashed"],
    ]);
  }, 240_000);

  test("a chunk of another version ends the worker, and stays for others", async () => {
    const out = join(root, "other");
    const link = await connectRedis(redis.url);
    const group = groupOf(out);
    const lease = await takeLease(link, AUDIT_KIND, group, out, undefined);
    const queue = await openRedisQueue<object, object>(link, AUDIT_KIND, group, progressOf, undefined);
    try {
      await queue.add("00000-x", {
        protocol: 0,
        program: "9.9.9",
        folder: join(out, "chunks"),
        name: "00000-x",
        images: 1,
      });
      const work = async () => {
        for await (const _ of auditWorker({ queue: redis.url }, { entry }));
      };
      await expect(work()).rejects.toMatchObject({ code: "unsupported", message: expect.stringContaining("9.9.9") });
      expect(await auditQueueStatus(redis.url)).toMatchObject({ waiting: 1, active: 0 });
      await queue.clear();
    } finally {
      await queue.close();
      await lease.release();
      link.close();
    }
  }, 120_000);

  test.each<[name: string, change: (row: AuditRow) => AuditRow, told: RegExp]>([
    ["sees no files", (row) => ({ ...row, error: "missing" }), /^liar: does not see .*png$/],
    [
      "answers with other images",
      (row) => ({ ...row, source: "/elsewhere.png" }),
      /^liar: has not done what was asked/,
    ],
  ])(
    "the rows of a worker that %s are not taken",
    async (name, change, told) => {
      const link = await connectRedis(redis.url);
      const stop = new AbortController();
      const accept = async (data: unknown) => chunkJobOf(data);
      const perform = async ({ folder, name }: ChunkJob) => {
        const rows = (await readPlan(folder, name))!.map(({ row }) => change(row));
        await writeRows(chunkRowsPath(folder, name), rows, 48);
      };
      const options = { accept, perform, progressOf, name: "liar", stallAfter: 30, signal: stop.signal };
      const work = async () => {
        for await (const _ of workOn<ChunkJob, ChunkProgress>(link, AUDIT_KIND, options));
      };
      const working = work();
      const out = join(root, name);
      await expect(run({ out, queue: redis.url, shard: 64 })).rejects.toMatchObject({
        ...{ code: "queue_failed", message: expect.stringMatching(told) },
      });
      stop.abort();
      await working;
      link.close();
      expect(await shardNumbers(join(out, "table.next"))).toEqual([]);
    },
    120_000,
  );

  test("what others have put into the Redis is set aside, and harms neither a worker nor its own audits", async () => {
    const { Queue } = await loadBullMq();
    const link = await connectRedis(redis.url);
    const queue = new Queue(AUDIT_KIND, { connection: link.redis, prefix: PREFIX, skipVersionCheck: true });
    const hostile = [null, { folder: "../x" }, { protocol: 1, program: VERSION, folder: "/", name: "../../etc" }];
    for (const data of hostile) await queue.add("x", data);
    await link.redis.set(`${PREFIX}:${AUDIT_KIND}-note:x`, "{}");
    const stop = new AbortController();
    const told: string[] = [];
    const work = async () => {
      for await (const event of auditWorker({ queue: redis.url, below: [root] }, { entry, signal: stop.signal })) {
        told.push(event.type);
      }
    };
    const working = work();
    const out = join(root, "among");
    await run({ out, queue: redis.url });
    expect(await filesOf(out)).toEqual(whole);
    stop.abort();
    await expect(working).rejects.toMatchObject({ code: "cancelled" });
    // The third names a version that is known and an audit that is not there: nobody's trouble.
    expect(told.filter((type) => type === "failed")).toHaveLength(2);
    expect((await auditQueueStatus(redis.url)).audits.map(({ folder }) => folder)).toEqual([out]);
    await queue.close();
    link.close();
  }, 240_000);

  test("a worker where the set's folder, or the audit's, is an empty one ends with that, and the audit goes on with others", async () => {
    const [mounted, elsewhere, out] = ["mounted", "elsewhere", "unmounted"].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(mounted);
    for (let i = 0; i < 12; i++) await copyFile(join(set, "0000000.png"), join(mounted, `${i}.png`));
    const running = run({ paths: [mounted], out, queue: redis.url });
    while ((await auditQueueStatus(redis.url)).waiting < 3) await new Promise((wake) => setTimeout(wake, 50));
    const work = async (signal?: AbortSignal) => {
      for await (const _ of auditWorker({ queue: redis.url }, { entry, ...(signal && { signal }) }));
    };
    for (const [folder, message] of [
      [mounted, /more images: none of them on this machine/],
      [join(out, "chunks"), /chunks: not on this machine, though .* is/],
    ] as const) {
      await rename(folder, elsewhere);
      if (folder === mounted) await mkdir(folder);
      await expect(work()).rejects.toMatchObject({ code: "missing_file", message: expect.stringMatching(message) });
      await rm(folder, { recursive: true, force: true });
      await rename(elsewhere, folder);
    }
    const stop = new AbortController();
    const working = work(stop.signal);
    const events = await running;
    expect(events.filter(({ type }) => type === "warning")).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: "done", images: 12, errors: 0 });
    stop.abort();
    await expect(working).rejects.toMatchObject({ code: "cancelled" });
  }, 120_000);

  test("a worker that was told to stay in a folder sets aside what a line or a link has elsewhere, and gives back a set that is", async () => {
    const inside = join(root, "inside");
    await mkdir(inside);
    const picture = join(set, (await readdir(set)).find((name) => /png$/.test(name))!);
    await copyFile(picture, join(inside, "own.png"));
    await symlink(picture, join(inside, "link.png"));
    const lines = ["own.png", picture, "link.png", "gone.png"].map((file_name) => JSON.stringify({ file_name }));
    await writeFile(join(inside, "metadata.jsonl"), lines.join("\n"));
    const stop = new AbortController();
    const work = async (below: string, signal?: AbortSignal) => {
      const options = { queue: redis.url, below: [inside, below] };
      for await (const _ of auditWorker(options, { entry, ...(signal && { signal }) }));
    };
    const working = work(inside, stop.signal);
    const out = join(inside, "out");
    await run({ paths: [inside], out, queue: redis.url });
    const rows = await readShard(shardPath(join(out, "table"), 0));
    expect(rows.map(({ error }) => error)).toEqual([null, "outside", "outside", "missing"]);
    expect(rows[1]).toMatchObject({ source: picture, sha256: null, errorText: expect.stringMatching(/^not in the/) });
    stop.abort();
    await expect(working).rejects.toMatchObject({ code: "cancelled" });
    // One who may look there measures them, by the same command.
    const second = new AbortController();
    const elsewhere = work(set, second.signal);
    await run({ paths: [inside], out, queue: redis.url });
    const anew = await readShard(shardPath(join(out, "table"), 0));
    expect(anew.map(({ error }) => error)).toEqual([null, null, null, "missing"]);
    second.abort();
    await expect(elsewhere).rejects.toMatchObject({ code: "cancelled" });
    const third = new AbortController();
    const other = { paths: [set], out: join(inside, "other"), queue: redis.url };
    const running = run(other, undefined, third.signal).catch((error: unknown) => error);
    await expect(work(inside)).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringMatching(/set: not below/),
    });
    expect(await auditQueueStatus(redis.url)).toMatchObject({ active: 0 });
    third.abort();
    expect(await running).toMatchObject({ code: "cancelled" });
  }, 120_000);

  test("a lease has one holder; another waits only for one that is silent", async () => {
    const link = await connectRedis(redis.url);
    const lease = await takeLease(link, AUDIT_KIND, "group", "/out", undefined);
    const second = takeLease(link, AUDIT_KIND, "group", "/out", undefined);
    await expect(second).rejects.toMatchObject({ code: "queue_failed", message: expect.stringContaining("another") });
    await lease.release();
    await (await takeLease(link, AUDIT_KIND, "group", "/out", undefined)).release();
    link.close();
  }, 60_000);

  test("Ctrl-C ends a worker whose Redis has gone away", async () => {
    const own = await startRedis();
    const stop = new AbortController();
    const work = async () => {
      for await (const event of auditWorker({ queue: own.url }, { entry, signal: stop.signal })) {
        if (event.type === "ready") void own.close();
        if (event.type === "connection" && event.lost) stop.abort();
      }
    };
    await expect(work()).rejects.toMatchObject({ code: "cancelled" });
  }, 60_000);
});
