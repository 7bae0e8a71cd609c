/** @file The folders that a worker was told to stay in, whatever a queue or a file of a chunk asks of it. */

import { realpath } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { readPlan } from "../../data/audit/index.ts";
import type { ChunkJob } from "./chunk-job.ts";

/** @throws IllustriousError `missing_file` */
export async function realFolders(folders: readonly string[]): Promise<string[]> {
  const real = folders.map((folder) =>
    realpath(folder).catch((cause: unknown) => {
      throw new IllustriousError("missing_file", `${folder}: no such folder`, "Check --below.", { cause });
    }),
  );
  return Promise.all(real);
}

/**
 * Links are followed; what is not there is where it would be.
 *
 * @param folders real paths
 * @throws IllustriousError `unsupported` for a job whose folder, or an image of whose chunk, is in none of them
 */
export async function checkBelow({ folder, name }: ChunkJob, folders: readonly string[]): Promise<void> {
  const check = async (path: string): Promise<void> => {
    const real = await realpath(path).catch(() => resolve(path));
    if (folders.some((one) => real === one || real.startsWith(one.endsWith(sep) ? one : one + sep))) return;
    const hint = "This worker was told to stay there; another one, or another --below, can do it.";
    throw new IllustriousError("unsupported", `${path}: not below ${folders.join(" or ")}`, hint);
  };
  await check(folder);
  const images = (await readPlan(folder, name)) ?? [];
  for (const source of new Set(images.map(({ row }) => row.source))) await check(source);
}
