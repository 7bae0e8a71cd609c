/**
 * @file A1111's infotext: how a picture was made, as the text that people copy and paste.
 *
 *     <prompt, may span lines>
 *     Negative prompt: <negative prompt, may span lines>
 *     Steps: 28, Sampler: Euler a, CFG scale: 5, Seed: 1, Size: 832x1216, ...
 *
 * The rules are those of AUTOMATIC1111/stable-diffusion-webui, `modules/processing.py` (`create_infotext`) and
 * `modules/infotext_utils.py` (`quote`, `parse_generation_parameters`), read here in time linear in the text's length.
 */

import { IllustriousError } from "../base/error.ts";

export type Infotext = {
  readonly prompt: string;
  readonly negativePrompt: string;
  /** In the order of the text. Any key of letters, digits, `_`, spaces, `-` and `/` is kept, known or not. */
  readonly fields: ReadonlyMap<string, string>;
};

export type InfotextToFormat = {
  readonly prompt: string;
  readonly negativePrompt?: string;
  /** Written in this order; a field whose value is undefined is left out. */
  readonly fields: Iterable<readonly [key: string, value: string | number | undefined]>;
};

const NEGATIVE = "Negative prompt:";

const TEMPLATE = /^(Negative )?Template:/;
/** The settings that A1111 writes begin with it. */
const FIRST_FIELD = "Steps:";

/** Below this many fields a last line is taken for part of the prompt. */
const LEAST_FIELDS = 3;

/** Python's `\w` and the other letters of a key. */
const KEY = /^[\p{L}\p{N}_][\p{L}\p{N}_ \-/]+$/u;

/**
 * Writes an infotext. `parseInfotext` gives back what went in, provided that there are at least three fields, that no line
 * of the prompts begins or ends with white space, that the first line of each is not empty, and that no line of the prompt
 * begins with `Negative prompt:`; A1111 loses the same. Nor may a line that begins with `Template:` follow one that begins
 * with `Steps:`.
 *
 * @throws IllustriousError `bad_option` for a key that could not be read back
 */
export function formatInfotext({ prompt, negativePrompt = "", fields }: InfotextToFormat): string {
  const items: string[] = [];
  for (const [key, value] of fields) {
    if (!KEY.test(key)) {
      const hint = 'A key has two or more letters, digits, "_", spaces, "-" and "/", the first no space, "-" or "/".';
      throw new IllustriousError("bad_option", `${JSON.stringify(key.slice(0, 120))} is no key of an infotext`, hint);
    }
    if (value !== undefined) items.push(formatItem(key, String(value)));
  }
  const negative = negativePrompt === "" ? "" : `\n${NEGATIVE} ${negativePrompt}`;
  return `${prompt}${negative}\n${items.join(", ")}`.trim();
}

function formatItem(key: string, value: string): string {
  if (key === HASHES && isFlatJson(value)) return `${key}: ${value}`;
  return key === value ? key : `${key}: ${needsQuotes(value) ? JSON.stringify(value) : value}`;
}

/**
 * The one field whose value is JSON as it stands: Civitai finds models by `/, Hashes:\s*({[^}]+})/` (civitai/civitai,
 * `src/utils/metadata/automatic.metadata.ts`), which sees nothing in a quoted text.
 */
const HASHES = "Hashes";

