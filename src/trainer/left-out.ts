/**
 * @file Pictures that cannot be decoded and that a run goes without. The order of all others depends on which are there, so a run that is
 * gone on with leaves out those that it began without, and no others.
 */

import { IllustriousError } from "../base/error.ts";
import type { DataSet } from "../data/sets/index.ts";
import type { Finding } from "../sampling/finding.ts";

/** Why each is left out, by the key of its image. */
export type LeftOut = Readonly<Record<string, string>>;

/** The reason, if it is that of a damaged file, or of one that is gone since the scan; everything else is thrown on. */
export function whyBroken(error: unknown): string {
  if (error instanceof IllustriousError && ["bad_file", "missing_file"].includes(error.code)) return error.message;
  throw error;
}

/**
 * What a new run finds broken; or what a run began without that goes on, if nothing else has broken since.
 *
 * @throws IllustriousError `bad_file`
 */
export function leftOutOf(broken: LeftOut, saved: { readonly leftOut?: LeftOut } | undefined): LeftOut {
  if (!saved) return broken;
  if (Object.keys(broken).length > 0) throw brokenSince(broken);
  return saved.leftOut ?? {};
}

/** @throws IllustriousError `bad_file` where nothing is left */
export function withoutPictures(set: DataSet, leftOut: LeftOut): DataSet {
  const items = set.items.filter(({ image }) => !Object.hasOwn(leftOut, image.key));
  if (items.length > 0 || set.items.length === 0) return { ...set, items };
  const [reason] = Object.values(leftOut);
  const message = `none of the ${Object.keys(leftOut).length} pictures can be decoded: ${reason}`;
  throw new IllustriousError("bad_file", message, "Save the pictures again, as PNG for instance.");
}

/** A run does not go on without pictures that it began with: its batches would no longer follow from what a checkpoint keeps. */
export function brokenSince(broken: LeftOut): IllustriousError {
  const reasons = Object.values(broken);
  const message = `${reasons.length} of the pictures that this run began with can no longer be decoded: ${named(reasons)}`;
  const hint =
    "Bring the files back and start again, which goes on from the newest checkpoint; or begin anew with --restart.";
  return new IllustriousError("bad_file", message, hint);
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
