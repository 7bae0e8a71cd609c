/** @file Reads fields of a JSON configuration; every failure names the file, the field and the value found. */

import { IllustriousError } from "../../base/error.ts";

/** A field that is absent or null takes the fallback; without a fallback it is an error. */
export type Fields = {
  readonly where: string;
  has(field: string): boolean;
  number(field: string, fallback?: number): number;
  /** A whole number above 0. */
  count(field: string, fallback?: number): number;
  flag(field: string, fallback: boolean): boolean;
  counts(field: string): number[];
  numbers(field: string): number[];
  words(field: string): string[];
  /** One count for all levels, or a list with one a level. */
  countPerLevel(field: string, levels: number, fallback?: number): number[];
  oneOf<T extends string>(field: string, allowed: readonly T[], fallback?: T): T;
  /** Refuses any value but these and absence; for options of the original that are not built here. */
  only(field: string, allowed: readonly unknown[]): void;
  wrong(field: string, wanted: string): IllustriousError;
};

/** @param where what to call the file in errors, such as `unet/config.json` */
export function readFields(json: unknown, where: string): Fields {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new IllustriousError("bad_file", `${where}: expected a JSON object, found ${show(json)}`);
  const record = json as Record<string, unknown>;
  const wrong = (field: string, wanted: string) =>
    new IllustriousError(
      record[field] == null ? "bad_file" : "unsupported",
      record[field] == null
        ? `${where}: ${field} is missing; wanted: ${wanted}`
        : `${where}: ${field} is ${show(record[field])}; wanted: ${wanted}`,
    );
  const read = <T>(field: string, wanted: string, accept: (value: unknown) => T | undefined, fallback?: T): T => {
    const value = record[field];
    if (value == null && fallback !== undefined) return fallback;
    const accepted = accept(value);
    if (accepted === undefined) throw wrong(field, wanted);
    return accepted;
  };
  const list =
    <T>(accept: (value: unknown) => T | undefined) =>
    (value: unknown): T[] | undefined => {
      if (!Array.isArray(value) || value.length === 0) return undefined;
      const items = value.map(accept);
      return items.some((item) => item === undefined) ? undefined : (items as T[]);
    };
  return {
    where,
    has: (field) => record[field] != null,
    number: (field, fallback) => read(field, "a number", asNumber, fallback),
    count: (field, fallback) => read(field, "a whole number above 0", asCount, fallback),
    flag: (field, fallback) =>
      read(field, "true or false", (v) => (typeof v === "boolean" ? v : undefined), fallback as boolean),
    counts: (field) => read(field, "a list of whole numbers above 0", list(asCount)),
    numbers: (field) => read(field, "a list of numbers", list(asNumber)),
    words: (field) =>
      read(
        field,
        "a list of names",
        list((v) => (typeof v === "string" ? v : undefined)),
      ),
    countPerLevel: (field, levels, fallback) => {
      const wanted = `a whole number above 0, or ${levels} of them`;
      const spread = (n: number) => new Array<number>(levels).fill(n);
      const accept = (value: unknown) => {
        const one = asCount(value);
        if (one !== undefined) return spread(one);
        const many = list(asCount)(value);
        return many?.length === levels ? many : undefined;
      };
      return read(field, wanted, accept, fallback === undefined ? undefined : spread(fallback));
    },
    oneOf: (field, allowed, fallback) =>
      read(field, allowed.map(show).join(" or "), (v) => allowed.find((a) => a === v), fallback),
    only: (field, allowed) => {
      const value = record[field];
      if (value == null || allowed.some((a) => JSON.stringify(a) === JSON.stringify(value))) return;
      throw wrong(field, allowed.length === 0 ? "null" : allowed.map(show).join(" or "));
    },
    wrong,
  };
}

function asNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function asCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
