/**
 * @file Who fills a queue, and how far it is, as all who look into Redis see it: a lease that only one holds, and that runs out when its
 * holder is gone, beside a note of what was last known.
 */

import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { IllustriousError } from "../base/error.ts";
import type { RedisLink } from "./redis.ts";
import { orAborted, PREFIX } from "./redis-queue.ts";

export type Lease<Note> = {
  /** @throws IllustriousError `queue_failed` when someone else has taken it, which is possible after a long silence */
  check(): void;
  /** As `check`, after asking anew. @throws IllustriousError `cancelled`, while it waits for Redis */
  renew(): Promise<void>;
  /** Puts down how far it is. */
  note(note: Note): Promise<void>;
  release(): Promise<void>;
};

/** Milliseconds that a holder may be silent. */
const LASTS = 15_000;

/** Seconds that a note is kept. */
const WEEK = 7 * 24 * 3600;

const RENEW = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1`;

const RELEASE = `if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end`;

const leaseKey = (kind: string, group: string) => `${PREFIX}:${kind}-lease:${group}`;
const noteKey = (kind: string, group: string) => `${PREFIX}:${kind}-note:${group}`;

/**
 * Waits for a holder that is silent; for one that is alive it does not.
 *
 * @param what is held, for the error
 * @throws IllustriousError `queue_failed` when someone holds it; `cancelled`
 */
export async function takeLease<Note>(
  { redis }: RedisLink,
  kind: string,
  group: string,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Lease<Note>> {
  const key = leaseKey(kind, group);
  const token = randomBytes(16).toString("hex");
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    if ((await redis.set(key, token, "PX", LASTS, "NX")) === "OK") break;
    const left = await redis.pttl(key);
    // Renewed since: its time left would else only become shorter.
    if (left > before) {
      const hint = "Wait for it or stop it; `illustrious worker --status` tells how far it is.";
      throw new IllustriousError("queue_failed", `${what}: another audit is at it`, hint);
    }
    before = left;
    await wait(250, undefined, { signal }).catch(() => {
      throw new IllustriousError("cancelled", `${what}: stopped while it waited`);
    });
  }
  let lost = false;
  const renew = async () => {
    if ((await redis.eval(RENEW, 1, key, token, LASTS)) === 0) lost = true;
  };
  const timer = setInterval(() => void renew().catch(() => {}), LASTS / 5).unref();
  const check = () => {
    if (!lost) return;
    const hint = "This one was silent for too long; what it had done is there for the other.";
    throw new IllustriousError("queue_failed", `${what}: another audit has taken it over`, hint);
  };
  return {
    check,
    async renew() {
      await orAborted(renew(), signal);
      check();
    },
    async note(note) {
      await redis.set(noteKey(kind, group), JSON.stringify(note), "EX", WEEK);
    },
    async release() {
      clearInterval(timer);
      await redis.eval(RELEASE, 1, key, token);
    },
  };
}

/** Whether someone is there who filled the queue with a group's jobs. */
export async function isHeld({ redis }: RedisLink, kind: string, group: string): Promise<boolean> {
  return (await redis.exists(leaseKey(kind, group))) === 1;
}

/**
 * All notes of the last week, and whether those who made them still hold their leases.
 *
 * @param noteOf what was written, unless it is no such note
 */
export async function readNotes<Note>(
  link: RedisLink,
  kind: string,
  noteOf: (told: unknown) => Note | undefined,
): Promise<{ note: Note; held: boolean }[]> {
  const { redis } = link;
  const found: { note: Note; held: boolean }[] = [];
  const start = noteKey(kind, "");
  const keys = new Set<string>();
  for await (const some of redis.scanStream({ match: `${start}*`, count: 1000 })) {
    for (const key of some as string[]) keys.add(key);
  }
  for (const key of [...keys].sort()) {
    const text = await redis.get(key);
    const note = text === null ? undefined : noteOf(parsed(text));
    if (note === undefined) continue;
    found.push({ note, held: await isHeld(link, kind, key.slice(start.length)) });
  }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
