/** @file Addresses, databases, refusals, and that no password is ever told. */

import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { hasRedis, startRedis } from "../../test/tasks/redis-server.ts";
import { connectRedis, redisAddress } from "./redis.ts";
import { hindranceOf, refused } from "./refusals.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Says of itself what it is told to. */
async function pretender(info: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const [, count] of bytes.toString().matchAll(/\*(\d+)\r\n/g)) {
        const asked = /\*\d+\r\n\$4\r\ninfo/i.test(bytes.toString());
        if (count) socket.write(asked ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n");
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

test("an address is taken apart, and shown without what is secret", () => {
  expect(redisAddress("redis://host", {})).toEqual({ host: "host", port: 6379, db: 0, shown: "redis://host:6379/0" });
  expect(redisAddress("rediss://me:p%40ss@[::1]:7000/3", {})).toEqual({
    ...{ host: "::1", port: 7000, db: 3, username: "me", password: "p@ss", tls: {} },
    shown: "rediss://[::1]:7000/3",
  });
  expect(redisAddress("redis://host", { ILLUSTRIOUS_REDIS_PASSWORD: "from outside" })).toMatchObject({
    password: "from outside",
  });
});

test.each(["http://me:secret@host", "redis:secret", "redis://:secret@/x", "redis://me:secret@host/db", "secret"])(
  "%s is refused without being quoted",
  (url) => {
    let told = "";
    try {
      redisAddress(url, {});
    } catch (error) {
      expect(error).toMatchObject({ code: "bad_option" });
      told = JSON.stringify([(error as Error).message, (error as Error).stack]);
    }
    expect(told).toContain("--queue");
    expect(told).not.toContain("secret");
  },
);

test("nobody there is told with the place", async () => {
  const port = await pretender("");
  await new Promise((resolve) => servers.pop()!.close(resolve));
  await expect(connectRedis(`redis://me:secret@127.0.0.1:${port}`)).rejects.toMatchObject({
    code: "queue_failed",
    message: expect.stringMatching(new RegExp(`^redis://127.0.0.1:${port}/0: .*ECONNREFUSED`)),
  });
});

test.each([
  ["5.0.14", "unsupported"],
  ["6.0.16", "unsupported"],
])("Redis %s is refused", async (version, code) => {
  const port = await pretender(`redis_version:${version}\r\nloading:0\r\n`);
  await expect(connectRedis(`redis://127.0.0.1:${port}`)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(version),
  });
});

test.skipIf(!hasRedis)("a wrong password is told as such, and not which", async () => {
  const server = await startRedis("--requirepass", "right");
  try {
    for (const user of ["", ":secret@", "me:secret@"]) {
      const refused = await connectRedis(`redis://${user}127.0.0.1:${server.port}`).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "queue_failed", message: expect.stringContaining("refuses") });
      expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain("secret");
    }
    (await connectRedis(`redis://:right@127.0.0.1:${server.port}`)).close();
  } finally {
    await server.close();
  }
});

test.skipIf(!hasRedis)("a database that is not there is refused, with how many there are", async () => {
  const server = await startRedis("--databases", "7");
  try {
    (await connectRedis(server.url.replace(/0$/, "6"))).close();
    await expect(connectRedis(server.url.replace(/0$/, "99"))).rejects.toMatchObject({
      ...{ code: "bad_option", message: expect.stringContaining("no database 99"), hint: expect.stringContaining("7") },
    });
  } finally {
    await server.close();
  }
});

test.each([
  ["OOM command not allowed when used memory > 'maxmemory'. script: c35b, on @user_script:12.", "OOM"],
  ["ERR Error running script (call to f_6b1b): @user_script:1: -READONLY You can't write against", "READONLY"],
  ["BUSY Redis is busy running a script.", "BUSY"],
  ["CLUSTERDOWN Hash slot not served", "CLUSTERDOWN"],
  ["ERR max number of clients reached", "max number of clients reached"],
])("%s passes", (reason, kind) => {
  const hindrance = hindranceOf("redis://host:6379/0", reason);
  expect(hindrance).toMatchObject({ kind, message: expect.stringContaining(kind) });
  expect(hindrance!.message).not.toMatch(/script: c35b/);
});

test.each([
  ["WRONGPASS invalid username-password pair or user is disabled.", /refuses the user or password/],
  ["NOPERM this user has no permissions to run the 'eval' command", /may not do \(NOPERM/],
  ["CROSSSLOT Keys in request don't hash to the same slot", /part of a cluster/],
  ["BUSYGROUP Consumer Group name already exists", /refuses a command \(BUSYGROUP/],
])("%s does not", (reason, told) => {
  expect(hindranceOf("redis://host:6379/0", reason)).toBeUndefined();
  const error = Object.assign(new Error(reason), { name: "ReplyError" });
  expect(refused("redis://host:6379/0", error)).toMatchObject({
    code: "queue_failed",
    message: expect.stringMatching(told),
  });
});
