/** @file Lists such as `["betas=0.9,0.99", "scale_parameter=False"]`, whose values are Python's, as sd-scripts has them. */

import { IllustriousError } from "../../base/error.ts";

export type Literal = number | boolean | null | string | number[];

/** Throws IllustriousError `bad_option` for what is no `name=value` and for a name that comes twice. */
export function assignments(list: readonly string[], key: string): Map<string, Literal> {
  const found = new Map<string, Literal>();
  for (const text of list) {
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/s.exec(text) ?? [];
    if (name === undefined || value === undefined || found.has(name)) {
      const hint = 'Needs entries like "weight_decay=0.01", each name once.';
      throw new IllustriousError("bad_option", `${key}: ${JSON.stringify(text)}`, hint);
    }
    found.set(name, literal(value));
  }
  return found;
}

function literal(text: string): Literal {
  if (text === "True" || text === "true") return true;
  if (text === "False" || text === "false") return false;
  if (text === "None") return null;
  const inner = text.replace(/^[([]|[)\]]$/g, "");
  const numbers = inner.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (numbers.some(Number.isNaN)) return text.replace(/^(["'])(.*)\1$/s, "$2");
  return numbers.length === 1 && inner === text ? numbers[0]! : numbers;
}
