/** @file A run's preview pictures: whole beside the log, and small inside of its page. */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { IllustriousError } from "../../base/error.ts";
import { removeStrayTemporaries, writeFileAtomic } from "../../formats/atomic-write.ts";
import { pngChunks } from "../../formats/png/chunks.ts";

export const PREVIEWS = "previews";

const FILE = /^(\d{8,})-[a-z0-9-]+\.png$/;

/** Twice the height at which the page shows them, for fine screens. */
const THUMBNAIL_HEIGHT = 336;

export type PngSize = { width: number; height: number };

/** Throws IllustriousError `bad_file` when the bytes are no PNG. */
export function pngSize(png: Uint8Array): PngSize {
  const [header] = pngChunks(png);
  if (!header || header.data.length < 8)
    throw new IllustriousError("bad_file", "a PNG without a header", "Make it anew.");
  const view = new DataView(header.data.buffer, header.data.byteOffset, header.data.length);
  return { width: view.getUint32(0), height: view.getUint32(4) };
}

/** The path beside the log. Two names never share one, whatever letters they have. */
export function previewFile(step: number, name: string): string {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40);
  const mark = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${PREVIEWS}/${String(step).padStart(8, "0")}-${words ? `${words}-` : ""}${mark}.png`;
}

export async function writePreview(folder: string, file: string, png: Uint8Array): Promise<void> {
  await mkdir(join(folder, PREVIEWS), { recursive: true });
  await writeFileAtomic(join(folder, file), png);
}

/** A `data:` address of the picture at the page's size; undefined for a picture that is gone or cannot be read. */
export async function thumbnail(folder: string, file: string): Promise<string | undefined> {
  try {
    const small = sharp(await readFile(join(folder, file)), { limitInputPixels: 64e6 })
      .resize({ height: THUMBNAIL_HEIGHT, withoutEnlargement: true })
      .webp({ quality: 82 });
    return `data:image/webp;base64,${(await small.toBuffer()).toString("base64")}`;
  } catch {
    return undefined;
  }
}

/** Deletes previews of steps past `lastStep`, and what a killed process left half-written. */
export async function dropPreviews(folder: string, lastStep: number): Promise<void> {
  const names = await readdir(join(folder, PREVIEWS)).catch(() => []);
  if (names.length > 0) await removeStrayTemporaries(join(folder, PREVIEWS));
  for (const name of names) {
    const step = FILE.exec(name)?.[1];
    if (step !== undefined && Number(step) > lastStep) await unlink(join(folder, PREVIEWS, name)).catch(() => {});
  }
}