/** An object of texts that have no braces in them, with spaces where Python puts them. */
function isFlatJson(text: string): boolean {
  return /^\{(?:"(?:[^"\\{}\n]|\\[^{}\n])*": ?"(?:[^"\\{}\n]|\\[^{}\n])*"(?:, ?(?=")|(?=\})))+\}$/.test(text);
}

/** A1111 quotes for `,`, line ends and `:`. The rest, which it would lose or change, reads back right there as well. */
function needsQuotes(value: string): boolean {
  return /[,\n:]/.test(value) || value === "" || value.startsWith('"') || value.trim() !== value;
}

/** Reads an infotext; any text is one, if need be all prompt. Of fields with the same key the last counts. */
export function parseInfotext(text: string): Infotext {
  const lines = withoutTemplates(text.trim().split("\n"));
  const fields = parseFields(lines.at(-1)!);
  if (fields) lines.pop();
  const trimmed = lines.map((line) => line.trim());
  const split = trimmed.findIndex((line) => line.startsWith(NEGATIVE));
  const positive = split < 0 ? trimmed : trimmed.slice(0, split);
  const negative = split < 0 ? [] : trimmed.slice(split).map(withoutLabel);
  return { prompt: joinLines(positive), negativePrompt: joinLines(negative), fields: fields ?? new Map() };
}

/** What sd-dynamic-prompts appends to A1111's settings: from what the prompts were made, on any number of lines. */
function withoutTemplates(lines: string[]): string[] {
  const begin = lines.findIndex((line, i) => TEMPLATE.test(line) && lines[i - 1]?.startsWith(FIRST_FIELD));
  return begin < 0 ? lines : lines.slice(0, begin);
}

/** A repeated label begins no other text: A1111 drops it and goes on. */
function withoutLabel(line: string): string {
  return line.startsWith(NEGATIVE) ? line.slice(NEGATIVE.length).trim() : line;
}

/** Empty lines count only behind one that is not. */
function joinLines(lines: readonly string[]): string {
  const first = lines.findIndex((line) => line !== "");
  return first < 0 ? "" : lines.slice(first).join("\n");
}

const KEY_LETTER = /^[\p{L}\p{N}_ \-/]$/u;
/** Nearly all letters of keys, told apart without an expression. */
const ASCII_KEY_LETTER = Array.from({ length: 128 }, (_, unit) => KEY_LETTER.test(String.fromCharCode(unit)));
const TWO_LETTERS = /^..$/su;

/** An item without a colon, in a line that others wrote, may be anything; none of A1111's is longer. */
const LONGEST_BARE_KEY = 64;

/**
 * The fields of a line, or undefined when there are fewer than three and the line is prompt.
 *
 * A1111 finds each with `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`, which takes quadratic time on a long line
 * without colons. The same matches are found here from colon to colon: each looks back for its key, but never past the
 * one before, and forward for its value, from where the search goes on.
 */
function parseFields(line: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  let found = 0;
  let item = 0;
  for (let colon = line.indexOf(":"), from = 0; colon >= 0; colon = line.indexOf(":", from)) {
    const start = keyStart(line, from, colon);
    from = colon + 1;
    if (start === undefined) continue;
    if (item < start) addBareItems(fields, line.slice(item, start).split(",").slice(0, -1));
    const begin = skipSpace(line, from);
    const key = line.slice(start, colon);
    const end = (key === HASHES ? hashesEnd(line, begin) : undefined) ?? valueEnd(line, jsonEnd(key, line, begin));
    fields.set(key, unquote(line.slice(begin, end)));
    found++;
    from = end + 1;
    item = from;
  }
  addBareItems(fields, line.slice(item).split(","));
  return found < LEAST_FIELDS ? undefined : fields;
}

/** An item whose key equals its value is written as one word; A1111 itself does not read these back. */
function addBareItems(fields: Map<string, string>, items: readonly string[]): void {
  for (const text of items) {
    const key = text.length <= LONGEST_BARE_KEY + 2 ? text.trim() : "";
    if (KEY.test(key) && !fields.has(key)) fields.set(key, key);
  }
}

/** Where the key begins that ends at `colon`, or undefined when there is none of two letters. */
function keyStart(line: string, from: number, colon: number): number | undefined {
  let start = colon;
  while (start > from) {
    const unit = line.charCodeAt(start - 1);
    const step = unit >= 0xdc00 && unit <= 0xdfff ? 2 : 1;
    if (start - step < from) break;
    if (!(unit < 128 ? ASCII_KEY_LETTER[unit] : KEY_LETTER.test(line.slice(start - step, start)))) break;
    start -= step;
  }
  while (start < colon && /[ \-/]/.test(line[start]!)) start++;
  const length = colon - start;
  return length > 2 || (length === 2 && TWO_LETTERS.test(line.slice(start, colon))) ? start : undefined;
}

function skipSpace(line: string, at: number): number {
  while (at < line.length && /\s/.test(line[at]!)) at++;
  return at;
}

/** A quoted text that a comma or the line's end follows; else all up to the next comma. */
function valueEnd(line: string, begin: number): number {
  if (line[begin] === '"') {
    let at = begin + 1;
    while (at < line.length && line[at] !== '"') at += line[at] === "\\" ? 2 : 1;
    if (at + 1 === line.length || line[at + 1] === ",") return at + 1;
  }
  const comma = line.indexOf(",", begin);
  return comma < 0 ? line.length : comma;
}

/** Where Civitai's unquoted JSON ends, or, where it never does, the line; the beginning of any other value. */
function jsonEnd(key: string, line: string, begin: number): number {
  if (!key.startsWith("Civitai ") || !/[[{]/.test(line[begin] ?? "")) return begin;
  const token = /"(?:[^"\\]|\\.)*"?|[[\]{}]/g;
  token.lastIndex = begin;
  let depth = 0;
  for (let match = token.exec(line); match; match = token.exec(line)) {
    if (/^[[{]/.test(match[0])) depth++;
    else if (/^[\]}]/.test(match[0]) && --depth === 0) return token.lastIndex;
  }
  return line.length;
}

/** Of flat JSON that a comma or the line's end follows. Stops at the next brace, so that no letter is looked at twice. */
function hashesEnd(line: string, begin: number): number | undefined {
  const object = /\{[^{}]*\}/y;
  object.lastIndex = begin;
  const text = object.exec(line)?.[0] ?? "";
  const end = begin + text.length;
  return isFlatJson(text) && (end === line.length || line[end] === ",") ? end : undefined;
}

/** What looks like JSON but is not stays as it is. */
function unquote(value: string): string {
  if (!value.startsWith('"') || !value.endsWith('"')) return value;
  try {
    return JSON.parse(value) as string;
  } catch {
    return value;
  }
}
