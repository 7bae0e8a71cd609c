/** @file Captions in figures: how many there are, how long they are in words and tokens, and their tags. */

import { IllustriousError } from "../../base/error.ts";
import type { AuditRow } from "./row.ts";
import { countSpread } from "./spread-ranges.ts";
import { tagCounter } from "./tag-counts.ts";

/** Tokens of a text, without start and end tokens; may throw `bad_prompt`. */
export type CountTokens = (text: string) => number;

/** What a chunk takes of a text beside its start and end tokens, and two and three of them. */
const CHUNKS = [75, 150, 225] as const;

/** Tags that a report has. */
const TOP = 50;

export function captionCounter(countTokens: CountTokens) {
  const counts = { with: 0, without: 0, unreadable: 0, uncountable: 0 };
  const words = countSpread("words");
  const firstLineWords = countSpread("firstLineWords");
  const tokens = countSpread("tokens");
  const chunks = CHUNKS.map((most) => ({ tokens: most, captions: 0 }));
  const tags = tagCounter();

  function addTokens(line: string): void {
    const count = tokensIn(line, countTokens);
    if (count === "uncountable") counts.uncountable++;
    else {
      tokens.add(count);
      for (const chunk of chunks) if (count <= chunk.tokens) chunk.captions++;
    }
  }

  return {
    add({ caption, captionError }: AuditRow): void {
      if (captionError !== null) counts.unreadable++;
      else if (caption === null || caption === "") counts.without++;
      else {
        counts.with++;
        const firstLine = caption.split("\n", 1)[0]!;
        words.add(wordsIn(caption));
        firstLineWords.add(wordsIn(firstLine));
        addTokens(firstLine);
        tags.add(caption);
      }
    },
    spreads: { words, firstLineWords, tokens },
    result() {
      const found = tags.counts();
      const captions = {
        ...{
          ...counts,
          words: words.result(),
          firstLineWords: firstLineWords.result(),
          tokens: tokens.result(),
          chunks,
        },
        tags: found.slice(0, TOP).map(([tag, images]) => ({ tag, images })),
      };
      return { captions, tags: found };
    },
  };
}

function tokensIn(text: string, countTokens: CountTokens): number | "uncountable" {
  try {
    return countTokens(text);
  } catch (error) {
    if (error instanceof IllustriousError && error.code === "bad_prompt") return "uncountable";
    throw error;
  }
}

function wordsIn(text: string): number {
  return text.split(/[\s,]+/).filter((word) => word !== "").length;
}
