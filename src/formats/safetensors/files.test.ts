/** @file Safetensors on a disk: what is read and when, what is refused, and what a failed write leaves. */

import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Float16Array } from "@petamoriken/float16";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hashModelFile } from "../hash.ts";
import {
  encodeSafetensors,
  openSafetensors,
  readFloat32,
  readTensorBytes,
  type TensorToWrite,
  writeSafetensors,
} from "./index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
});
afterAll(() => rm(folder, { recursive: true }));

const bytesOf = (array: { buffer: ArrayBufferLike }) => new Uint8Array(array.buffer as ArrayBuffer);
const values = [0, -0, 1, -1.5, 0.1, 65504, 1e-7, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const shape = [2, values.length / 2];

test("floats of every readable type become float32", async () => {
  const path = join(folder, "floats.safetensors");
  const bfloat = Uint16Array.from([0x0000, 0x8000, 0x3f80, 0xbfc0, 0x3dcd, 0x4780, 0x33d7, 0x7f80, 0xff80, 0x7fc0]);
  await writeSafetensors(path, [
    { name: "f16", dtype: "F16", shape, data: bytesOf(new Float16Array(values)) },
    { name: "f32", dtype: "F32", shape, data: bytesOf(Float32Array.from(values)) },
    { name: "f64", dtype: "F64", shape, data: bytesOf(Float64Array.from(values)) },
    { name: "bf16", dtype: "BF16", shape, data: bytesOf(bfloat) },
    { name: "i64", dtype: "I64", shape: [], data: new Uint8Array(8) },
  ]);
  const file = await openSafetensors(path);
  expect(await readFloat32(file, "f32")).toEqual(Float32Array.from(values));
  expect(await readFloat32(file, "f64")).toEqual(Float32Array.from(values));
  expect(await readFloat32(file, "f16")).toEqual(Float32Array.from(new Float16Array(values)));
  // bfloat16 is the upper half of a float32.
  const upper = Uint32Array.from(bfloat, (bits) => bits << 16);
  expect(await readFloat32(file, "bf16")).toEqual(new Float32Array(upper.buffer));
  await expect(readFloat32(file, "i64")).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining('tensor "i64" is I64'),
  });
  await expect(readTensorBytes(file, "toString")).rejects.toMatchObject({ code: "missing_weight" });
});

test("metadata with the tensors' hash: the file that is written with them known beforehand", async () => {
  const tensors: TensorToWrite[] = [
    { name: "b", dtype: "F32", shape: [2], data: bytesOf(Float32Array.of(1, 2)) },
    { name: "a", dtype: "F16", shape: [1], data: () => Uint8Array.of(3, 4) },
    { name: "mark", dtype: "F32", shape: [0], data: new Uint8Array() },
  ];
  const path = join(folder, "hashed.safetensors");
  await writeSafetensors(path, tensors, (sha256) => ({ "modelspec.hash_sha256": `0x${sha256}`, title: "x" }));
  const { modelspecHash } = await hashModelFile(path);
  const known = await encodeSafetensors(tensors, { "modelspec.hash_sha256": modelspecHash!, title: "x" });
  expect(Buffer.compare(await readFile(path), known)).toBe(0);
  const uneven = writeSafetensors(path, tensors, (sha256) => ({ x: sha256.startsWith("000") ? "" : "a".repeat(99) }));
  await expect(uneven).rejects.toMatchObject({ code: "internal" });
});

test("the shipped checkpoint, which PyTorch's library wrote, is written again byte for byte", async () => {
  const path = "test/fixtures/nano-bootstrap/unet/diffusion_pytorch_model.safetensors";
  const file = await openSafetensors(path);
  const copy = join(folder, "unet.safetensors");
  const tensors = [...file.tensors.values()].map((entry) => ({
    ...entry,
    data: () => readTensorBytes(file, entry.name),
  }));
  await writeSafetensors(copy, tensors.reverse(), file.metadata);
  expect((await readFile(copy)).equals(await readFile(path))).toBe(true);
});

