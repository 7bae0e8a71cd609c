/**
 * @file ComfyUI's grammar: `(x)` weighs ×1.1 and `(x:1.2)` weighs 1.2, which replaces the weight around it. `\(` and `\)` are literal.
 * `[x]`, `BREAK`, `AND` and `<lora:…>` mean nothing. Source: `comfy/sd1_clip.py`, token_weights and parse_parentheses.
 *
 * Groups are found by counting, from the left: an opening bracket that is never closed is text, and after a closing bracket too many
 * the next opening one is text too.
 */

import {
  clampWeight,
  foreignSigns,
  MAX_NESTING,
  nearlyWeights,
  type Parsed,
  readNumber,
  type Segment,
} from "./segments.ts";

const ROUND = 1.1;
/** UTF-16 codes: a group is read once for each bracket around it, and comparing numbers makes that cheap. */
const [OPEN, CLOSE, BACKSLASH] = [40, 41, 92];

export function parseComfyUi(prompt: string): Parsed {
  const segments: Segment[] = [];
  const warnings = new Set<string>();
  const isSign = (sign: number, i: number): boolean =>
    prompt.charCodeAt(i) === sign && prompt.charCodeAt(i - 1) !== BACKSLASH;

  const weigh = (from: number, to: number, weight: number, depth: number): void => {
    let level = 0;
    let start = from;
    const flush = (end: number): void => {
      if (end > start) item(start, end, weight, depth);
      start = end;
    };
    for (let i = from; i < to; i++) {
      if (isSign(OPEN, i)) {
        if (level === 0) flush(i);
        level++;
      } else if (isSign(CLOSE, i)) {
        level--;
        if (level === 0) flush(i + 1);
      }
    }
    flush(to);
  };

  const item = (from: number, to: number, weight: number, depth: number): void => {
    const isGroup = to - from >= 2 && isSign(OPEN, from) && isSign(CLOSE, to - 1);
    if (isGroup && depth < MAX_NESTING) {
      const tail = weightAtEnd(prompt, from + 1, to - 1);
      if (tail) weigh(from + 1, tail.colon, clampWeight(tail.weight), depth + 1);
      else weigh(from + 1, to - 1, clampWeight(weight * ROUND), depth + 1);
      return;
    }
    if (isGroup) warnings.add(`Brackets nested deeper than ${MAX_NESTING} have no effect.`);
    const text = prompt.slice(from, to).replaceAll("\\(", "(").replaceAll("\\)", ")");
    segments.push({ text, weight, isBreak: false });
  };

  weigh(0, prompt.length, 1, 0);
  for (const warning of nearlyWeights(prompt)) warnings.add(warning);
  for (const [pattern, what] of FOREIGN) {
    if (pattern.test(prompt)) warnings.add(`${what} means nothing in ComfyUI's syntax and is read as text.`);
  }
  return { segments, warnings: [...warnings, ...foreignSigns(prompt)] };
}

/** A number after the last colon of a group; a colon that opens the group does not count. Reads back no further than it must. */
function weightAtEnd(prompt: string, from: number, to: number): { weight: number; colon: number } | undefined {
  let i = to - 1;
  while (i > from && /[\d.eE+\-\s]/.test(prompt[i]!)) i--;
  if (i <= from || prompt[i] !== ":") return undefined;
  const weight = readNumber(prompt.slice(i + 1, to));
  return weight === undefined ? undefined : { weight, colon: i };
}

/** What people bring along from A1111. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/u, "BREAK"],
  [/(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/u, "AND"],
  [/<lora:/, "<lora:…>"],
];
