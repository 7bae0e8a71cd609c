/**
 * @file The emphasis grammar of A1111 (and Forge): `(x)` weighs ×1.1, `[x]` ÷1.1, `(x:1.2)` ×1.2, nested weights multiply, a backslash
 * makes a bracket literal, and `BREAK` ends a chunk.
 *
 * It is followed to the letter, for a prompt is half of the recipe of a picture. So a bracket that is never closed weighs everything
 * after it, a closing bracket alone is text, a backslash before anything else disappears, and neighbours of equal weight are
 * joined before they become tokens: `(un)(necessary)` is one word. Source: `modules/prompt_parser.py`, parse_prompt_attention.
 */

import {
  clampWeight,
  foreignSigns,
  MAX_NESTING,
  nearlyWeights,
  notNumber,
  type Parsed,
  readNumber,
  type Segment,
} from "./segments.ts";

/** In this order: what a backslash does, opening, weight with its closing, closing, text, and a colon that is no weight. */
const TOKEN = /\\[()[\]\\]?|[([]|:\s*([+-]?[.\d]+)\s*\)|[)\]]|[^\\()[\]:]+|:/g;
const BREAK = /(?<![\p{L}\p{N}_])BREAK(?![\p{L}\p{N}_])/u;
const ROUND = 1.1;
const SQUARE = 1 / 1.1;
/** What a BREAK weighs, as it stands in the list with the texts. Brackets around it change that, and then it is a word. */
const BREAK_WEIGHT = -1;

type Piece = { text: string; weight: number; isBreak: boolean };

export function parseA1111(prompt: string): Parsed {
  const pieces: Piece[] = [];
  const round: number[] = [];
  const square: number[] = [];
  const warnings = new Set<string>();

  const add = (text: string): void => {
    pieces.push({ text, weight: 1, isBreak: false });
  };
  const weigh = (from: number, factor: number): void => {
    for (let i = from; i < pieces.length; i++) pieces[i]!.weight = clampWeight(pieces[i]!.weight * factor);
  };
  const close = (open: number[], factor: number): void => {
    const from = open.pop()!;
    if (open.length < MAX_NESTING) weigh(from, factor);
    else warnings.add(`Brackets nested deeper than ${MAX_NESTING} have no effect.`);
  };

  const lexer = new RegExp(TOKEN);
  for (let match = lexer.exec(prompt); match; match = lexer.exec(prompt)) {
    const [token, number] = match;
    if (token.startsWith("\\")) add(token.slice(1));
    else if (token === "(") round.push(pieces.length);
    else if (token === "[") square.push(pieces.length);
    else if (number !== undefined && round.length > 0) {
      const weight = readNumber(number);
      if (weight === undefined) {
        warnings.add(notNumber(number, token));
        add(":");
        lexer.lastIndex = match.index + 1;
      } else close(round, weight);
    } else if (token === ")" && round.length > 0) close(round, ROUND);
    else if (token === "]" && square.length > 0) close(square, SQUARE);
    else addText(token, pieces);
  }

  for (const warning of nearlyWeights(prompt)) warnings.add(warning);
  const unclosed = round.length + square.length;
  if (unclosed > 0)
    warnings.add(
      `A bracket that is never closed weighs all that follows (${unclosed} here): for the sign, write \\( or \\[.`,
    );
  for (const from of round.slice(0, MAX_NESTING)) weigh(from, ROUND);
  for (const from of square.slice(0, MAX_NESTING)) weigh(from, SQUARE);
  if (pieces.some((piece) => piece.isBreak && piece.weight !== BREAK_WEIGHT))
    warnings.add('BREAK inside brackets is read as the word "break": close the brackets before it.');
  return { segments: merged(pieces), warnings: [...warnings, ...foreignSigns(prompt)] };
}

/** Text outside brackets' signs, cut at every BREAK, with the blanks around that. */
function addText(token: string, pieces: Piece[]): void {
  const parts = token.includes("BREAK") ? token.split(BREAK) : [token];
  for (const [i, part] of parts.entries()) {
    if (i > 0) pieces.push({ text: "BREAK", weight: BREAK_WEIGHT, isBreak: true });
    const head = i > 0 ? part.trimStart() : part;
    pieces.push({ text: i < parts.length - 1 ? head.trimEnd() : head, weight: 1, isBreak: false });
  }
}

/** Neighbours of equal weight as one text. A break is one only where nothing was joined to it. */
function merged(pieces: readonly Piece[]): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i < pieces.length; ) {
    let { text, weight, isBreak } = pieces[i++]!;
    while (i < pieces.length && pieces[i]!.weight === weight) {
      text += pieces[i++]!.text;
      isBreak = false;
    }
    isBreak &&= weight === BREAK_WEIGHT;
    segments.push({ text, weight: isBreak ? 1 : weight, isBreak });
  }
  return segments.length > 0 ? segments : [{ text: "", weight: 1, isBreak: false }];
}
