/** @file Text put into and taken out of one string of a JSON line, while every other byte of the line stays as it is. */

import type { Insertion } from "./caption-text.ts";

export type Span = { readonly from: number; readonly to: number };

/** An object's own strings: where they lie in the line, between their quotes. Of a name that is there twice, the last counts. */
export function stringFields(line: string): Map<string, Span> {
  const fields = new Map<string, Span>();
  let depth = 0;
  let name: string | undefined;
  for (const { 0: token, index } of line.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (token === ",") {
      if (depth === 1) name = undefined;
    } else if (depth === 1) {
      if (name === undefined) {
        name = JSON.parse(token) as string;
        fields.delete(name);
      } else fields.set(name, { from: index + 1, to: index + token.length - 1 });
    }
  }
  return fields;
}

/** A string of `stringFields`, as it reads. */
export function fieldText(line: string, { from, to }: Span): string {
  return JSON.parse(`"${line.slice(from, to)}"`) as string;
}

/**
 * @param remove pieces of the string as it is
 * @param insert pieces of the string as it will be
 */
export function rewriteField(
  line: string,
  { from, to }: Span,
  remove: readonly Insertion[],
  insert: readonly Insertion[],
): string {
  // One UTF-16 unit of the string each, as it is spelled.
  const units = line.slice(from, to).match(/\\u[0-9a-fA-F]{4}|\\.|[\s\S]/g) ?? [];
  for (const { at, text } of remove.toReversed()) units.splice(at, text.length);
  for (const { at, text } of insert) {
    const spelled = [...Array(text.length).keys()].map((i) => (i === 0 ? JSON.stringify(text).slice(1, -1) : ""));
    units.splice(at, 0, ...spelled);
  }
  return line.slice(0, from) + units.join("") + line.slice(to);
}
