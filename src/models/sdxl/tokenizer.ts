/**
 * @file CLIP's tokenizer: text to the ids that both text encoders read.
 *
 * The ids are those of transformers' current CLIP tokenizer: NFC, lower case, split into words, byte pairs. Text is taken as typed:
 * no repair of broken encodings and no HTML entities, which older implementations undo.
 */

import { Tokenizer as Library } from "@huggingface/tokenizers";
import { IllustriousError } from "../../base/error.ts";
import type { TokenizerFolders } from "./checkpoint-folder.ts";
import type { SdxlConfigs } from "./config.ts";
import { FOLDER } from "./names.ts";
import { builtInVocabulary, END, folderVocabulary, START, type Vocabulary } from "./vocabulary.ts";

export type Tokenizer = {
  /** Token ids of a text of any length, without start and end tokens. */
  encode(text: string): number[];
  /** The text of ids, words separated by blanks, start and end tokens spelled out. */
  decode(ids: Iterable<number>): string;
  /** 49406 in every released model. */
  readonly start: number;
  /** 49407 in every released model; it also pads the first encoder's chunks. */
  readonly end: number;
};

/** Reads the tokenizer in `folder`, by default the built-in one. Throws `missing_file` or `bad_file`. */
export async function loadTokenizer(folder?: string): Promise<Tokenizer> {
  return createTokenizer(folder === undefined ? await builtInVocabulary() : await folderVocabulary(folder));
}

/** As much of a model as decides which ids it reads. */
export type TokenizedModel = {
  readonly path?: string;
  readonly configs: Pick<SdxlConfigs, "textEncoder" | "textEncoder2">;
  readonly tokenizerFolders?: TokenizerFolders;
};

/** The tokenizer of a model. Throws as `modelVocabulary`. */
export async function modelTokenizer(model: TokenizedModel): Promise<Tokenizer> {
  return createTokenizer(await modelVocabulary(model));
}

/**
 * The vocabulary of a model: its own, or the built-in one where it has none.
 *
 * @throws IllustriousError as `folderVocabulary`; `bad_shape` when it has ids for which a text encoder has no row
 */
export async function modelVocabulary({ path, configs, tokenizerFolders }: TokenizedModel): Promise<Vocabulary> {
  const folder = tokenizerFolders?.tokenizer;
  const vocabulary = folder === undefined ? await builtInVocabulary() : await folderVocabulary(folder);
  const last = Object.values(vocabulary.vocab).reduce((a, b) => Math.max(a, b), 0);
  for (const component of ["textEncoder", "textEncoder2"] as const) {
    const { vocabSize } = configs[component];
    if (last < vocabSize) continue;
    const whose = folder === undefined ? "the built-in vocabulary, used where a model has none," : folder;
    throw new IllustriousError(
      "bad_shape",
      `${path === undefined ? "" : `${path}: `}${FOLDER[component]} has ${vocabSize} tokens (vocab_size), ` +
        `and ${whose} has ids up to ${last}`,
      folder === undefined
        ? "Put the tokenizer that the model was trained with beside it, as the folders tokenizer and tokenizer_2."
        : "Copy the folders tokenizer and tokenizer_2 again from the model they belong to.",
    );
  }
  return vocabulary;
}

const WORDS = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** Found before the text is lower-cased: in capitals they are words like any other. */
const SPECIAL = /(<\|startoftext\|>|<\|endoftext\|>)/;

/** A word of this many letters is no word, and pair merging takes the square of its length. */
const LONGEST_WORD = 20_000;

function createTokenizer({ vocab, merges, start, end }: Vocabulary): Tokenizer {
  const library = new Library(
    {
      added_tokens: [],
      normalizer: {
        type: "Sequence",
        normalizers: [
          { type: "NFC" },
          // Lower case goes letter by letter: JavaScript alone would write a sigma that ends a word as "ς".
          { type: "Replace", pattern: { String: "Σ" }, content: "σ" },
          { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
          { type: "Lowercase" },
        ],
      },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: WORDS }, behavior: "Removed", invert: true },
          { type: "ByteLevel", add_prefix_space: false },
        ],
      },
      post_processor: null,
      decoder: { type: "ByteLevel" },
      model: { type: "BPE", unk_token: END, end_of_word_suffix: "</w>", vocab, merges },
    },
    {},
  );
  return {
    start,
    end,
    encode(text) {
      const long = new RegExp(`[^\\s]{${LONGEST_WORD}}`).exec(text);
      if (long) {
        throw new IllustriousError(
          "bad_prompt",
          `the text has a word of more than ${LONGEST_WORD} letters: ${long[0].slice(0, 20)} …`,
          "Is it a file's content rather than a prompt?",
        );
      }
      return text.split(SPECIAL).flatMap((part) => {
        if (part === START) return [start];
        if (part === END) return [end];
        return part === "" ? [] : [...library.encode(part, { add_special_tokens: false }).ids];
      });
    },
    decode(ids) {
      const list = [...ids];
      if (list.length === 0) return "";
      return library.decode(list, { clean_up_tokenization_spaces: false }).replaceAll("</w>", " ").trimEnd();
    },
  };
}
