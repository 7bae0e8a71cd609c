/** @file What a folder of images has in it that its subset does not speak of, and most likely should. */

import { join, resolve } from "node:path";
import { listFolder } from "./folder-config.ts";
import type { SubsetOptions } from "./options.ts";
import type { FoundImage } from "./subset-images.ts";

export async function overlookedIn(
  { imageDir, metadataFile }: Pick<SubsetOptions, "imageDir" | "metadataFile">,
  found: readonly FoundImage[],
  root: string,
): Promise<string[]> {
  if (imageDir === undefined || metadataFile !== undefined) return [];
  if (found.some(({ captionFile }) => captionFile !== undefined)) return [];
  const folder = resolve(root, imageDir);
  const { files, folders } = await listFolder(folder);
  const numbered = folders.find((name) => /^\d+_/.test(name));
  if (found.length === 0 && numbered !== undefined) {
    return [`its images lie in folders such as ${numbered}: name it as train_data_dir, or each of them as image_dir`];
  }
  if (found.length === 0 || !files.includes("metadata.jsonl")) return [];
  return [`its metadata.jsonl is not read: set metadata_file = "${join(imageDir, "metadata.jsonl")}"`];
}
