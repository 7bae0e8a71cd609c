/** @file What a grammar is: a way of telling a scene in words. */

import { internalError } from "../../../base/error.ts";
import type { Dice } from "../dice.ts";
import type { Background, Girl, Scene } from "../scene.ts";

export type CaptionKind = "tags" | "sentences" | "long";

export type Grammar = {
  readonly name: string;
  readonly kind: CaptionKind;
  /** False for those that only ever test a model. */
  readonly trained: boolean;
  /** The caption of a scene, its words chosen by the dice. */
  write(d: Dice, scene: Scene): string;
};

/** A grammar by what it says of one girl, of two, and of none. */
export type Telling = {
  readonly none: (d: Dice, background: Background) => string;
  readonly one: (d: Dice, girl: Girl, background: Background) => string;
  readonly two: (d: Dice, left: Girl, right: Girl, background: Background) => string;
};

export function grammar(name: string, kind: CaptionKind, trained: boolean, telling: Telling): Grammar {
  return {
    name,
    kind,
    trained,
    write(d, { girls, background }) {
      const [left, right] = girls;
      if (!left) return telling.none(d, background);
      return right ? telling.two(d, left, right, background) : telling.one(d, left, background);
    },
  };
}

/** Replaces every `{name}` of a template; `{Name}` gets a capital letter. Each place asks anew. */
export function fill(template: string, words: Readonly<Record<string, () => string>>): string {
  return template.replace(/\{(\w)(\w*)\}/g, (_, first: string, rest: string) => {
    const word = words[first.toLowerCase() + rest];
    if (!word) throw internalError(`no words for {${first}${rest}} in "${template}"`);
    const text = word();
    return first === first.toLowerCase() ? text : text.charAt(0).toUpperCase() + text.slice(1);
  });
}
