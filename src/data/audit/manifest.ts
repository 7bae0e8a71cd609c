/** @file What an audit's folder says of itself: by which settings its table was made, of which paths, and how far it is. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";

const schema = z.object({
  format: z.literal("illustrious.audit"),
  version: z.literal(1),
  /** Version of the program that wrote it. */
  program: z.string(),
  settings: z.object({
    /** `measureColours`'s, in pixels. */
    workingSide: z.int().min(1),
    /** Name of the perceptual hash. */
    perceptualHash: z.string(),
    /** Bits between near-duplicates. */
    nearDistance: z.int().min(0),
    /** Images a shard. */
    shard: z.int().min(1),
  }),
  /** Absolute. */
  paths: z.array(z.string()),
  /** Whether the table has all images of the paths. */
  complete: z.boolean(),
  images: z.int().min(0),
  /** Images without measures. */
  errors: z.int().min(0),
  shards: z.int().min(0),
  /** Groups of near-duplicates, and images in them; of a complete table. */
  groups: z.int().min(0).optional(),
  grouped: z.int().min(0).optional(),
});

export type AuditManifest = z.output<typeof schema>;

const NAME = "manifest.json";

/**
 * @returns `undefined` where there is none
 * @throws IllustriousError `bad_file` for one that is damaged, of a later version, or of something else
 */
export async function readManifest(folder: string): Promise<AuditManifest | undefined> {
  const path = join(folder, NAME);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new IllustriousError("bad_file", `${path}: cannot be read (${error.code})`, "Check its permissions.");
  });
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const why = `${issue?.path.join(".") || "it"}: ${issue?.message}`;
  const hint = "It may be of a later release of this program. To begin anew, name another folder.";
  throw new IllustriousError("bad_file", `${path}: not the manifest of an audit (${why})`, hint);
}

/** @throws IllustriousError `write_failed` */
export async function writeManifest(folder: string, manifest: AuditManifest): Promise<void> {
  await writeFileAtomic(join(folder, NAME), new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
}

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
