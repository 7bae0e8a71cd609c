/** @file The caption that a scene is trained with: how often which kind, and with which control tokens. */

import type { Seed } from "../../base/random/seed.ts";
import type { ControlToken } from "../../colour/index.ts";
import { captionOf } from "./captions/caption.ts";
import type { CaptionKind } from "./captions/grammar.ts";
import { type TokensTold, withControlTokens } from "./control.ts";
import { dice } from "./dice.ts";
import type { Scene } from "./scene.ts";

export type TrainingCaptionOptions = {
  /** How often each kind; by default sentences and long ones most. */
  readonly shares?: readonly (readonly [CaptionKind, number])[];
  /** The picture's, as `controlTokensOf` measured them; none for a model without control tokens. */
  readonly tokens?: readonly ControlToken[];
  /** Whether each caption tells some of them. */
  readonly told?: TokensTold;
};

export const CAPTION_SHARES: readonly (readonly [CaptionKind, number])[] = [
  ["tags", 0.22],
  ["sentences", 0.4],
  ["long", 0.38],
];

/** A caption of a scene in a trained grammar. Another seed, say of another epoch, tells the same scene in other words. */
export function trainingCaption(scene: Scene, seed: Seed, options: TrainingCaptionOptions = {}): string {
  const kind = dice(seed, "kind").weighted(options.shares ?? CAPTION_SHARES);
  const isToned = scene.tone.changes.length > 0;
  return withControlTokens(captionOf(scene, kind, seed), options.tokens ?? [], seed, options.told, isToned);
}
