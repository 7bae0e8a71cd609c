/** @file An image of an audit as a small picture, if its file is still the one that was measured. */

import { createHash } from "node:crypto";
import { shrunkToWebp } from "./decode.ts";
import { broken, contentOf, type ImagePlace } from "./measure-image.ts";
import type { Fault } from "./row.ts";

export type ThumbnailRequest = ImagePlace & {
  /** Of the bytes that were measured, 64 hexadecimal digits. */
  readonly sha256: string | null;
  /** Longest side, in pixels. */
  readonly side: number;
};

export type ThumbnailFacts = {
  /** A WebP file in base64; none where there is an error. */
  readonly webp: string | null;
  /** `changed`: the bytes are not those that were measured. */
  readonly error: Fault["error"] | "changed" | null;
  readonly errorText: string | null;
};

export const NO_THUMBNAIL: ThumbnailFacts = { webp: null, error: null, errorText: null };

export type ThumbnailEvent =
  /** The file is about to be opened: from here on its time counts. */
  { readonly type: "begun" } | { readonly type: "facts"; readonly facts: Partial<ThumbnailFacts> };

export async function* thumbnailOf(request: ThumbnailRequest): AsyncGenerator<ThumbnailEvent, void> {
  yield { type: "begun" };
  yield { type: "facts", facts: await draw(request) };
}

async function draw(request: ThumbnailRequest): Promise<Partial<ThumbnailFacts>> {
  const { sha256, side } = request;
  const content = await contentOf(request);
  if ("error" in content) return content;
  if (createHash("sha256").update(content.bytes).digest("hex") !== sha256) {
    return { error: "changed", errorText: "no longer the file that was measured" };
  }
  return shrunkToWebp(content.bytes, side).then((webp) => ({ webp: Buffer.from(webp).toString("base64") }), broken);
}
