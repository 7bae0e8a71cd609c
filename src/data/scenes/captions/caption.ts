/** @file Captions of a scene: which grammars there are, and which of them speaks. */

import { IllustriousError } from "../../../base/error.ts";
import type { Seed } from "../../../base/random/seed.ts";
import { dice } from "../dice.ts";
import type { Scene } from "../scene.ts";
import type { CaptionKind, Grammar } from "./grammar.ts";
import { HELD_OUT_LONG_GRAMMARS } from "./held-out-long.ts";
import { LONG_GRAMMARS } from "./long.ts";
import { GENRE_GRAMMARS } from "./long-genres.ts";
import { LOOSE_GRAMMARS } from "./long-loose.ts";
import { SENTENCE_GRAMMARS } from "./sentences.ts";
import { TAG_GRAMMARS } from "./tags.ts";

export const GRAMMARS: readonly Grammar[] = [
  ...TAG_GRAMMARS,
  ...SENTENCE_GRAMMARS,
  ...LONG_GRAMMARS,
  ...LOOSE_GRAMMARS,
  ...GENRE_GRAMMARS,
  ...HELD_OUT_LONG_GRAMMARS,
];

export type CaptionOptions = {
  /** True for a grammar that no model is trained on. */
  readonly heldOut?: boolean;
  /** A grammar by its name, in place of one of the kind. */
  readonly grammar?: string;
};

/**
 * A caption of a scene: the same for the same scene, kind and seed. Another seed chooses another grammar and other words.
 *
 * @throws IllustriousError `bad_option` for a grammar that is not there
 */
export function captionOf(scene: Scene, kind: CaptionKind, seed: Seed, options: CaptionOptions = {}): string {
  const d = dice(seed, "caption");
  const { heldOut = false, grammar: name } = options;
  const able = GRAMMARS.filter((grammar) =>
    name === undefined
      ? grammar.kind === kind && grammar.trained !== heldOut
      : grammar.name === name && grammar.kind === kind,
  );
  if (able.length === 0) {
    const known = GRAMMARS.filter((grammar) => grammar.kind === kind).map((grammar) => grammar.name);
    const what = name === undefined ? `a held-out grammar of ${kind}` : `grammar "${name}" of ${kind}`;
    throw new IllustriousError("bad_option", `${what} does not exist`, `Known: ${known.join(", ")}.`);
  }
  const text = d.pick(able).write(d, scene);
  return d.chance(PRAISED) ? appended(text, ["masterpiece"]) : text;
}

/** How often a caption ends with the word that people's prompts end with. It means nothing here, and that is to be learnt. */
const PRAISED = 0.08;

/** Tags behind a text, which may have ended as a sentence. */
export function appended(text: string, tags: readonly string[]): string {
  if (tags.length === 0) return text;
  return `${text}${/[.!?]$/.test(text) ? " " : ", "}${tags.join(", ")}`;
}
