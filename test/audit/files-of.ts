/** @file All files of a folder, by which two of them are told to be equal. */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** SHA-256 by path below the folder. */
export async function filesOf(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((found) => found.isFile());
  const paths = names.map(({ parentPath, name }) => join(parentPath, name)).sort();
  const hash = async (path: string) =>
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  return new Map(await Promise.all(paths.map(async (path) => [path.slice(folder.length), await hash(path)] as const)));
}
