/** @file Archives as tar programs make them, and as nobody should. */

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGzip, gzipSync } from "node:zlib";
import fc from "fast-check";
import { type Header, pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TarFile, tarFiles } from "./tar.ts";

type Named = Partial<Header> & Pick<Header, "name">;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tar-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function packed(entries: readonly (readonly [Named, string?])[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header, content ?? "");
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function saved(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

type Found = Omit<TarFile, "read" | "header" | "reached"> & { readonly text: string | undefined };

async function listed(path: string, limit = 1e6): Promise<Found[]> {
  const found: Found[] = [];
  for await (const { read, header, reached, ...file } of tarFiles(path)) {
    const bytes = await read(limit);
    found.push({ ...file, text: bytes && Buffer.from(bytes).toString() });
  }
  return found;
}

test("a size that no file has ends the archive, not the program", async () => {
  const whole = await packed([
    [{ name: "a.png" }, "a"],
    [{ name: "b.png", pax: { size: "9".repeat(25) } }, "b"],
  ]);
  await expect(listed(await saved("sizes.tar", whole))).rejects.toMatchObject({ code: "bad_file" });
});

test("an archive of the system's tar: long names, and each content where it is said to lie", async () => {
  const long = `${"deep".repeat(20)}/${"name".repeat(40)}.txt`;
  await mkdir(join(folder, "in", "deep".repeat(20)), { recursive: true });
  await writeFile(join(folder, "in", long), "long");
  await writeFile(join(folder, "in", "初音 '\"\n.txt"), "odd");
  await symlink("/etc/passwd", join(folder, "in", "link.txt"));
  for (const format of ["gnu", "pax"]) {
    const path = join(folder, `${format}.tar`);
    execFileSync("tar", ["-cf", path, `--format=${format}`, "-C", join(folder, "in"), "."]);
    const found = await listed(path);
    expect(new Map(found.map(({ name, text }) => [name, text]))).toEqual(
      new Map([
        [`./${long}`, "long"],
        ["./初音 '\"\n.txt", "odd"],
      ]),
    );
    const bytes = await readFile(path);
    for (const { offset, size, text } of found) expect(bytes.subarray(offset!, offset! + size).toString()).toBe(text);
  }
});

test("a compressed archive gives the same files, without places in it", async () => {
  const whole = await packed([
    [{ name: "a" }, "a"],
    [{ name: "b" }, "b".repeat(5000)],
  ]);
  const plain = await listed(await saved("plain.tar", whole));
  const path = await saved("packed.tar", gzipSync(whole));
  expect(await listed(path)).toEqual(plain.map((file) => ({ ...file, offset: undefined })));
  for await (const file of tarFiles(path)) {
    await file.read(1e6);
    expect(file.reached()).toBeLessThanOrEqual((await readFile(path)).length);
  }
  const cut = await saved("cut.tgz", gzipSync(whole).subarray(0, 60));
  await expect(listed(cut)).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining(cut) });
});

test("a small archive that unpacks to a large one is left at a bound", async () => {
  const content = Buffer.alloc(2 ** 27);
  const archive = pack();
  archive.entry({ name: "zeros.png" }, content);
  archive.finalize();
  const gzip = createGzip({ level: 9 });
  archive.on("data", (piece) => gzip.write(piece)).on("end", () => gzip.end());
  const pieces: Buffer[] = [];
  for await (const piece of gzip) pieces.push(piece as Buffer);
  const path = await saved("bomb.tar.gz", Buffer.concat(pieces));
  const read = async () => {
    for await (const _ of tarFiles(path));
  };
  await expect(read()).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining("100 times") });
});

test("links, folders and devices are passed over, and counted", async () => {
  const types = ["symlink", "link", "directory", "character-device", "block-device", "fifo"] as const;
  const others = types.map((type): readonly [Named] => [{ name: "../x", type, linkname: "/etc/passwd" }]);
  const path = await saved("types.tar", await packed([...others, [{ name: "../../../a.txt" }, "a"]]));
  expect(await listed(path)).toMatchObject([{ name: "../../../a.txt", number: types.length, size: 1, text: "a" }]);
});

test("a content above the limit is left, and what follows is read", async () => {
  const path = await saved(
    "limit.tar",
    await packed([
      [{ name: "big" }, "x".repeat(5000)],
      [{ name: "small" }, "y"],
    ]),
  );
  expect((await listed(path, 100)).map(({ text }) => text)).toEqual([undefined, "y"]);
});

test("the files before a damage are given, then it is told with the archive's name", async () => {
  const whole = await packed([
    [{ name: "a" }, "a"],
    [{ name: "b" }, "b".repeat(5000)],
  ]);
  const path = await saved("cut.tar", whole.subarray(0, 3000));
  const seen: string[] = [];
  const read = async () => {
    for await (const { name } of tarFiles(path)) seen.push(name);
  };
  await expect(read()).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining(path) });
  expect(seen).toEqual(["a", "b"]);
  await expect(listed(await saved("text.tar", Buffer.alloc(2000, "no tar")))).rejects.toMatchObject({
    code: "bad_file",
  });
  await expect(listed(join(folder, "none.tar"))).rejects.toMatchObject({ code: "missing_file" });
  await expect(listed(folder)).rejects.toMatchObject({ code: "bad_file" });
});

test("whoever stops early leaves the archive closed", async () => {
  const path = await saved(
    "early.tar",
    await packed([
      [{ name: "a" }, "a"],
      [{ name: "b" }, "b".repeat(3e6)],
    ]),
  );
  for await (const { name } of tarFiles(path)) {
    expect(name).toBe("a");
    break;
  }
});

test("a damaged archive gives files or an error that names it, nothing else", async () => {
  const whole = await packed([
    [{ name: "a.txt" }, "a"],
    [{ name: "long".repeat(40) }, "b"],
    [{ name: "c" }, "c"],
  ]);
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length));
  await fc.assert(
    fc.asyncProperty(change, async ([at, value, length]) => {
      const bytes = Buffer.from(whole);
      bytes[at] = value;
      const path = await saved("damaged.tar", length % 2 === 0 ? bytes : bytes.subarray(0, length));
      const outcome = await listed(path).catch((error: unknown) => error);
      if (!Array.isArray(outcome)) expect(outcome).toMatchObject({ code: "bad_file" });
    }),
    { numRuns: 60 },
  );
});
