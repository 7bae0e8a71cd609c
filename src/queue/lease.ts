/**
 * @file Who fills a queue, and how far it is, as all who look into Redis see it: a lease that only one holds, and that runs out when its
 * holder is gone, beside a note of what was last known.
 */

import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { IllustriousError } from "../base/error.ts";
import { orAborted } from "./or-aborted.ts";
import { PREFIX, type RedisLink } from "./redis.ts";

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

/** A lease that is still there is renewed in a full memory, too. */
const RENEW = `
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if holder then redis.call("PEXPIRE", KEYS[1], ARGV[2])
else redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2]) end
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
  { redis, ask }: RedisLink,
  kind: string,
  group: string,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Lease<Note>> {
  const key = leaseKey(kind, group);
  const token = randomBytes(16).toString("hex");
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const left = await orAborted(
      ask(async () => ((await redis.set(key, token, "PX", LASTS, "NX")) === "OK" ? undefined : redis.pttl(key))),
      signal,
    );
    if (left === undefined) break;
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
    if ((await ask(() => redis.eval(RENEW, 1, key, token, LASTS))) === 0) lost = true;
  };
  // One that waits for Redis is enough.
  let renewing = false;
  const timer = setInterval(async () => {
    if (renewing) return;
    renewing = true;
    await renew().catch(() => {});
    renewing = false;
  }, LASTS / 5).unref();
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
      const text = JSON.stringify({ holder: token, note });
      await ask(() => redis.set(noteKey(kind, group), text, "EX", WEEK));
    },
    async release() {
      clearInterval(timer);
      await ask(() => redis.eval(RELEASE, 1, key, token));
    },
  };
}

/** Whether someone is there who filled the queue with a group's jobs. */
export async function isHeld({ redis, ask }: RedisLink, kind: string, group: string): Promise<boolean> {
  return (await ask(() => redis.exists(leaseKey(kind, group)))) === 1;
}

/**
 * All notes of the last week, and whether those who made them still hold their leases.
 *
 * @param noteOf what was written, unless it is no such note
 * @throws IllustriousError `queue_failed`
 */
export function readNotes<Note>(
  { redis, ask }: RedisLink,
  kind: string,
  noteOf: (told: unknown) => Note | undefined,
): Promise<{ note: Note; held: boolean }[]> {
  return ask(async () => {
    const found: { note: Note; held: boolean }[] = [];
    const start = noteKey(kind, "");
    const keys = new Set<string>();
    for await (const some of redis.scanStream({ match: `${start}*`, count: 1000 })) {
      for (const key of some as string[]) keys.add(key);
    }
    for (const key of [...keys].sort()) {
      const text = await redis.get(key);
      const { holder, note } = text === null ? {} : heldNote(text);
      const known = noteOf(note);
      if (known === undefined) continue;
      // Another may hold it who has put down nothing yet.
      found.push({ note: known, held: (await redis.get(leaseKey(kind, key.slice(start.length)))) === holder });
    }
    return found;
  });
}

function heldNote(text: string): { readonly holder?: unknown; readonly note?: unknown } {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
