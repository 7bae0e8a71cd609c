/** @file A connection to Redis, or to what speaks like it, such as Valkey. What is told of it never has its password. */

import { setTimeout as wait } from "node:timers/promises";
import type { Redis } from "ioredis";
import { IllustriousError } from "../base/error.ts";
import type { LinkNews } from "./link-news.ts";
import { orAborted } from "./or-aborted.ts";
import { loadRedis } from "./packages.ts";
import { type Hindrance, hindranceOf, isReply, LOST, PASSWORD_VARIABLE, refused } from "./refusals.ts";

/** Keys in Redis begin with it. */
export const PREFIX = "illustrious";

export type RedisLink = {
  readonly redis: Redis;
  /** Where it is, without user and password. */
  readonly shown: string;
  /** What is wrong with how it is set up, if anything. */
  readonly warning: { readonly message: string; readonly hint: string } | undefined;
  /** Who is told when Redis cannot be asked. */
  readonly news: LinkNews | undefined;
  /**
   * Awaits an answer, asking again where it is refused for a reason that passes.
   *
   * @param call that may be done twice
   * @throws IllustriousError `queue_failed` for a refusal that stays, in place of the reply
   */
  ask<T>(call: () => Promise<T>): Promise<T>;
  /** Ends it. */
  close(): void;
};

/** BullMQ asks for commands that came with this one. */
const OLDEST = [6, 2] as const;

type Address = {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: Record<string, never>;
};

/**
 * @param url such as `redis://user:password@host:6379/0`; `rediss://` for TLS
 * @throws IllustriousError `bad_option` for something else, which is not quoted, for a password may be in it
 */
