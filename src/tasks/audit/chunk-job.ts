/** @file What whoever measures a chunk is told, and what it tells meanwhile: plain data, which goes through a queue. */

import { createHash } from "node:crypto";
import { IllustriousError } from "../../base/error.ts";
import { VERSION } from "../version.ts";

export type ChunkJob = {
  readonly protocol: number;
  /** Version of the program that asks: rows of two versions need not be equal. */
  readonly program: string;
  /** Where chunks are: an absolute path, the same on every machine. */
  readonly folder: string;
  readonly name: string;
  readonly images: number;
  /** The paths that the audit was asked for, absolute. */
  readonly paths: readonly string[];
  readonly workingSide: number;
  /** Seconds a file. */
  readonly timeLimit: number;
};

export type ChunkProgress = {
  /** Images measured by whoever has the chunk, and those of them without measures. */
  readonly measured: number;
  readonly errors: number;
  /** `id` of the image in work, where they are taken one by one because workers were lost over this chunk. */
  readonly at?: number;
  /** How many workers were lost over which image. */
  readonly losses?: Readonly<Record<string, number>>;
};

/** Raised whenever jobs, plans or answers change in a way that an older program would get wrong. */
export const PROTOCOL = 1;

/** The queue's name. */
export const AUDIT_KIND = "audit";

/** By which an audit's jobs are told from those of others. @param out its folder, absolute */
export function groupOf(out: string): string {
  return createHash("sha256").update(out).digest("hex").slice(0, 16);
}

/** Why this program cannot do a job, if it is another version's. */
export function unfit({ protocol, program }: ChunkJob): IllustriousError | undefined {
  if (protocol === PROTOCOL && program === VERSION) return undefined;
  const message = `a chunk by illustrious ${program} (protocol ${protocol}); this is ${VERSION} (protocol ${PROTOCOL})`;
  return new IllustriousError("unsupported", message, "Use one version of the program on all machines.");
}
