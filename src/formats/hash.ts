/** @file The hashes by which people and sites know a model file. */

import { createHash } from "node:crypto";
import { openRegularFile, shortened } from "./regular-file.ts";
import { headerLength, PREFIX_BYTES } from "./safetensors/header.ts";

export type ModelHashes = {
  /** Of the whole file, 64 hexadecimal digits; Civitai and Hugging Face name files by it. */
  readonly sha256: string;
  /** `Model hash` in an infotext: the first 10 digits of `sha256`. Civitai's AutoV2. */
  readonly modelHash: string;
  /**
   * Of the bytes behind the header, so that new metadata does not change it; undefined unless the file is safetensors.
   * `sshs_model_hash` is the same of a file with only kohya's own metadata.
   */
  readonly tensorsSha256: string | undefined;
  /** `Lora hashes` in an infotext: the first 12 digits of `tensorsSha256`. */
  readonly addnetHash: string | undefined;
  /** `modelspec.hash_sha256`: `tensorsSha256` behind `0x`. */
  readonly modelspecHash: string | undefined;
};

export type HashProgress = { readonly bytes: number; readonly total: number };

/** Large enough for the disk, small enough for a progress line. */
const PIECE = 4 * 2 ** 20;

/**
 * Hashes a file in one pass, and tells how far it is after every piece; 4 MiB are in memory at once.
 *
 * @throws IllustriousError `missing_file`; `bad_file`
 */
export async function* hashModel(path: string): AsyncGenerator<HashProgress, ModelHashes> {
  const { handle, size: total } = await openRegularFile(path);
  try {
    const whole = createHash("sha256");
    const tensors = createHash("sha256");
    let tensorsStart: number | undefined;
    const piece = new Uint8Array(Math.max(1, Math.min(PIECE, total)));
    for (let at = 0; at < total; ) {
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) throw shortened(path, at, total);
      const bytes = piece.subarray(0, bytesRead);
      if (at === 0) tensorsStart = dataStart(bytes, total, path);
      whole.update(bytes);
      if (tensorsStart !== undefined) tensors.update(bytes.subarray(Math.max(0, tensorsStart - at)));
      at += bytesRead;
      yield { bytes: at, total };
    }
    return named(whole.digest("hex"), tensorsStart === undefined ? undefined : tensors.digest("hex"));
  } finally {
    await handle.close();
  }
}

/** The same, for those who only want the result. */
export async function hashModelFile(path: string): Promise<ModelHashes> {
  const steps = hashModel(path);
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
  }
}

function named(sha256: string, tensorsSha256: string | undefined): ModelHashes {
  return {
    sha256,
    modelHash: sha256.slice(0, 10),
    tensorsSha256,
    addnetHash: tensorsSha256?.slice(0, 12),
    modelspecHash: tensorsSha256 === undefined ? undefined : `0x${tensorsSha256}`,
  };
}

/** Where the tensors begin; undefined for a file that cannot be safetensors, which may be hashed all the same. */
function dataStart(start: Uint8Array, total: number, path: string): number | undefined {
  try {
    return PREFIX_BYTES + headerLength(start.subarray(0, PREFIX_BYTES), total, path);
  } catch {
    return undefined;
  }
}
