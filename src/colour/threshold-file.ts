/** @file Control thresholds as a JSON text: written so that people can read and change it, read with suspicion. */

import { IllustriousError } from "../base/error.ts";
import { CONTROL_FAMILY_NAMES, type ControlThresholds } from "./control-tokens.ts";

export function printThresholds(thresholds: ControlThresholds): string {
  const text = JSON.stringify(thresholds, null, 2);
  // Three numbers of a family on one line.
  return `${text.replace(/\[\s+([^[\]]*?)\s+\]/g, (_, list: string) => `[${list.replace(/\s+/g, " ")}]`)}\n`;
}

/**
 * Thresholds from the text of a file.
 *
 * @param source what to call the file in a message
 * @throws IllustriousError `bad_file` when it is not JSON, not thresholds, of a later version, or has cuts that fall
 */
export function parseThresholds(text: string, source = "the thresholds"): ControlThresholds {
  const bad = (what: string, hint = "Fit and write it again.") =>
    new IllustriousError("bad_file", `${source}: ${what}`, hint);
  const record = asRecord(parseJson(text)) ?? fail(bad("not a JSON object"));
  if (record.format !== "illustrious.control-thresholds") throw bad(`its format is ${JSON.stringify(record.format)}`);
  if (record.version !== 1) {
    throw bad(`version ${JSON.stringify(record.version)}, known is 1`, "It may be of a later release of this program.");
  }
  const { name, pictures, workingSide } = record;
  if (typeof name !== "string") throw bad("it has no name");
  if (!isCount(pictures) || !isCount(workingSide)) throw bad("pictures and workingSide must be positive whole numbers");
  const three = (value: unknown, what: string) =>
    asCuts(value) ?? fail(bad(`${what} must be three numbers that do not fall`));
  const families = asRecord(record.cuts) ?? {};
  const cuts = CONTROL_FAMILY_NAMES.map((family) => [family, three(families[family], `cuts of ${family}`)]);
  return {
    format: "illustrious.control-thresholds",
    version: 1,
    name,
    pictures,
    workingSide,
    quantiles: three(record.quantiles, "quantiles"),
    cuts: Object.fromEntries(cuts) as ControlThresholds["cuts"],
  };
}

function fail(error: IllustriousError): never {
  throw error;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function asCuts(value: unknown): [number, number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const rising = value.every((cut, i) => Number.isFinite(cut) && (i === 0 || cut >= value[i - 1]));
  return rising ? (value as [number, number, number]) : undefined;
}