export function redisAddress(url: string, env: NodeJS.ProcessEnv = process.env): Address & { readonly shown: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol;
  const [, db] = /^\/?(\d{0,4})$/.exec(parsed?.pathname ?? "-") ?? [];
  if (!parsed?.hostname || (scheme !== "redis:" && scheme !== "rediss:") || db === undefined || parsed.search !== "") {
    const message = "--queue is not the address of a Redis";
    throw new IllustriousError("bad_option", message, "Such as redis://host:6379/0, or rediss://host:6380/0 for TLS.");
  }
  const port = Number(parsed.port || 6379);
  const password = decoded(parsed.password) || env[PASSWORD_VARIABLE];
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    db: Number(db),
    ...(parsed.username !== "" && { username: decoded(parsed.username) }),
    ...(password && { password }),
    ...(scheme === "rediss:" && { tls: {} }),
    shown: `${scheme}//${parsed.hostname}:${port}/${Number(db)}`,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Milliseconds without a refusal after which Redis is taken to be itself again. */
const QUIET = 1000;

/** Milliseconds: the longest pause between two tries. */
const LONGEST_PAUSE = 5000;

/**
 * @param news are told when Redis cannot be asked, and when it can again: losses of the connection, and refusals that may pass, are then waited
 * out with growing pauses, and what was asked meanwhile is asked again. Without anyone to tell, both are failures.
 * @throws IllustriousError `bad_option`, also for a database that Redis does not have; `queue_failed` when it cannot be reached or refuses;
 * `unsupported` when it is too old, or ioredis is not installed; `cancelled`
 */
export async function connectRedis(url: string, news?: LinkNews, signal?: AbortSignal): Promise<RedisLink> {
  const { shown, ...address } = redisAddress(url);
  const { Redis } = await loadRedis();
  let open = false;
  /** Kinds of what has been told since Redis could be asked. */
  const hindrances = new Set<string>();
  let refusals = 0;
  let pauses = 0;

  function hinder({ kind, message, hint }: Hindrance): void {
    if (!open || !news || hindrances.has(kind)) return;
    hindrances.add(kind);
    news.tell({ type: "connection", lost: true, message, hint });
    if (hindrances.size === 1) void recover();
  }
  /** Asks for something that waits as all else does, and so is answered when all else is. */
  async function recover(): Promise<void> {
    try {
      for (let before = -1; before !== refusals; ) {
        before = refusals;
        await ask(() => redis.set(`${PREFIX}:asked`, "", "PX", 1));
        if (refusals > 0) await wait(QUIET, undefined, { ref: false });
      }
    } catch {
      // Whoever needs Redis is told the same.
      return;
    }
    const message = hindrances.has(LOST.kind) ? "the connection to Redis is back" : "Redis takes commands again";
    hindrances.clear();
    [refusals, pauses] = [0, 0];
    news?.tell({ type: "connection", lost: false, message });
  }
  async function ask<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isReply(error) && !isClosed(error)) throw error;
        const hindrance = open && news ? hindranceOf(shown, error.message) : undefined;
        if (!hindrance) throw refused(shown, error);
        // Refused while it was connecting: others are asked again by the connection itself.
        hinder(hindrance);
        await wait(QUIET, undefined, { ref: false });
      }
    }
  }

  const redis = new Redis({
    ...address,
    lazyConnect: true,
    // Asked of a connection by BullMQ.
    maxRetriesPerRequest: null,
    // Refusals in place of silence, while Redis reads its data or has too many clients.
    ...{ enableReadyCheck: false, disableClientInfo: true },
    retryStrategy(times) {
      if (!open || !news) return null;
      return Math.min(100 * 2 ** Math.max(times, hindrances.size > 0 ? ++pauses : 0), LONGEST_PAUSE);
    },
    // A connection that is made anew may lead to another Redis, which is master now.
    reconnectOnError({ message }) {
      const hindrance = open && news ? hindranceOf(shown, message) : undefined;
      if (!hindrance) return false;
      refusals++;
      hinder(hindrance);
      return ASK_AGAIN;
    },
  });
  let first: Error | undefined;
  redis.on("error", (error: Error & { command?: { name: string } }) => {
    first ??= error;
    if (!isReply(error)) hinder(LOST);
    else if (open && error.command?.name === "select") {
      // It would be asked in another database.
      hinder(
        hindranceOf(shown, error.message) ?? {
          ...LOST,
          kind: "select",
          message: `${refused(shown, error).message}; trying again`,
        },
      );
      redis.disconnect(true);
    }
  });
  redis.on("close", () => {
    if (hindrances.size === 0) hinder(LOST);
  });
  const close = () => {
    open = false;
    redis.disconnect();
  };
  async function begin(): Promise<RedisLink> {
    await redis.connect().catch((error: unknown) => {
      throw refused(shown, first ?? error);
    });
    open = true;
    if (address.db !== 0) await ask(() => selectDatabase(redis, address.db, shown));
    const info = await ask(async () => `${await redis.info("server")}\n${await redis.info("memory")}`);
    checkVersion(info, shown);
    return { redis, shown, warning: warningOf(info, shown), news, ask, close };
  }
  return orAborted(begin(), signal).catch((error: unknown) => {
    close();
    throw error;
  });
}

/** As ioredis has it: the connection is made anew, and the command sent again. */
const ASK_AGAIN = 2;

const isClosed = (error: unknown): error is Error =>
  error instanceof Error && error.message === "Connection is closed.";

/** @throws IllustriousError `bad_option` for one that is not there */
async function selectDatabase(redis: Redis, db: number, shown: string): Promise<void> {
  try {
    await redis.select(db);
  } catch (error) {
    if (!isReply(error) || !/DB index/i.test(error.message)) throw error;
    const [, has] = await redis.config("GET", "databases").then(
      (told) => told as string[],
      () => [],
    );
    const hint =
      has === undefined ? "Redis has 16, 0 to 15, unless it is told otherwise." : `It has ${has}, from 0 on.`;
    throw new IllustriousError("bad_option", `${shown}: Redis has no database ${db}`, hint);
  }
}

function checkVersion(info: string, shown: string): void {
  const version = fieldOf(info, "redis_version");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  const message = `${shown}: Redis ${version || "of an unknown version"}, older than ${OLDEST.join(".")}`;
  throw new IllustriousError("unsupported", message, "Redis 6.2 and newer, and every Valkey, will do.");
}

function warningOf(info: string, shown: string): RedisLink["warning"] {
  const policy = fieldOf(info, "maxmemory_policy");
  if (policy === "" || policy === "noeviction") return undefined;
  return {
    message: `${shown}: Redis drops data when its memory is full (maxmemory-policy ${policy})`,
    hint: "Set maxmemory-policy to noeviction, or chunks may get lost until the audit adds them again.",
  };
}

function fieldOf(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
}
