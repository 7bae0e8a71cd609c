import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  type FileHandle,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import ts from "typescript";
import { afterAll, beforeEach, expect, test } from "vitest";
import {
  type FileCalls,
  removeStrayTemporaries,
  type Sink,
  systemCalls,
  writeFileAtomic,
  writeFirstFree,
} from "./atomic-write.ts";

let folder: string;
const folders: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atomic-"));
  folders.push(folder);
});
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

const temporaries = async () => (await readdir(folder)).filter((name) => name.endsWith(".tmp"));
const content = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => seed + i);

/** The system's calls, counted; the k-th and, if `dead`, all after it fail as a disk does. */
function failing(k: number, dead: boolean): { calls: FileCalls; names: string[] } {
  const names: string[] = [];
  const wrap = <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      names.push(name);
      const hit = dead ? names.length >= k : names.length === k;
      // What was opened must be closed all the same, or the test leaks descriptors.
      if (hit && name === "close") await call(...args);
      if (hit) throw Object.assign(new Error(`EIO: ${name}`), { code: "EIO" });
      return call(...args);
    };
  };
  const { open, write, sync, close, rename, unlink, syncFolder } = systemCalls;
  const calls = {
    open: wrap("open", open),
    // Short writes are legal, and happen on full disks and network drives.
    write: wrap("write", (file: FileHandle, bytes: Uint8Array, at?: number) =>
      write(file, bytes.subarray(0, 1000), at),
    ),
    sync: wrap("sync", sync),
    close: wrap("close", close),
    rename: wrap("rename", rename),
    unlink: wrap("unlink", unlink),
    syncFolder: wrap("syncFolder", syncFolder),
  };
  return { calls, names };
}

test.each([
  { had: "a file before", old: content(700, 1), dead: false },
  { had: "no file before", old: undefined, dead: false },
  { had: "a file before, and the machine dies", old: content(700, 1), dead: true },
  { had: "no file before, and the machine dies", old: undefined, dead: true },
])("the k-th call fails, for every k: old or new, never mixed ($had)", async ({ old, dead }) => {
  const path = join(folder, "picture.png");
  const fresh = content(2500, 9);
  const failed: string[] = [];
  for (let k = 1; ; k++) {
    await rm(path, { force: true });
    if (old) await writeFile(path, old);
    const { calls, names } = failing(k, dead);
    const outcome = await writeFileAtomic(path, fresh, calls).then(
      () => undefined,
      (error: unknown) => error,
    );
    const found = await readFile(path).catch(() => undefined);
    if (outcome === undefined) {
      expect(found && new Uint8Array(found)).toEqual(fresh);
      break;
    }
    const call = names[k - 1]!;
    failed.push(call);
    expect(outcome).toMatchObject({ code: "write_failed", message: expect.stringContaining(`EIO: ${call}`) });
    expect(found && new Uint8Array(found)).toEqual(call === "syncFolder" ? fresh : old);
    // A machine that died leaves its file; the next start clears it away, and only that.
    if (dead) await removeStrayTemporaries(folder);
    expect(await readdir(folder)).toEqual(found ? ["picture.png"] : []);
  }
  expect(failed).toEqual(["open", "write", "write", "write", "sync", "close", "rename", "syncFolder"]);
});

test("the first free name, where links are made and where they are not; no call that fails leaves half a file", async () => {
  const taken = content(3, 1);
  const fresh = content(2500, 9);
  const pathOf = (attempt: number) => join(folder, `${attempt}.png`);
  const noLinks = async () => {
    throw Object.assign(new Error("EPERM: link"), { code: "EPERM" });
  };
  for (const makeLink of [link, noLinks]) {
    const failed: string[] = [];
    for (let k = 1; ; k++) {
      for (const name of await readdir(folder)) await rm(join(folder, name));
      await writeFile(pathOf(0), taken);
      const { calls, names } = failing(k, false);
      const written = await writeFirstFree(pathOf, fresh, { ...calls, link: makeLink }).catch(
        (error: unknown) => error,
      );
      const left = (await readdir(folder)).filter((name) => !name.endsWith(".tmp"));
      expect(new Uint8Array(await readFile(pathOf(0)))).toEqual(taken);
      if (left.length > 1) expect(new Uint8Array(await readFile(pathOf(1)))).toEqual(fresh);
      if (names.length < k) {
        expect(written).toBe(pathOf(1));
        expect(await temporaries()).toEqual([]);
        break;
      }
      failed.push(names[k - 1]!);
      // A temporary that cannot be unlinked is another's to clear away, and no failure.
      if (names[k - 1] === "unlink") expect(written).toBe(pathOf(1));
      else expect(written).toMatchObject({ code: "write_failed" });
    }
    const ending = makeLink === link ? ["unlink"] : ["open", "open", "close", "rename"];
    expect(failed).toEqual(["open", "write", "write", "write", "sync", "close", ...ending, "syncFolder"]);
  }
});

test("a start that is known at the end, in writes that fall short", async () => {
  const path = join(folder, "headed.bin");
  const { calls } = failing(Number.POSITIVE_INFINITY, false);
  const write = async (sink: Sink) => {
    await sink.write(new Uint8Array(2500));
    await sink.write(content(1200, 3));
    await sink.rewriteStart(content(2500, 7));
    await sink.write(content(10, 5));
  };
  await writeFileAtomic(path, write, calls);
  const whole = Buffer.concat([content(2500, 7), content(1200, 3), content(10, 5)]);
  expect(Buffer.compare(await readFile(path), whole)).toBe(0);
});

