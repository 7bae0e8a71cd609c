/** @file A Redis of a test's own: Debian's server on a free port, with a folder that goes away. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Without it the tests that need it are skipped: `apt-get install redis-server`. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

export type RedisServer = {
  readonly url: string;
  readonly port: number;
  /** Ends it, and starts it again in its place after so many milliseconds. */
  restart(signal: NodeJS.Signals, pause?: number): Promise<void>;
  close(): Promise<void>;
};

/** A certificate for 127.0.0.1, which nobody vouches for but itself. */
export type Certificate = { readonly cert: string; readonly key: string };

/** @throws where there is no openssl */
export function makeCertificate(folder: string): Certificate {
  const files = { cert: join(folder, "redis.crt"), key: join(folder, "redis.key") };
  const name = ["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = spawnSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...name, "-keyout", files.key, "-out", files.cert],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr ?? made.error}`);
  return files;
}

/** @param more arguments, such as `--requirepass` */
export const startRedis = (...more: string[]): Promise<RedisServer> => start("redis", (port) => ["--port", port], more);

/** One that speaks TLS alone, and asks nobody for a certificate. */
export const startTlsRedis = ({ cert, key }: Certificate): Promise<RedisServer> =>
  start("rediss", (port) => ["--port", "0", "--tls-port", port, "--tls-auth-clients", "no"], [
    ...["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert],
  ]);

async function start(scheme: string, listen: (port: string) => string[], more: string[]): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "redis-"));
  const port = await freePort();
  const where = [...listen(String(port)), "--bind", "127.0.0.1", "--dir", folder];
  const launch = async (): Promise<ChildProcess> => {
    const child = spawn("redis-server", [...where, "--save", "", "--appendonly", "no", ...more], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("exit", () => reject(new Error("redis-server ended")));
      child.stdout!.on("data", (text: Buffer) => {
        if (text.includes("Ready to accept connections")) resolve();
      });
    });
    return child;
  };
  let child = await launch();
  let restarted = Promise.resolve();
  return {
    url: `${scheme}://127.0.0.1:${port}/0`,
    port,
    restart(signal, pause = 0) {
      // One after the other: two at once would want one port.
      restarted = restarted.then(async () => {
        await ended(child, signal);
        await wait(pause);
        child = await launch();
      });
      return restarted;
    },
    async close() {
      // Asked to end, one that cannot save goes on.
      await ended(child, "SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sends a signal, and waits for the end. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}
