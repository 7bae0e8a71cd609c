/**
 * @file Text put into and taken out of one string of a JSON line, or one list of strings, while every other byte of the line stays as it is.
 * A list is one text: `LIST_SEPARATOR` stands for what parts two strings, `", "` or how it is spelled. Whatever is taken out of such a text,
 * or put in, a list is left.
 */

import { type Insertion, LIST_SEPARATOR } from "./caption-text.ts";

export type Span = {
  readonly from: number;
  readonly to: number;
  /** Of a list: what parts strings that are put in. */
  readonly parting?: string;
};

/** Strings of a list that has nothing else, with the quotes around them. */
const LIST = /^(\s*")((?:[^"\\]|\\.)*(?:("\s*,\s*")(?:[^"\\]|\\.)*)*)"\s*$/;

/**
 * An object's own strings, and lists of strings but for empty ones: where they lie in the line, between their (first and last) quotes. Of a name
 * that is there twice, the last counts.
 */
export function stringFields(line: string): Map<string, Span> {
  const fields = new Map<string, Span>();
  let depth = 0;
  let name: string | undefined;
  let opened = 0;
  for (const { 0: token, index } of line.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    if (token === "{" || token === "[") {
      if (++depth === 2) opened = index + 1;
    } else if (token === "}" || token === "]") {
      const list = --depth === 1 && token === "]" && name !== undefined && LIST.exec(line.slice(opened, index));
      if (!list) continue;
      const from = opened + list[1]!.length;
      const parting = list[3] ?? (/:\s*\[\s*$/.exec(line.slice(0, from - 1))![0].startsWith(": ") ? '", "' : '","');
      fields.set(name!, { from, to: from + list[2]!.length, parting });
    } else if (token === ",") {
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

/** A string of `stringFields`, as it reads; of a list all on one line. */
export function fieldText(line: string, { from, to, parting }: Span): string {
  const inner = line.slice(from, to);
  if (parting === undefined) return JSON.parse(`"${inner}"`) as string;
  const texts = JSON.parse(`["${inner}"]`) as string[];
  return texts.map((text) => text.replace(/[\r\n\ufeff]/g, " ").replaceAll(LIST_SEPARATOR, " ")).join(LIST_SEPARATOR);
}

/**
 * @param remove pieces of the string as it is
 * @param insert pieces of the string as it will be
 */
export function rewriteField(
  line: string,
  { from, to, parting }: Span,
  remove: readonly Insertion[],
  insert: readonly Insertion[],
): string {
  // One UTF-16 unit of the string each, as it is spelled.
  const units = line.slice(from, to).match(/"\s*,\s*"|\\u[0-9a-fA-F]{4}|\\.|[\s\S]/g) ?? [];
  for (const { at, text } of remove.toReversed()) units.splice(at, text.length);
  const spell = (text: string): string => JSON.stringify(text).slice(1, -1);
  for (const { at, text } of insert) {
    const whole = parting === undefined ? spell(text) : text.split(LIST_SEPARATOR).map(spell).join(parting);
    const spelled = [...Array(text.length).keys()].map((i) => (i === 0 ? whole : ""));
    units.splice(at, 0, ...spelled);
  }
  return line.slice(0, from) + units.join("") + line.slice(to);
}
