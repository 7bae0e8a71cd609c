/** @file The folders that a worker was told to stay in, whatever a queue or a file of a chunk asks of it. */

import { realpath } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { NO_FACTS, readPlan } from "../../data/audit/index.ts";
import type { ChunkJob } from "./chunk-job.ts";
import type { Decoders } from "./decoders.ts";

/** @throws IllustriousError `missing_file` */
export async function realFolders(folders: readonly string[]): Promise<string[]> {
  const real = folders.map((folder) =>
    realpath(folder).catch((cause: unknown) => {
      throw new IllustriousError("missing_file", `${folder}: no such folder`, "Check --below.", { cause });
    }),
  );
  return Promise.all(real);
}

/** Links are followed; what is not there is where it would be. @param folders real paths */
async function isBelow(path: string, folders: readonly string[]): Promise<boolean> {
  const real = await realpath(path).catch(() => resolve(path));
  return folders.some((one) => real === one || real.startsWith(one.endsWith(sep) ? one : one + sep));
}

/** @throws IllustriousError `unsupported` for a job whose folder is in none of them, or of whose paths and images nothing is */
export async function checkBelow({ folder, name, paths }: ChunkJob, folders: readonly string[]): Promise<void> {
  const refused = (path: string) => {
    const hint = "This worker was told to stay there; another one, or another --below, can do it.";
    return new IllustriousError("unsupported", `${path}: not below ${folders.join(" or ")}`, hint);
  };
  if (!(await isBelow(folder, folders))) throw refused(folder);
  for (const path of paths) if (await isBelow(path, folders)) return;
  // A list may lie elsewhere than what it names.
  const images = (await readPlan(folder, name)) ?? [];
  for (const { row } of images) if (await isBelow(row.source, folders)) return;
  throw refused(paths[0] ?? folder);
}

/** Decoders that open nothing elsewhere: a line of a set, or a link in it, may name any file, which is that image's trouble alone. */
export function measuringBelow(decoders: Decoders, folders: readonly string[]): Decoders {
  return {
    ...decoders,
    async measure(request) {
      if (await isBelow(request.path, folders)) return decoders.measure(request);
      return { ...NO_FACTS, error: "outside", errorText: "not in the folders that its worker may look into" };
    },
  };
}
