import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FileKind, fileKind, fileKindOf } from "./file-kind.ts";
import { encodeSafetensors, openSafetensors } from "./safetensors/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kind-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Begun by Python's pickle, PyTorch and tarfile: `scripts/goldens/make-pickles.py`. */
const fixture = join(import.meta.dirname, "../../test/fixtures/formats/pickles.json");
const pickles = (JSON.parse(readFileSync(fixture, "utf8")) as { name: string; start: string }[]).map(
  ({ name, start }): [string, Buffer] => [name, Buffer.from(start, "base64")],
);

const disguises = [
  "model.safetensors",
  "Model.SafeTensors",
  "model.SAFETENSORS",
  "model.ckpt",
  "unet/diffusion_pytorch_model.bin",
  "models--org--name/snapshots/0123456789abcdef/model.safetensors",
  "picture.png",
  "no-extension",
];

test.each(pickles)("a pickle is refused under every name: %s", async (_, bytes) => {
  for (const name of disguises) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    expect(await fileKindOf(path)).toBe("pickle");
    await expect(openSafetensors(path)).rejects.toMatchObject({
      code: "pickle_refused",
      message: expect.stringContaining(path),
      hint: expect.stringMatching(/\.safetensors version.*convert/),
    });
  }
});

const riff = (form: string) => Buffer.from(`RIFF\x24\x00\x00\x00${form}VP8 `, "latin1");

test.each<[string, FileKind, () => Promise<Uint8Array> | Uint8Array]>([
  ["our own safetensors", "safetensors", () => encodeSafetensors([])],
  ["safetensors with a header of 0x0280 bytes", "safetensors", () => padded(0x0280)],
  ["safetensors with a header of 0x4b50 bytes", "safetensors", () => padded(0x4b50)],
  ["safetensors with a header of 0xffd8ff bytes", "safetensors", () => padded(0xffd8ff)],
  ["sharp's PNG", "png", () => picture().png().toBuffer()],
  ["pngjs's PNG", "png", () => PNG.sync.write(new PNG({ width: 1, height: 1 }))],
  ["sharp's JPEG", "jpeg", () => picture().jpeg().toBuffer()],
  ["sharp's WebP", "webp", () => picture().webp().toBuffer()],
  ["sharp's lossless WebP", "webp", () => picture().webp({ lossless: true }).toBuffer()],
  ["a RIFF that is no WebP", "unknown", () => riff("WAVE")],
  ["GGUF 3", "gguf", () => Buffer.from("GGUF\x03\x00\x00\x00", "latin1")],
  // ModelProto: ir_version = 8, then producer_name, graph or opset_import.
  ["ONNX with a producer", "onnx", () => Buffer.from("\x08\x08\x12\x07pytorch", "latin1")],
  ["ONNX that begins with its graph", "onnx", () => Buffer.from("\x08\x0a\x3a\x04\x12\x02gr", "latin1")],
  ["ONNX that begins with its opset", "onnx", () => Buffer.from("\x08\x0a\x42\x02\x10\x15", "latin1")],
  ["nothing", "unknown", () => new Uint8Array(0)],
  ["one byte of a pickle", "unknown", () => Uint8Array.of(0x80)],
  ["protocol 9, which is none", "unknown", () => Uint8Array.of(0x80, 9, 0x7d)],
  ["prose", "unknown", () => Buffer.from("colour, a text that begins with a c")],
  ["Git LFS's pointer", "unknown", () => Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")],
])("%s is %s", async (_, kind, make) => {
  const bytes = await make();
  expect(fileKind(bytes.subarray(0, 512), bytes.length)).toBe(kind);
});

test.each<[RegExp, string]>([
  [/Git LFS's pointer/, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6938041050\n"],
  [/a web page/, "<!DOCTYPE html><html><title>Sign in</title>"],
  [/a web page/, '\n<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
  [/a png file/, "\x89PNG\r\n\x1a\n"],
  [/declares a header of/, "something else of more than eight bytes"],
  [/has 3 bytes/, "abc"],
])("says what came instead of a checkpoint: %s", async (message, content) => {
  const path = join(folder, "other.safetensors");
  await writeFile(path, content, "latin1");
  await expect(openSafetensors(path)).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringMatching(message),
  });
});

function padded(length: number): Uint8Array {
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setUint32(0, length, true);
  bytes.fill(0, 4, 8);
  bytes.set([0x7b, 0x7d], 8);
  return bytes;
}

function picture() {
  return sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } });
}
