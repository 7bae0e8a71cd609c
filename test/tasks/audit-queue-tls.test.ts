/** @file An audit and its worker over a Redis that speaks TLS alone, with a certificate of its own. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { ended, hasRedis, makeCertificate, type RedisServer, startTlsRedis } from "./redis-server.ts";

const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const IMAGES = 6;

let root = "";
let redis: RedisServer;
let trusting: NodeJS.ProcessEnv;

const children = new Set<ChildProcess>();

function start(env: NodeJS.ProcessEnv, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

async function outcome(child: ChildProcess): Promise<{ status: number | null; out: string; err: string }> {
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [out, err, status] = await Promise.all([text(child.stdout!), text(child.stderr!), gone]);
  return { status, out, err };
}

describe.skipIf(!hasRedis || !hasOpenssl)("with redis-server and openssl, without which these are skipped", () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "audit-tls-"));
    for await (const _ of writeSceneSet(join(root, "set"), { count: IMAGES, size: 64, captions: 1 }));
    const certificate = makeCertificate(root);
    redis = await startTlsRedis(certificate);
    trusting = { ...process.env, NODE_EXTRA_CA_CERTS: certificate.cert };
  }, 60_000);
  afterEach(async () => {
    for (const child of children) await ended(child, "SIGKILL");
  });
  afterAll(async () => {
    await redis?.close();
    await rm(root, { recursive: true, force: true });
  });

  test("images are measured over it, where its certificate is trusted", async () => {
    start(trusting, "worker", "--queue", redis.url, "--workers", "1").stderr!.pipe(process.stderr);
    const out = join(root, "out");
    const audit = start(trusting, "audit", join(root, "set"), "--out", out, "--queue", redis.url, "--json");
    const { status, out: said, err } = await outcome(audit);
    expect(`${status} ${err}`).toMatch(/^0 /);
    expect(JSON.parse(said.trim().split("\n").at(-1)!)).toMatchObject({ images: IMAGES, errors: 0 });
  }, 60_000);

  test("a certificate that nobody vouches for is refused, and said so", async () => {
    const { status, err } = await outcome(start(process.env, "worker", "--queue", redis.url, "--status"));
    expect(status).not.toBe(0);
    expect(err).toContain("certificate");
    expect(err).toContain("NODE_EXTRA_CA_CERTS");
  }, 60_000);
});