test("many pieces make one file, and an error of the writer's own passes through", async () => {
  const path = join(folder, "pieces");
  await writeFileAtomic(path, async (sink) => {
    for (let i = 0; i < 100; i++) await sink.write(Uint8Array.of(i, i));
  });
  expect([...(await readFile(path))]).toEqual(Array.from({ length: 200 }, (_, i) => i >> 1));
  const fails = writeFileAtomic(path, async (sink) => {
    await sink.write(Uint8Array.of(1));
    throw new RangeError("mine");
  });
  await expect(fails).rejects.toThrow(RangeError);
  expect((await stat(path)).size).toBe(200);
  expect(await temporaries()).toEqual([]);
});

test("a folder that is not there is named, with the way out", async () => {
  await expect(writeFileAtomic(join(folder, "none", "x"), content(1, 1))).rejects.toMatchObject({
    code: "write_failed",
    message: expect.stringContaining(join(folder, "none", "x")),
    hint: expect.stringContaining("make it first"),
  });
});

test("names as long as the file system allows, in letters of several bytes too", async () => {
  for (const name of ["x".repeat(255), "é".repeat(127), "画".repeat(85), "🎨".repeat(63)]) {
    await writeFileAtomic(join(folder, name), content(3, 1));
    expect((await stat(join(folder, name))).size).toBe(3);
  }
});

test("fifty writers of one file at once: one of them wins whole", async () => {
  const path = join(folder, "contended");
  await Promise.all(Array.from({ length: 50 }, (_, i) => writeFileAtomic(path, new Uint8Array(5000).fill(i))));
  expect(new Set(await readFile(path)).size).toBe(1);
  expect(await temporaries()).toEqual([]);
});

test("strays are told from files in the making and from files of others", async () => {
  const path = join(folder, "a.safetensors");
  let seen: string[] = [];
  await writeFileAtomic(path, async (sink) => {
    await sink.write(content(10, 1));
    seen = await temporaries();
    expect(await removeStrayTemporaries(folder)).toEqual([]);
    expect(await temporaries()).toEqual(seen);
  });
  const [, machine] = /\.([0-9a-f]{8})-\d+-[0-9a-f]{12}\.tmp$/.exec(seen[0]!)!;
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  const name = (host: string, pid: number) => `.a.safetensors.${host}-${pid}-0123456789ab.tmp`;
  const dead = name(machine!, child.pid!);
  const alive = name(machine!, process.ppid);
  const elsewhere = name("ffffffff", child.pid!);
  const elsewhereOld = name("fffffff0", child.pid!);
  for (const file of [dead, alive, elsewhere, elsewhereOld, "notes.tmp", ".a.tmp"])
    await writeFile(join(folder, file), "");
  const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
  for (const file of [elsewhereOld, "notes.tmp"]) await utimes(join(folder, file), twoDaysAgo, twoDaysAgo);
  expect((await removeStrayTemporaries(folder)).sort()).toEqual(
    [join(folder, dead), join(folder, elsewhereOld)].sort(),
  );
  expect((await readdir(folder)).sort()).toEqual([".a.tmp", alive, "a.safetensors", elsewhere, "notes.tmp"].sort());
});

const KILLS = 25;
const BYTES = 4 * 2 ** 20;

/** Writes one file again and again, each time full of another byte; says so once, when the file is there. */
const writer = `
import { writeFileAtomic } from "./formats/atomic-write.js";
for (let round = 0; ; round++) {
  await writeFileAtomic(process.argv[2], async (sink) => {
    for (let at = 0; at < ${BYTES}; at += 65536) await sink.write(new Uint8Array(65536).fill(round));
  });
  if (round === 0) console.log("ready");
}`;

test(`${KILLS} processes killed while they write: no torn file, and no stray left after the clean-up`, {
  timeout: 300_000,
}, async () => {
  const program = await mkdtemp(join(tmpdir(), "writer-"));
  folders.push(program);
  await compileTo(program, ["base/error.ts", "formats/atomic-write.ts"]);
  await writeFile(join(program, "writer.js"), writer);
  const path = join(folder, "checkpoint");
  let strays = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [join(program, "writer.js"), path], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    // Spread over a few rounds, to hit every part of one.
    await new Promise((resolve) => setTimeout(resolve, (kill * 37) % 61));
    child.kill("SIGKILL");
    await once(child, "exit");
    const found = await readFile(path);
    expect(found.length).toBe(BYTES);
    expect(found.equals(Buffer.alloc(BYTES, found[0]))).toBe(true);
    strays += (await temporaries()).length;
    await removeStrayTemporaries(folder);
    expect(await readdir(folder)).toEqual([basename(path)]);
  }
  // Were there none, no process had been killed in the middle.
  expect(strays).toBeGreaterThan(0);
});

/** Compiles some of our files into a folder, for a process that runs without the test runner. */
async function compileTo(target: string, names: string[]): Promise<void> {
  await writeFile(join(target, "package.json"), '{"type":"module"}');
  for (const name of names) {
    const source = await readFile(join(import.meta.dirname, "..", name), "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        rewriteRelativeImportExtensions: true,
      },
    });
    const out = join(target, name.replace(/\.ts$/, ".js"));
    await mkdir(dirname(out), { recursive: true });
    await writeFile(out, outputText);
  }
}
