import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hashModel, hashModelFile } from "./hash.ts";
import { openSafetensors, readTensorBytes, writeSafetensors } from "./safetensors/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hash-"));
});
afterAll(() => rm(folder, { recursive: true }));

const sha256 = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

test("the hashes of the shipped checkpoint, by other means: the whole file at once, and tensor by tensor", async () => {
  const path = "test/fixtures/nano-bootstrap/unet/diffusion_pytorch_model.safetensors";
  const file = await openSafetensors(path);
  const tensors: Uint8Array[] = [];
  for (const name of file.tensors.keys()) tensors.push(await readTensorBytes(file, name));
  const whole = sha256(await readFile(path));
  const data = sha256(...tensors);
  expect(await hashModelFile(path)).toEqual({
    sha256: whole,
    modelHash: whole.slice(0, 10),
    tensorsSha256: data,
    addnetHash: data.slice(0, 12),
    modelspecHash: `0x${data}`,
  });
});

test("new metadata changes the model hash and not the others", async () => {
  const hashes = [];
  for (const metadata of [undefined, { a: "1" }, { a: "x".repeat(5 * 2 ** 20) }]) {
    const path = join(folder, "w.safetensors");
    await writeSafetensors(path, [{ name: "w", dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }], metadata);
    hashes.push(await hashModelFile(path));
  }
  expect(new Set(hashes.map((h) => h.modelHash)).size).toBe(3);
  expect(new Set(hashes.map((h) => h.addnetHash))).toEqual(new Set([sha256(Uint8Array.of(1, 2, 3)).slice(0, 12)]));
});

test("files that are not safetensors, and empty ones, have only the whole file's hash", async () => {
  // FIPS 180-4's example, and the hash of nothing.
  await writeFile(join(folder, "abc"), "abc");
  expect((await hashModelFile(join(folder, "abc"))).sha256).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  await writeFile(join(folder, "empty"), "");
  expect(await hashModelFile(join(folder, "empty"))).toMatchObject({ modelHash: "e3b0c44298", addnetHash: undefined });
  await expect(hashModelFile(join(folder, "none"))).rejects.toMatchObject({ code: "missing_file" });
  await expect(hashModelFile(folder)).rejects.toMatchObject({ code: "bad_file" });
});

test("progress grows to the whole, and stopping early closes the file", async () => {
  const path = join(folder, "ten");
  await writeFile(path, new Uint8Array(10 * 2 ** 20));
  const seen: number[] = [];
  for await (const { bytes, total } of hashModel(path)) seen.push(bytes / total);
  expect(seen).toEqual([0.4, 0.8, 1]);
  const open = async () => (await import("node:fs")).readdirSync("/proc/self/fd").length;
  if (process.platform !== "linux") return;
  const before = await open();
  for (let i = 0; i < 20; i++) {
    for await (const _ of hashModel(path)) break;
  }
  expect(await open()).toBe(before);
});