test("offsets above 4 GiB: only what is asked for is read", async () => {
  const path = join(folder, "large.safetensors");
  const large = 5 * 2 ** 30;
  const header = JSON.stringify({
    large: { dtype: "U8", shape: [large], data_offsets: [0, large] },
    tail: { dtype: "F32", shape: [2], data_offsets: [large, large + 8] },
  });
  const handle = await open(path, "w");
  await handle.write(Buffer.from(new BigUint64Array([BigInt(header.length)]).buffer));
  await handle.write(header);
  // A sparse file: the five gigabytes take no room.
  await handle.write(bytesOf(Float32Array.of(3, 4)), 0, 8, 8 + header.length + large);
  await handle.close();
  const before = process.memoryUsage().rss;
  const file = await openSafetensors(path);
  expect(file.tensors.get("large")).toMatchObject({ offset: 8 + header.length, length: large });
  expect(await readFloat32(file, "tail")).toEqual(Float32Array.of(3, 4));
  // The limit of the test plan (R1); reading the large tensor would take 5 GiB.
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  await rm(path);
});

test("no file, a folder, a pipe, an endless device", async () => {
  await expect(openSafetensors(join(folder, "none"))).rejects.toMatchObject({ code: "missing_file" });
  await expect(openSafetensors(join(folder, "none", "deeper"))).rejects.toMatchObject({ code: "missing_file" });
  await mkdir(join(folder, "a-folder"));
  await expect(openSafetensors(join(folder, "a-folder"))).rejects.toMatchObject({ code: "bad_file" });
  if (process.platform === "win32") return;
  execFileSync("mkfifo", [join(folder, "pipe")]);
  await expect(openSafetensors(join(folder, "pipe"))).rejects.toMatchObject({ message: /not a regular file/ });
  await expect(openSafetensors("/dev/zero")).rejects.toMatchObject({ message: /not a regular file/ });
});

test("a symbolic link is followed, as caches of models consist of them", async () => {
  const path = join(folder, "linked");
  await writeSafetensors(path, []);
  await symlink(path, join(folder, "link.safetensors"));
  expect((await openSafetensors(join(folder, "link.safetensors"))).tensors.size).toBe(0);
});

test("a file that changed its size since it was opened is not read", async () => {
  const path = join(folder, "growing.safetensors");
  await writeSafetensors(path, [{ name: "w", dtype: "U8", shape: [1], data: Uint8Array.of(1) }]);
  const file = await openSafetensors(path);
  await appendFile(path, "more");
  await expect(readTensorBytes(file, "w")).rejects.toMatchObject({
    code: "bad_file",
    message: `${path}: had ${file.size} bytes, now has ${file.size + 4}`,
  });
});

const u8 = (name: string, length: number, given = length): TensorToWrite => ({
  name,
  dtype: "U8",
  shape: [length],
  data: new Uint8Array(given),
});

test.each([
  ["bad_shape", "U8 [2] takes 2 bytes, and 3 are given", [u8("w", 2, 3)]],
  ["bad_shape", "takes no whole number of bytes", [{ ...u8("w", 1), shape: [-1] }]],
  ["bad_shape", "takes no whole number of bytes", [{ ...u8("w", 1), shape: [0.5, 2] }]],
  ["bad_shape", "takes no whole number of bytes", [{ ...u8("w", 1), dtype: "F4", shape: [1] }]],
  ["bad_shape", "takes no whole number of bytes", [{ ...u8("w", 1), shape: [2 ** 30, 2 ** 30] }]],
  ["bad_option", 'two tensors named "w"', [u8("w", 1), u8("w", 1)]],
  ["bad_option", 'a tensor named "__metadata__"', [u8("__metadata__", 1)]],
  ["bad_option", "is not a Unicode text", [u8("\ud800", 1)]],
] as [string, string, TensorToWrite[]][])("refuses to write: %s, %s", async (code, message, tensors) => {
  const path = join(folder, "refused.safetensors");
  await expect(writeSafetensors(path, tensors)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
  await expect(encodeSafetensors(tensors)).rejects.toMatchObject({ code });
  expect((await readdir(folder)).filter((name) => name.includes("refused"))).toEqual([]);
});

test("when a tensor cannot be had, the old file stays and no other is left", async () => {
  const path = join(folder, "old.safetensors");
  await writeFile(path, "old");
  const broken = [u8("a", 4), { ...u8("b", 4), data: () => Promise.reject(new Error("no such tensor")) }];
  await expect(writeSafetensors(path, broken)).rejects.toThrow("no such tensor");
  const short = [{ ...u8("b", 4), data: () => new Uint8Array(3) }];
  await expect(writeSafetensors(path, short)).rejects.toMatchObject({ code: "bad_shape" });
  expect(await readFile(path, "utf8")).toBe("old");
  expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
