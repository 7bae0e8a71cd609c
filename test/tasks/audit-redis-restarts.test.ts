/** @file Audits over a Redis that ends in the middle and is started again, with what it knew or without: each image is one row, and none waits for ever. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ended, hasRedis, type RedisServer, startRedis } from "./redis-server.ts";
import { A_SHARD, IMAGES, openSceneAudits, type SceneAudits } from "./scene-audits.ts";

let audits: SceneAudits;
let redis: RedisServer;

describe.skipIf(!hasRedis)("with Debian's redis-server, without which these are skipped", () => {
  beforeAll(async () => {
    audits = await openSceneAudits();
  }, 120_000);
  afterEach(async () => {
    await audits.endWorkers();
    await redis.close();
  }, 60_000);
  afterAll(() => audits.close());

  test.each<[how: string, signal: NodeJS.Signals, appendOnly: "yes" | "no"]>([
    ["shut down, and keeps nothing", "SIGTERM", "no"],
    ["shut down, and appends to a file", "SIGTERM", "yes"],
    ["killed, and keeps nothing", "SIGKILL", "no"],
    ["killed, and appends to a file", "SIGKILL", "yes"],
  ])(
    "a Redis that is %s: started again, all go on to the files of one machine's audit",
    async (how, signal, keeps) => {
      redis = await startRedis("--appendonly", keeps);
      audits.startWorker(redis.url);
      audits.startWorker(redis.url);
      let shards = 0;
      const restarts: Promise<void>[] = [];
      const onEvent = ({ type }: { readonly type: string }) => {
        if (type !== "shard") return;
        shards++;
        // Not waited for: the audit goes on over a Redis that is away.
        if (shards === 2 || shards === 5) restarts.push(redis.restart(signal, 300));
      };
      const events = await audits.audited(how, { queue: redis.url, onEvent });
      expect(restarts).toHaveLength(2);
      await Promise.all(restarts);
      expect(events.at(-1)).toMatchObject({ type: "done", images: IMAGES, errors: 0 });
      expect(shards).toBe(IMAGES / A_SHARD);
      expect(await audits.filesOf(how)).toEqual(audits.whole);
    },
    120_000,
  );

  test.each(["shard", "stage"] as const)(
    "an audit whose Redis has gone away for good by the first %s can be stopped, as its worker can, and goes on with another Redis",
    async (type) => {
      redis = await startRedis();
      const worker = audits.startWorker(redis.url);
      const stop = new AbortController();
      let gone: Promise<void> | undefined;
      const running = audits.audited(type, {
        queue: redis.url,
        signal: stop.signal,
        async onEvent(event) {
          if (event.type !== type || gone) return;
          gone = redis.close();
          await gone;
          setTimeout(() => stop.abort(), 500);
        },
      });
      await expect(running).rejects.toMatchObject({ code: "cancelled" });
      await gone;
      // What it has in work can no longer be told to anybody: waited for, the process would stay.
      await ended(worker.child, "SIGINT");
      expect(worker.child.exitCode).toBe(130);
      redis = await startRedis();
      audits.startWorker(redis.url);
      await audits.audited(type, { queue: redis.url });
      expect(await audits.filesOf(type)).toEqual(audits.whole);
    },
    120_000,
  );
});
