/** @file A connection to Redis, or to what speaks like it, such as Valkey. What is told of it never has its password. */

import type { Redis } from "ioredis";
import { IllustriousError } from "../base/error.ts";
import { loadRedis } from "./packages.ts";

export type RedisLink = {
  readonly redis: Redis;
  /** Where it is, without user and password. */
  readonly shown: string;
  /** What is wrong with how it is set up, if anything. */
  readonly warning: { readonly message: string; readonly hint: string } | undefined;
  /** Ends it and all connections that were made after its likeness. */
  close(): void;
};

/** BullMQ asks for commands that came with this one. */
const OLDEST = [6, 2] as const;

/** Takes the place of one that stands in the URL, where everyone sees it who can list processes. */
export const PASSWORD_VARIABLE = "ILLUSTRIOUS_REDIS_PASSWORD";

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

/**
 * Later losses of the connection are waited out: commands are sent when it is back.
 *
 * @throws IllustriousError `bad_option`; `queue_failed` when it cannot be reached or refuses; `unsupported` when it is too old, or ioredis is
 * not installed
 */
export async function connectRedis(url: string): Promise<RedisLink> {
  const { shown, ...address } = redisAddress(url);
  const { Redis } = await loadRedis();
  let connected = false;
  const redis = new Redis({
    ...address,
    lazyConnect: true,
    // Asked of a connection by BullMQ.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (connected ? Math.min(100 * 2 ** times, 5000) : null),
  });
  let reason = "";
  redis.on("error", ({ message }: Error) => {
    reason ||= message;
  });
  try {
    await redis.connect();
    connected = true;
    const info = `${await redis.info("server")}\n${await redis.info("memory")}`;
    checkVersion(info, shown);
    const close = () => {
      connected = false;
      redis.disconnect();
    };
    return { redis, shown, warning: warningOf(info, shown), close };
  } catch (error) {
    connected = false;
    redis.disconnect();
    if (error instanceof IllustriousError) throw error;
    // Without the cause: it may hold the command that failed, and the password with it.
    throw refused(shown, reason || (error instanceof Error ? error.message : String(error)));
  }
}

function refused(shown: string, reason: string): IllustriousError {
  if (/NOAUTH|WRONGPASS|NOPERM|invalid password|without any password/i.test(reason)) {
    const hint = `Give it as redis://user:password@host, or in the variable ${PASSWORD_VARIABLE}.`;
    return new IllustriousError("queue_failed", `${shown}: Redis refuses the user or password, or wants one`, hint);
  }
  if (/alert.*certificate/i.test(reason)) {
    const hint = "This program has none to show. Let Redis ask for none: tls-auth-clients no.";
    return new IllustriousError("queue_failed", `${shown}: Redis wants a certificate of its clients (${reason})`, hint);
  }
  if (/certificate|altnames/i.test(reason)) {
    const hint =
      "Redis has to show a certificate for this host that this machine trusts. Name one of your own authority in NODE_EXTRA_CA_CERTS.";
    return new IllustriousError("queue_failed", `${shown}: the certificate is not trusted (${reason})`, hint);
  }
  const hint = "Check host and port, and that Redis runs there and lets this machine in.";
  return new IllustriousError("queue_failed", `${shown}: Redis cannot be reached (${reason})`, hint);
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
