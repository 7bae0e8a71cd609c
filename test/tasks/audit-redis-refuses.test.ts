/** @file Audits over a Redis that refuses: what passes is told once and waited out, what does not ends them with the reason. */

import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type AuditEvent, auditQueueStatus } from "../../src/index.ts";
import { connectRedis, type RedisLink } from "../../src/queue/redis.ts";
import { hasRedis, type RedisServer, startRedis } from "./redis-server.ts";
import { IMAGES, openSceneAudits, type SceneAudits, type Told } from "./scene-audits.ts";

let audits: SceneAudits;
let redis: RedisServer;
/** Whoever looks after that Redis. */
let admin: RedisLink;

const connections = (events: readonly Told[]) => events.filter(({ type }) => type === "connection");
const startWorker = (url = redis.url) => audits.startWorker(url);
const audited = (name: string, onEvent: (event: AuditEvent) => unknown) =>
  audits.audited(name, { queue: redis.url, onEvent });

/** Does something at the first event of a type, and something else when Redis is told to be away. */
function once(when: AuditEvent["type"], act: () => unknown, then = () => {}): (event: AuditEvent) => unknown {
  let [acted, told] = [false, false];
  return ({ type }) => {
    if (type === "connection" && !told) {
      told = true;
      then();
    }
    if (type !== when || acted) return undefined;
    acted = true;
    return act();
  };
}

const config = (name: string, value: string) => admin.redis.config("SET", name, value);

async function failSaving(): Promise<void> {
  const [, folder] = (await admin.redis.config("GET", "dir")) as string[];
  await rm(folder!, { recursive: true });
  await config("save", "1 1");
  // Refused where Redis has begun by itself already, which fails as well.
  await admin.redis.bgsave().catch(() => {});
  await vi.waitFor(async () => expect(await admin.redis.info("persistence")).toContain("rdb_last_bgsave_status:err"));
}

