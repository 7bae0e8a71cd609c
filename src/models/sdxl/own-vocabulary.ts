/** @file Whether a model's tokenizer is its own. A single file has no room for one: it is read with CLIP's. */

import type { TokenizerFolders } from "./checkpoint-folder.ts";
import { builtInVocabulary, folderVocabulary, type Vocabulary } from "./vocabulary.ts";

/** @throws IllustriousError as `folderVocabulary` */
export async function hasOwnVocabulary(folders: TokenizerFolders | undefined): Promise<boolean> {
  if (!folders) return false;
  // Prompts are read with the first encoder's, as both encoders' are alike.
  return !isSame(await folderVocabulary(folders.tokenizer), await builtInVocabulary());
}

function isSame(a: Vocabulary, b: Vocabulary): boolean {
  const tokens = Object.keys(a.vocab);
  return (
    tokens.length === Object.keys(b.vocab).length &&
    tokens.every((token) => a.vocab[token] === b.vocab[token]) &&
    a.merges.length === b.merges.length &&
    a.merges.every((merge, i) => merge === b.merges[i])
  );
}
