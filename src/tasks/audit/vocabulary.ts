/** @file CLIP's vocabulary, for the lengths of captions. */

import type { CountTokens } from "../../data/audit/index.ts";
import { tokenCounter } from "../../models/sdxl/token-count.ts";
import { loadTokenizer } from "../../models/sdxl/tokenizer.ts";

export async function openVocabulary(): Promise<CountTokens> {
  return tokenCounter(await loadTokenizer());
}
