/**
 * @file JSON as RFC 8259 has it, read into a form that keeps what `JSON.parse` loses: a repeated key is an error, keys
 * such as `__proto__` are only keys, and a number stays the text it was, since 2^53 + 1 has no float64.
 */

export type JsonValue =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "array"; readonly items: readonly JsonValue[] }
  | { readonly kind: "object"; readonly entries: ReadonlyMap<string, JsonValue> }
  | { readonly kind: "literal"; readonly value: true | false | null };

/** Why a text is not strict JSON, and at which UTF-16 unit; the caller knows the file and makes the error of it. */
export class JsonFault extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Deeper than this is refused, so that a file of brackets cannot exhaust the stack. serde_json has the same limit. */
const MAX_DEPTH = 128;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside a string
const CONTROL = /[\u0000-\u001f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @throws JsonFault */
export function parseStrictJson(text: string): JsonValue {
  const cursor: Cursor = { text, at: 0 };
  const value = readValue(cursor, 0);
  skipSpace(cursor);
  if (cursor.at < text.length) throw new JsonFault("something follows the JSON value", cursor.at);
  return value;
}

type Cursor = { readonly text: string; at: number };

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const unit = cursor.text.charCodeAt(cursor.at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    cursor.at++;
  }
}

/** Skips space, then takes `token` if it stands there. */
function take(cursor: Cursor, token: string): boolean {
  skipSpace(cursor);
  if (!cursor.text.startsWith(token, cursor.at)) return false;
  cursor.at += token.length;
  return true;
}

function readValue(cursor: Cursor, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new JsonFault(`values are nested more than ${MAX_DEPTH} deep`, cursor.at);
  skipSpace(cursor);
  switch (cursor.text[cursor.at]) {
    case "{":
      cursor.at++;
      return readObject(cursor, depth);
    case "[":
      cursor.at++;
      return readArray(cursor, depth);
    case '"':
      cursor.at++;
      return { kind: "string", value: readString(cursor) };
    case "t":
      return readWord(cursor, "true", true);
    case "f":
      return readWord(cursor, "false", false);
    case "n":
      return readWord(cursor, "null", null);
    default:
      return readNumber(cursor);
  }
}

function readWord(cursor: Cursor, word: string, value: true | false | null): JsonValue {
  if (!take(cursor, word)) throw new JsonFault("expected a value", cursor.at);
  return { kind: "literal", value };
}

function readNumber(cursor: Cursor): JsonValue {
  NUMBER.lastIndex = cursor.at;
  if (!NUMBER.test(cursor.text)) throw new JsonFault("expected a value", cursor.at);
  const text = cursor.text.slice(cursor.at, NUMBER.lastIndex);
  cursor.at = NUMBER.lastIndex;
  return { kind: "number", text };
}

function readObject(cursor: Cursor, depth: number): JsonValue {
  const entries = new Map<string, JsonValue>();
  if (take(cursor, "}")) return { kind: "object", entries };
  for (;;) {
    if (!take(cursor, '"')) throw new JsonFault("expected a key in quotes", cursor.at);
    const at = cursor.at;
    const key = readString(cursor);
    if (entries.has(key)) throw new JsonFault(`the key ${JSON.stringify(key.slice(0, 120))} stands there twice`, at);
    if (!take(cursor, ":")) throw new JsonFault('expected ":"', cursor.at);
    entries.set(key, readValue(cursor, depth + 1));
    if (take(cursor, "}")) return { kind: "object", entries };
    if (!take(cursor, ",")) throw new JsonFault('expected "," or "}"', cursor.at);
  }
}

function readArray(cursor: Cursor, depth: number): JsonValue {
  const items: JsonValue[] = [];
  if (take(cursor, "]")) return { kind: "array", items };
  for (;;) {
    items.push(readValue(cursor, depth + 1));
    if (take(cursor, "]")) return { kind: "array", items };
    if (!take(cursor, ",")) throw new JsonFault('expected "," or "]"', cursor.at);
  }
}

/** Reads on after the opening quote, past the closing one. */
function readString(cursor: Cursor): string {
  const { text, at: start } = cursor;
  let end = text.indexOf('"', start);
  while (end >= 0 && isEscaped(text, start, end)) end = text.indexOf('"', end + 1);
  if (end < 0) throw new JsonFault("a string has no end", start);
  cursor.at = end + 1;
  const raw = text.slice(start, end);
  if (CONTROL.test(raw)) throw new JsonFault("a control character in a string", start);
  if (!raw.includes("\\")) return raw;
  const value = unescaped(raw, start);
  if (LONE_SURROGATE.test(value)) throw new JsonFault("half of a surrogate pair in a string", start);
  return value;
}

function unescaped(raw: string, start: number): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    throw new JsonFault("an unknown escape in a string", start);
  }
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(text: string, start: number, at: number): boolean {
  let before = at;
  while (before > start && text[before - 1] === "\\") before--;
  return (at - before) % 2 === 1;
}
