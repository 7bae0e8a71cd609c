/** @file What a file is, told from its first bytes and never from its name, and the refusal of Python pickles. */

import { IllustriousError } from "../base/error.ts";
import { readAt, withRegularFile } from "./regular-file.ts";

export type FileKind = "safetensors" | "pickle" | "gguf" | "onnx" | "png" | "jpeg" | "webp" | "unknown";

/** Bytes that are enough for `fileKind`; fewer do when the file has no more. */
export const KIND_BYTES = 512;

/** Each magic number's bytes, and what stands behind them. */
const magics: readonly (readonly [kind: FileKind, bytes: readonly number[]])[] = [
  ["png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["jpeg", [0xff, 0xd8, 0xff]],
  ["gguf", [0x47, 0x47, 0x55, 0x46]],
];

/**
 * @param start the file's first `KIND_BYTES` bytes, or all of a shorter one
 * @param size bytes of the whole file
 */
export function fileKind(start: Uint8Array, size: number): FileKind {
  // First, since its first bytes are a number, which may look like any magic.
  if (isSafetensors(start, size)) return "safetensors";
  for (const [kind, bytes] of magics) if (startsWith(start, bytes)) return kind;
  if (startsWith(start, [0x52, 0x49, 0x46, 0x46]) && latin1(start, 8, 12) === "WEBP") return "webp";
  if (isPickle(start)) return "pickle";
  if (isOnnx(start)) return "onnx";
  return "unknown";
}

/** Reads the first bytes of a file and names its kind. Errors as `withRegularFile`. */
export async function fileKindOf(path: string): Promise<FileKind> {
  return withRegularFile(path, async (handle, size) => {
    const start = await readAt(handle, 0, Math.min(size, KIND_BYTES), path);
    return fileKind(start, size);
  });
}

/**
 * Lets through what may be safetensors; a damaged file of that format is for its own parser to explain.
 *
 * @throws IllustriousError `pickle_refused`; `bad_file` for what is clearly something else
 */
export function refuseUnlessSafetensors(start: Uint8Array, size: number, path: string): void {
  const kind = fileKind(start, size);
  if (kind === "pickle") throw pickleRefused(path);
  if (kind === "safetensors") return;
  if (kind !== "unknown") {
    const hint = "Name a .safetensors checkpoint; the content counts, not the file's name.";
    throw new IllustriousError("bad_file", `${path}: a ${kind} file, not safetensors`, hint);
  }
  const text = latin1(start, 0, 64);
  if (text.startsWith("version https://git-lfs.github.com/spec/")) {
    const hint = "Fetch the file itself: `git lfs pull` in that repository, or download it.";
    throw new IllustriousError("bad_file", `${path}: Git LFS's pointer to a file, not the file`, hint);
  }
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(text)) {
    const hint = "A site answered with a page, perhaps one to log in. Download the file again, signed in.";
    throw new IllustriousError("bad_file", `${path}: a web page, not safetensors`, hint);
  }
}

/** The refusal of a file that would run code when it is loaded, with what to do instead. */
export function pickleRefused(path: string): IllustriousError {
  const hint =
    "A pickle (.ckpt, .pt, .pth, .bin) can run any program when it is loaded, so it is never read here. Look for a " +
    ".safetensors version of the model. If there is none, convert it on a machine that holds nothing of value, with " +
    "bindings/python/convert.py of github.com/huggingface/safetensors.";
  return new IllustriousError("pickle_refused", `${path}: a Python pickle, whatever its name says`, hint);
}

function startsWith(start: Uint8Array, bytes: readonly number[]): boolean {
  return bytes.length <= start.length && bytes.every((byte, i) => start[i] === byte);
}

function latin1(start: Uint8Array, from: number, to: number): string {
  return Buffer.from(start.subarray(from, to)).toString("latin1");
}

/** A header's length that fits the file, then a JSON object, before which the reference allows white space. */
function isSafetensors(start: Uint8Array, size: number): boolean {
  if (start.length < 10) return false;
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  if (view.getUint32(4, true) !== 0 || 8 + view.getUint32(0, true) > size) return false;
  return /^[ \t\r\n]*\{/.test(latin1(start, 8, start.length));
}

/** Protocols 2 to 5; the text protocols 0 and 1; PyTorch's zip archives; its older tar archives. */
function isPickle(start: Uint8Array): boolean {
  if (start[0] === 0x80 && start[1]! >= 2 && start[1]! <= 5) return true;
  // Any zip is refused as one: what else comes under a model's name is PyTorch's archive of a `data.pkl`.
  if (startsWith(start, [0x50, 0x4b, 0x03, 0x04]) || startsWith(start, [0x50, 0x4b, 0x05, 0x06])) return true;
  if (latin1(start, 257, 262) === "ustar") return true;
  return isTextPickle(start);
}

/** Protocols 0 and 1 have no magic number: they begin with an empty container, a mark, or the import of a name. */
function isTextPickle(start: Uint8Array): boolean {
  return /^(?:\([dlt]|[\]}]q|c[\w.]+\n\w+\n)/.test(latin1(start, 0, 256));
}

/** A protobuf message whose first field is ir_version (1, varint), followed by one of ModelProto's other fields. */
function isOnnx(start: Uint8Array): boolean {
  if (start[0] !== 0x08 || !(start[1]! >= 1 && start[1]! <= 32)) return false;
  // producer_name .. functions: fields 2 to 25, of which only model_version (5) is a varint.
  const tag = start[2];
  return tag !== undefined && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(tag);
}
