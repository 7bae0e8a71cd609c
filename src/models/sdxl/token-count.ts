/**
 * @file How many tokens texts have, for counting millions of captions: words come again, and their counts are remembered. No token spans
 * blanks or line ends, so a text's count is the sum of what stands between. (Other white space is not so: the tokenizer has U+FEFF as letters.)
 */

import type { Tokenizer } from "./tokenizer.ts";

/** Words remembered; then all are forgotten. */
const MOST_WORDS = 200_000;

/** Longer words hardly come again. */
const MOST_LETTERS = 64;

/** @returns tokens of a text, without start and end tokens; throws `bad_prompt` as `Tokenizer.encode` does */
export function tokenCounter(tokenizer: Pick<Tokenizer, "encode">): (text: string) => number {
  const counts = new Map<string, number>();
  const count = (word: string): number => {
    const known = counts.get(word);
    if (known !== undefined) return known;
    const tokens = tokenizer.encode(word).length;
    if (counts.size >= MOST_WORDS) counts.clear();
    if (word.length <= MOST_LETTERS) counts.set(word, tokens);
    return tokens;
  };
  return (text) => text.split(/[ \t\r\n]+/).reduce((sum, word) => sum + (word === "" ? 0 : count(word)), 0);
}
