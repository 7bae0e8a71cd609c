/** @file The engine's process: whatever happens to it, the parent lives and is told. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { EngineProcess } from "../../src/runtime/process/engine-process.ts";

const entry = pathToFileURL(join(import.meta.dirname, "tasks.mjs"));
const engines: EngineProcess[] = [];

function start(patience?: number): EngineProcess {
  const engine = new EngineProcess(patience === undefined ? { entry } : { entry, patience });
  engines.push(engine);
  return engine;
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

async function all<Event>(events: AsyncGenerator<Event, void>): Promise<Event[]> {
  const list: Event[] = [];
  for await (const event of events) list.push(event);
  return list;
}

type Count = { i: number; pid: number; at: number };

test("events arrive in order, and one process serves many runs", async () => {
  const engine = start();
  const first = await all(engine.run<Count>("count", { to: 200 }));
  expect(first.map(({ i }) => i)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  const second = await all(engine.run<Count>("count", { to: 1 }));
  expect(second[0]!.pid).toBe(first[0]!.pid);
});

test("bytes, infinities and undefined survive the way", async () => {
  const value = {
    bytes: Uint8Array.of(1, 2, 3),
    sigma: Number.POSITIVE_INFINITY,
    nothing: undefined,
    nested: [{ a: 1n }],
  };
  expect(await all(start().run("echo", value))).toEqual([value]);
});

test("runs wait for each other", async () => {
  const engine = start();
  const order: string[] = [];
  const follow = async (name: string) => {
    for await (const _ of engine.run("count", { to: 3, ms: 10 })) order.push(name);
  };
  await Promise.all([follow("a"), follow("b")]);
  expect(order.join("")).toBe("aaabbb");
});

test("a run waits for a slow reader, a few events ahead, and loses none", async () => {
  const run = start().run<Count>("count", { to: 100 });
  await run.next();
  await sleep(1000);
  const awake = Date.now();
  const rest = await all(run);
  expect(rest.map(({ i }) => i)).toEqual(Array.from({ length: 99 }, (_, i) => i + 2));
  const before = rest.filter(({ at }) => at < awake).length;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(17);
});

test("one reader may read two runs in turn", async () => {
  const engine = start();
  const [first, second] = [engine.run<Count>("count", { to: 60 }), engine.run<Count>("count", { to: 60 })];
  for (let i = 1; i <= 60; i++) {
    const [one, other] = [await first.next(), await second.next()];
    expect([one.value, other.value]).toMatchObject([{ i }, { i }]);
  }
});

test("an abort reaches a run that waits for its reader", async () => {
  const abort = new AbortController();
  const run = start().run<Count>("count", { to: 1e9 }, abort.signal);
  await run.next();
  await sleep(1000);
  abort.abort();
  const rest: Count[] = [];
  const read = async () => {
    for await (const event of run) rest.push(event);
  };
  await expect(read()).rejects.toMatchObject({ code: "cancelled" });
  expect(rest.length).toBeLessThan(17);
});

test("a run is in the folder in which the program was at its call", async () => {
  const engine = start();
  const here = process.cwd();
  try {
    const slow = all(engine.run("count", { to: 20, ms: 10 }));
    process.chdir(import.meta.dirname);
    const run = all(engine.run("where", {}));
    process.chdir(here);
    await slow;
    expect(await run).toEqual([import.meta.dirname]);
    expect(await all(engine.run("where", {}))).toEqual([here]);
  } finally {
    process.chdir(here);
  }
});

test("an error keeps its code, message and hint, and the engine goes on", async () => {
  const engine = start();
  await expect(all(engine.run("refuse", {}))).rejects.toMatchObject({
    name: "IllustriousError",
    code: "not_enough_memory",
    message: "needs 9 GiB, 4 GiB are free",
    hint: "Use a smaller size.",
  });
  expect(await all(engine.run("count", { to: 2 }))).toHaveLength(2);
});

test("stopping to iterate ends the task, and the same process takes the next", async () => {
  const engine = start();
  let pid = 0;
  for await (const event of engine.run<Count>("count", { to: 1e9, ms: 1 })) {
    pid = event.pid;
    if (event.i === 5) break;
  }
  expect((await all(engine.run<Count>("count", { to: 1 })))[0]!.pid).toBe(pid);
});

test("an abort ends the task between two steps with a cancelled error", async () => {
  const engine = start();
  const abort = new AbortController();
  const seen: number[] = [];
  const run = async () => {
    for await (const event of engine.run<Count>("count", { to: 1e9, ms: 1 }, abort.signal)) {
      seen.push(event.i);
      if (event.i === 3) abort.abort("enough");
    }
  };
  const cancelled = { code: "cancelled", message: "count was cancelled", cause: "enough" };
  await expect(run()).rejects.toMatchObject(cancelled);
  // What was already on its way may arrive; not more.
  expect(seen.length).toBeLessThan(30);
  expect(await all(engine.run("count", { to: 1 }))).toHaveLength(1);
});

test("a run that blocks past the patience is killed, and the next run gets a new process", async () => {
  const engine = start(100);
  const before = (await all(engine.run<Count>("count", { to: 1 })))[0]!.pid;
  const abort = new AbortController();
  const begin = performance.now();
  const run = async () => {
    for await (const _ of engine.run("block", { ms: 60_000 }, abort.signal)) abort.abort();
  };
  await expect(run()).rejects.toMatchObject({ code: "cancelled" });
  // Far below the minute that the task would block for; generous for a busy machine.
  expect(performance.now() - begin).toBeLessThan(20_000);
  expect((await all(engine.run<Count>("count", { to: 1 })))[0]!.pid).not.toBe(before);
});

test("a crash in native code is an error here, again and again", async () => {
  const engine = start();
  for (let i = 0; i < 3; i++) {
    await expect(all(engine.run("crash", {}))).rejects.toMatchObject({
      code: "engine_failed",
      message: "the engine's process ended (SIGABRT)",
    });
  }
  expect(await all(engine.run("count", { to: 1 }))).toHaveLength(1);
});

test("a wish to end that reaches its whole group is the parent's to grant", async () => {
  const engine = start();
  const signals = ["SIGINT", "SIGTERM"];
  const counted: number[] = [];
  for await (const { i } of engine.run<Count>("count", { to: 6, ms: 20 })) {
    counted.push(i);
    if (i % 2 === 0 && signals.length > 0) process.kill(engine.pid!, signals.shift());
  }
  expect(counted).toEqual([1, 2, 3, 4, 5, 6]);
});

test("the system's memory killer is told apart from a clean end", async () => {
  const engine = start();
  const run = async () => {
    for await (const event of engine.run<Count>("count", { to: 1e9, ms: 1 })) {
      if (event.i === 1) process.kill(event.pid, "SIGKILL");
    }
  };
  await expect(run()).rejects.toMatchObject({ code: "engine_failed", message: "the engine's process ended (SIGKILL)" });
});

test("cancelling a run that waits leaves the one in progress alone", async () => {
  const engine = start(50);
  const abort = new AbortController();
  const first = all(engine.run("block", { ms: 1500 }));
  const second = all(engine.run("count", { to: 5 }, abort.signal));
  setTimeout(() => abort.abort(), 300);
  await expect(second).rejects.toMatchObject({ code: "cancelled" });
  expect(await first).toHaveLength(2);
});

test("runs that wait for one that is killed for its slowness go on in a new process", async () => {
  const engine = start(100);
  const abort = new AbortController();
  const pids: number[] = [];
  const slow = async () => {
    for await (const _ of engine.run("block", { ms: 60_000 }, abort.signal)) {
      pids.push(engine.pid!);
      abort.abort();
    }
  };
  const [first, second, third] = await Promise.allSettled([
    slow(),
    all(engine.run<Count>("count", { to: 2 })),
    all(engine.run<Count>("count", { to: 3 })),
  ]);
  expect(first).toMatchObject({ status: "rejected", reason: { code: "cancelled" } });
  expect([second, third]).toMatchObject([{ value: [{ i: 1 }, { i: 2 }] }, { value: [{ i: 1 }, { i: 2 }, { i: 3 }] }]);
  expect(pids).not.toContain(engine.pid);
});

test("a crash is the error of the run that was in progress, not of those that waited", async () => {
  const engine = start();
  const [first, second] = await Promise.allSettled([
    all(engine.run("crash", {})),
    all(engine.run<Count>("count", { to: 2 })),
  ]);
  expect(first).toMatchObject({ status: "rejected", reason: { code: "engine_failed" } });
  expect(second).toMatchObject({ value: [{ i: 1 }, { i: 2 }] });
});

test("a cancelled run that has ended kills no other, however late its end is read", async () => {
  const engine = start(200);
  const abort = new AbortController();
  const late = async () => {
    for await (const _ of engine.run("count", { to: 1e9, ms: 1 }, abort.signal)) {
      abort.abort();
      await sleep(1000);
    }
  };
  const next = all(engine.run<Count>("count", { to: 20, ms: 100 }));
  await expect(late()).rejects.toMatchObject({ code: "cancelled" });
  expect(await next).toHaveLength(20);
});

test("a close cancels the run in progress and those that wait", async () => {
  const engine = start();
  const runs = [engine.run("count", { to: 1e9, ms: 1 }), engine.run("count", { to: 1 })];
  await runs[0]!.next();
  const ends = Promise.allSettled(runs.map(all));
  await engine.close();
  const error = { code: "cancelled", message: "count was cancelled: its engine was closed", hint: undefined };
  expect(await ends).toMatchObject([{ reason: error }, { reason: error }]);
  expect(engine.pid).toBeUndefined();
});

test("a dozen engines have one listener on this process, and none when they are gone", async () => {
  const before = process.listenerCount("exit");
  const many = Array.from({ length: 12 }, () => start());
  await Promise.all(many.map((engine) => all(engine.run("count", { to: 1 }))));
  expect(process.listenerCount("exit")).toBe(before + 1);
  await Promise.all(many.map((engine) => engine.close()));
  expect(process.listenerCount("exit")).toBe(before);
});

test("a run started right after a close gets a new process", async () => {
  const engine = start();
  await all(engine.run("count", { to: 1 }));
  const closing = engine.close();
  expect(await all(engine.run("count", { to: 3 }))).toHaveLength(3);
  await closing;
});

/** What a program prints that has an engine, once it has ended by itself. */
async function outputOf(body: string): Promise<string> {
  const program = `
    import { EngineProcess } from ${JSON.stringify(join(import.meta.dirname, "../../dist/runtime/process/engine-process.js"))};
    const engine = new EngineProcess({ entry: new URL(${JSON.stringify(entry.href)}) });
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (data) => {
    out += data;
  });
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
  return out;
}

test("a program that awaits the close of an idle engine goes on", async () => {
  const body = `
    for await (const _ of engine.run("count", { to: 1 }));
    await engine.close();
    process.stdout.write("after");`;
  expect(await outputOf(body)).toBe("after");
});

test("a program that awaits the close of an engine in the middle of a run goes on", async () => {
  const body = `
    const run = engine.run("count", { to: 1e9 });
    await run.next();
    const read = async () => {
      for await (const _ of run);
    };
    const rest = read().catch((error) => process.stdout.write(error.code));
    await engine.close();
    await rest;
    process.stdout.write(" after");`;
  expect(await outputOf(body)).toBe("cancelled after");
});

test("a run that nobody follows does not keep its program", async () => {
  const body = `
    const run = engine.run("count", { to: 1e9, ms: 1 });
    await run.next();
    process.stdout.write("left");`;
  expect(await outputOf(body)).toBe("left");
});

test("a controller in its signal's place is refused, and keeps nothing alive", async () => {
  const body = `
    const error = await engine.run("count", { to: 1 }, new AbortController()).next().catch((error) => error);
    process.stdout.write([error.code, error.message, error.hint].join("; "));`;
  expect(await outputOf(body)).toBe(
    "bad_option; signal: this is no AbortSignal; Hand over the signal of an AbortController: controller.signal.",
  );
});

test("an engine whose parent is killed ends by itself", async () => {
  const parent = spawn(process.execPath, [join(import.meta.dirname, "orphan.mjs")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve) => parent.stdout.once("data", (data) => resolve(String(data))));
  const pid = Number(line);
  parent.kill("SIGKILL");
  const alive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let i = 0; i < 100 && alive(); i++) await sleep(100);
  expect(alive()).toBe(false);
});
