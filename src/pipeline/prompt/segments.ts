/** @file What a grammar makes of a prompt: runs of text, each with one weight, and what to tell the user about it. */

export type Segment = {
  readonly text: string;
  readonly weight: number;
  /** The chunk ends here, full or not; `text` is "BREAK" and is not read. */
  readonly isBreak: boolean;
};

export type Parsed = {
  readonly segments: readonly Segment[];
  /** Sentences for the user; parsing itself never fails. */
  readonly warnings: readonly string[];
};

/**
 * Brackets nested deeper than this are read without effect. Nobody writes 32 levels (1.1^32 is a weight of 21), and the limit is
 * what keeps the time of a hostile prompt in proportion to its length.
 */
export const MAX_NESTING = 32;

/** Weights end here. A weight this large has left every picture behind, and products of weights must stay finite. */
const MAX_WEIGHT = 1e6;

export function clampWeight(weight: number): number {
  return Math.min(MAX_WEIGHT, Math.max(-MAX_WEIGHT, weight));
}

/** A decimal number as both programs read it, surrounding blanks allowed, or undefined. Infinity and NaN are no weights. */
export function readNumber(text: string): number | undefined {
  if (!/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/**
 * What stands where a weight does and is nearly one: a decimal comma, a sign or letter behind the decimals, per cent, two signs. What may
 * be a name is none: `re:zero`, `:3c`, `16:9`, and `2.5d` of pictures.
 */
const NEARLY_WEIGHT = /:\s*(?!2\.5[dD])([+-]*(?:\d+,\d+|\d*(?:\.\d+)+[\p{L}%+-]?|\d+%)|[+-]{2,}\d+)\s*\)/gu;

/** Warnings of both grammars: read as text, which nobody sees in the picture. */
export function nearlyWeights(prompt: string): string[] {
  const found = [...prompt.matchAll(NEARLY_WEIGHT)].filter(([, text]) => readNumber(text!) === undefined);
  return found.map(([token, text]) => notNumber(text!, token));
}

/** @param token the text with the signs around it */
export function notNumber(text: string, token: string): string {
  return `"${text}" is not a number: "${token}" is read as text.`;
}

/** What extensions, or ComfyUI, put other words or vectors in the place of. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/(?<!\\)\{[^{}|]*\|[^{}]*\}/, "{…|…}"],
  [/(?<![\p{L}\p{N}_])__[\p{L}\p{N}*][^\s,]*?__/u, "__…__"],
  [/(?<![\p{L}\p{N}_])embedding:\S/iu, "embedding:…"],
];

/** Warnings of both grammars. */
export function foreignSigns(prompt: string): string[] {
  const found = FOREIGN.filter(([pattern]) => pattern.test(prompt));
  return found.map(([, what]) => `${what} is not replaced by anything here and is read as text.`);
}
