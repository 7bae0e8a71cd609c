/**
 * @file What whoever measures a chunk is told, and what it tells meanwhile: plain data, which goes through a queue. Of a Redis it is
 * taken for what anyone may have written there, and checked.
 */

import { createHash } from "node:crypto";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { CHUNK_NAME } from "../../data/audit/index.ts";
import { VERSION } from "../version.ts";
import { auditOptions } from "./options.ts";

/** Raised whenever jobs, plans or answers change in a way that an older program would get wrong. */
export const PROTOCOL = 1;

/** The queue's name. */
export const AUDIT_KIND = "audit";

const path = z.string().max(4096).refine(isAbsolute, "not absolute");
const count = z.int().min(0);

/** What jobs of all versions have. */
const anyJob = z.object({ protocol: count, program: z.string().max(100), folder: path });

const chunkJob = anyJob.extend({
  /** Where chunks are: an absolute path, the same on every machine. */
  folder: path,
  name: z.string().regex(CHUNK_NAME),
  images: z.int().min(1),
  /** The paths that the audit was asked for, absolute. */
  paths: z.array(path),
  workingSide: auditOptions.shape.workingSide.unwrap(),
  /** Seconds a file. */
  timeLimit: auditOptions.shape.timeLimit.unwrap(),
});

/** `program` is the version of the program that asks: rows of two versions need not be equal. */
export type AnyJob = Readonly<z.output<typeof anyJob>>;
export type ChunkJob = Readonly<z.output<typeof chunkJob>>;

const chunkProgress = z.object({
  /** Images measured by whoever has the chunk, and those of them without measures. */
  measured: count,
  errors: count,
  /** `id` of the image in work, where they are taken one by one because workers were lost over this chunk. */
  at: count.optional(),
  /** How many workers were lost over which image. */
  losses: z.record(z.string().regex(/^\d+$/), count).optional(),
});

export type ChunkProgress = Readonly<z.output<typeof chunkProgress>>;

/** What was told, if it is what is told of chunks. */
export function progressOf(told: unknown): ChunkProgress | undefined {
  return chunkProgress.safeParse(told).data;
}

/** By which an audit's jobs are told from those of others. @param out its folder, absolute */
export function groupOf(out: string): string {
  return createHash("sha256").update(out).digest("hex").slice(0, 16);
}

/** @throws IllustriousError `queue_failed` for what is no job of any version */
export function anyJobOf(data: unknown): AnyJob {
  return checked(anyJob, data);
}

/** @throws IllustriousError `unsupported` for a job of another version; `queue_failed` for what is none */
export function chunkJobOf(data: unknown): ChunkJob {
  const { protocol, program } = anyJobOf(data);
  if (protocol === PROTOCOL && program === VERSION) return checked(chunkJob, data);
  const message = `a chunk by illustrious ${program} (protocol ${protocol}); this is ${VERSION} (protocol ${PROTOCOL})`;
  throw new IllustriousError("unsupported", message, "Use one version of the program on all machines.");
}

function checked<Schema extends z.ZodType>(schema: Schema, data: unknown): z.output<Schema> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "all of it"}: ${message}`);
  const hint = "Let nothing but audits write to this Redis.";
  throw new IllustriousError(
    "queue_failed",
    `in the queue is what is no chunk of an audit (${faults.join("; ")})`,
    hint,
  );
}
