/**
 * @file Pictures that cannot be decoded and that a run goes without. The order of all others depends on which are there, so a run that is
 * gone on with leaves out those that it began without, and no others.
 */

import { IllustriousError } from "../base/error.ts";
import type { DataSet } from "../data/sets/index.ts";
import type { Finding } from "../sampling/finding.ts";

/** Why each is left out, by the key of its image. */
export type LeftOut = Readonly<Record<string, string>>;

/** The reason, if it is that of a damaged file; everything else is thrown on. */
export function whyBroken(error: unknown): string {
  if (error instanceof IllustriousError && error.code === "bad_file") return error.message;
  throw error;
}

/** @throws IllustriousError `bad_file` where nothing is left */
export function withoutPictures(set: DataSet, leftOut: LeftOut): DataSet {
  const items = set.items.filter(({ image }) => !Object.hasOwn(leftOut, image.key));
  if (items.length > 0 || set.items.length === 0) return { ...set, items };
  const [reason] = Object.values(leftOut);
  const message = `none of the ${Object.keys(leftOut).length} pictures can be decoded: ${reason}`;
  throw new IllustriousError("bad_file", message, "Save the pictures again, as PNG for instance.");
}

/**
 * Refuses to go on without pictures that a run began with.
 *
 * @throws IllustriousError `bad_file`
 */
export function refuseNewlyBroken(broken: LeftOut): void {
  const reasons = Object.values(broken);
  if (reasons.length === 0) return;
  const message = `${reasons.length} of the pictures that this run began with can no longer be decoded: ${named(reasons)}`;
  throw new IllustriousError("bad_file", message, "Bring the files back, or begin anew with --restart.");
}

export function leftOutFinding(leftOut: LeftOut): Finding[] {
  const reasons = Object.values(leftOut);
  if (reasons.length === 0) return [];
  const what = reasons.length === 1 ? "1 picture is left out: it" : `${reasons.length} pictures are left out: they`;
  const finding: Finding = {
    level: "warning",
    code: "pictures_left_out",
    message: `${what} cannot be decoded (${named(reasons)})`,
    hint: "Save them again or take them out of the data set. A run that goes on leaves out the same ones; --restart looks anew.",
  };
  return [finding];
}

const MOST_NAMED = 20;

function named(reasons: readonly string[]): string {
  const rest = reasons.length - MOST_NAMED;
  return [...reasons.slice(0, MOST_NAMED), ...(rest > 0 ? [`and ${rest} more`] : [])].join("; ");
}