describe.skipIf(!hasRedis)("with Debian's redis-server, without which these are skipped", () => {
  beforeAll(async () => {
    audits = await openSceneAudits();
  }, 160_000);
  beforeEach(async () => {
    redis = await startRedis();
    admin = await connectRedis(redis.url);
  });
  afterEach(async () => {
    await audits.endWorkers();
    admin.close();
    await redis.close();
  }, 120_000);
  afterAll(() => audits.close());

  test.each<[word: string, when: "found" | "shard", refuse: () => unknown, relent: () => unknown]>([
    ["OOM", "found", () => config("maxmemory", "1"), () => config("maxmemory", "0")],
    ["READONLY", "shard", () => admin.redis.replicaof("127.0.0.1", 1), () => admin.redis.replicaof("NO", "ONE")],
    ["MISCONF", "shard", failSaving, () => config("save", "")],
  ])(
    "a Redis that answers %s from the first %s on: all say so once, wait, and go on to the files of one machine's audit",
    async (word, when, refuse, relent) => {
      const worker = startWorker();
      const events = await audited(
        word,
        once(when, refuse, () => void wait(4000).then(relent)),
      );
      expect(await audits.filesOf(word)).toEqual(audits.whole);
      const told = [
        {
          ...{ lost: true, message: expect.stringMatching(`^redis://.*: Redis takes no commands \\(${word} .*\\)`) },
          ...{ hint: expect.stringMatching(/\.$/) },
        },
        { lost: false, message: "Redis takes commands again" },
      ];
      // One that is done within a second of Redis' return has nobody to tell of it.
      const heard = connections(events);
      expect(heard.length).toBeGreaterThan(0);
      expect(heard).toMatchObject(told.slice(0, heard.length));
      await vi.waitFor(() => expect(connections(worker.events())).toMatchObject(told), 10_000);
      // Without pauses it is refused thousands of times.
      const [, refusals] = /total_error_replies:(\d+)/.exec(await admin.redis.info("stats"))!;
      expect(Number(refusals)).toBeLessThan(100);
    },
    120_000,
  );

  test("a memory that is full from the beginning is told by both sides before anything else, and waited for", async () => {
    await config("maxmemory", "1");
    const worker = startWorker();
    const events = await audited("full", (event) => {
      if (event.type === "connection" && event.lost) {
        void vi
          .waitFor(() => expect(connections(worker.events())).toHaveLength(1), 60_000)
          .then(() => config("maxmemory", "0"));
      }
    });
    expect(events[0]).toMatchObject({ type: "connection", lost: true, message: expect.stringContaining("(OOM ") });
    expect(await audits.filesOf("full")).toEqual(audits.whole);
  }, 160_000);

  test("a password that is set in the middle ends both sides, said as that", async () => {
    const worker = startWorker();
    const running = audited(
      "locked",
      once("shard", async () => {
        await config("requirepass", "secret");
        await admin.redis.call("CLIENT", "KILL", "TYPE", "normal");
      }),
    );
    await expect(running).rejects.toMatchObject({
      ...{ code: "queue_failed", message: expect.stringContaining("refuses the user or password") },
      hint: expect.stringContaining("ILLUSTRIOUS_REDIS_PASSWORD"),
    });
    await vi.waitFor(() => expect(worker.child.exitCode).toBe(1), 60_000);
    // Its last words may come after its end.
    await vi.waitFor(() => expect(worker.said.out + worker.said.err).toContain("refuses the user or password"), 10_000);
  }, 160_000);

  test("what the user may not do ends a worker with Redis' own words", async () => {
    await admin.redis.acl("SETUSER", "default", "-evalsha", "-eval");
    const worker = startWorker();
    await vi.waitFor(() => expect(worker.child.exitCode).toBe(1), 60_000);
    await vi.waitFor(
      () => expect(worker.said.out + worker.said.err).toMatch(/what its user may not do \(NOPERM .*eval/),
      10_000,
    );
  }, 120_000);

  test("a Redis that is away for seconds is told once by both sides, and once that it is back", async () => {
    const worker = startWorker();
    let restarted: Promise<void> | undefined;
    const atFirst = once("shard", () => {
      restarted = redis.restart("SIGKILL", 4000);
    });
    const events = await audited("away", atFirst);
    await restarted;
    const told = [
      { lost: true, message: "the connection to Redis is lost; trying again" },
      { lost: false, message: "the connection to Redis is back" },
    ];
    expect(connections(events)).toMatchObject(told);
    await vi.waitFor(() => expect(connections(worker.events())).toMatchObject(told), 10_000);
    expect(await audits.filesOf("away")).toEqual(audits.whole);
  }, 160_000);

  test("workers of another database are not this queue's", async () => {
    startWorker(redis.url.replace(/0$/, "1"));
    await vi.waitFor(
      async () => expect(await auditQueueStatus(redis.url.replace(/0$/, "1"))).toMatchObject({ workers: 1 }),
      20_000,
    );
    expect(await auditQueueStatus(redis.url)).toMatchObject({ workers: 0 });
  }, 120_000);

  test("an audit is seen from its beginning, and not as the one before", async () => {
    // Told before there is anything to do.
    await config("maxmemory-policy", "allkeys-lru");
    startWorker();
    const seen: [type: string, status: unknown][] = [];
    const look = async ({ type }: AuditEvent) => {
      if (type === "warning" || type === "known") seen.push([type, (await auditQueueStatus(redis.url)).audits]);
    };
    await audited("seen", look);
    await audited("seen", look);
    const looking = [{ state: "looking for images", pid: process.pid, images: 0, share: 0 }];
    expect(seen).toMatchObject([
      ["warning", looking],
      ["warning", looking],
      ["known", looking],
    ]);
    expect((await auditQueueStatus(redis.url)).audits).toMatchObject([{ state: "done", images: IMAGES }]);
  }, 160_000);
});
