/**
 * @file Text of unknown origin made fit for a terminal. File names, prompts and metadata come from strangers, and a
 * terminal obeys what it finds in them: escape sequences can set titles, hide text or type into the user's shell.
 */

/** C0 but for tab and line feed, DEL, C1 (U+009B alone starts a sequence), and the controls that turn writing round. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Control characters become visible (`\x1b`); tabs and line ends stay. */
export function safeText(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(CONTROLS, visible);
}

/** The same on one line. */
export function safeLine(text: string): string {
  return safeText(text).replace(/\n/g, "\\n").replace(/\t/g, "\\t");
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/**
 * One line of JSON. Numbers that JSON does not have become the strings `"Infinity"`, `"-Infinity"` and `"NaN"`; what a
 * terminal might obey is escaped, which JSON does by itself for C0 only.
 */
export function jsonLine(value: unknown): string {
  const finite = (_key: string, v: unknown) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v);
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(value, finite).replace(CONTROLS, escaped)}\n`;
}

/** The half-width forms of Katakana and Hangul are narrow. */
const WIDE =
  /(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const ZERO = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that one line takes in a terminal, as most terminals count. */
export function displayWidth(line: string): number {
  let width = 0;
  for (const character of line) width += ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** The line, or its beginning and an ellipsis, in at most `columns`. */
export function clip(line: string, columns: number): string {
  if (displayWidth(line) <= columns) return line;
  let kept = "";
  let width = 0;
  for (const character of line) {
    width += displayWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
