/**
 * @file Prompts that models are tried with: two girls of held-out hair, left and right, in few words and in many; and pictures of nobody.
 * The article's own two prompts come first. "Illustrious XL 3.0-3.5-vpred: 2048 Resolution and Natural Language", Angelbottomless (2025).
 */

import { captionOf } from "./captions/caption.ts";
import type { CaptionKind } from "./captions/grammar.ts";
import { HELD_OUT } from "./held-out.ts";
import type { EyeColour, HairColour } from "./palette.ts";
import type { Scene } from "./scene.ts";
import { sceneAt } from "./scene-at.ts";
import type { Description } from "./scorer/score.ts";

export type Trial = {
  readonly name: string;
  readonly prompt: string;
  /** What the prompt tells, for `scorePicture`. */
  readonly description: Description;
};

const girls = (left: [HairColour, EyeColour], right: [HairColour, EyeColour]): Description => ({
  girls: [left, right].map(([hair, eyes]) => ({ hair, eyes })),
});

const ARTICLE_GIRLS = girls(["red", "black"], ["blue", "red"]);

export const ARTICLE_SIMPLE: Trial = {
  name: "article, simple",
  prompt:
    "There are two girls in the image. The girl in the left is red hair with sea-black eyes. The girl in the right is blue hair, and firey ruby eyes",
  description: ARTICLE_GIRLS,
};

export const ARTICLE_COMPLEX: Trial = {
  name: "article, complex",
  prompt: [
    "A breathtaking scene unfolds with two girls standing together, a striking contrast in both appearance and demeanor. The girl on the left has flowing, deep red hair, cascading in soft waves down her shoulders, with strands illuminated by the ambient light. Her eyes are a mesmerizing shade of sea-black, like the ocean at midnight, deep and endless, reflecting a quiet mystery. She has a gentle, thoughtful expression, her lips slightly parted as if about to speak, her gaze filled with an unspoken story. She wears an elegant, dark-blue dress with silver embroidery resembling delicate ocean waves, flowing like liquid silk around her slender frame. The gentle breeze lifts the fabric slightly, giving her an ethereal presence.",
    "Beside her, the girl on the right is a vivid contrast—her hair is a brilliant shade of blue, short yet tousled with an electric vibrancy, strands catching the light like crystalline ice. Her fiery ruby-red eyes burn with intensity, gleaming with an almost supernatural glow. Her sharp, confident smirk reveals her bold personality, a spirit unafraid of the world. She is clad in a striking ensemble—black with intricate red patterns resembling flickering flames, an outfit that exudes strength and energy. The contrast of her fiery eyes against her cool-toned hair creates an almost otherworldly effect, as if she embodies the elements themselves.",
    "The setting complements their striking presence—perhaps a twilight sky over a vast ocean, where the last remnants of the sun cast a golden glow across the waves, mixing with the incoming darkness. The wind rustles through their hair as they stand close, an unspoken connection between them. Or maybe they are in a futuristic cityscape, neon lights reflecting in their eyes, the bustling energy of the world around them barely touching the silent understanding they share. Their postures mirror their personalities—one calm, introspective, a quiet storm; the other bold, fiery, a force of nature.",
    "The image captures the balance between them—opposites yet intertwined, like fire and water, night and day. Their expressions, their outfits, and the atmosphere all tell a story waiting to be unraveled. masterpiece",
  ].join("\n\n"),
  description: ARTICLE_GIRLS,
};

/** The first held-out pair is the article's; the next ten make the trials. Every one of these grammars tells both girls' hair and eyes. */
function trials(kind: CaptionKind, heldOut: boolean, grammars: readonly string[]): Trial[] {
  return HELD_OUT.pairs.slice(1, 11).map(([left, right], i) => {
    const grammar = grammars[i % grammars.length]!;
    const scene = sceneAt(i, { girls: 2, split: "any", tones: "none" });
    const [l, r] = scene.girls;
    const wanted: Scene = {
      ...scene,
      girls: [
        { ...l!, hair: left },
        { ...r!, hair: right },
      ],
    };
    return {
      name: `${left} and ${right}, ${grammar}`,
      prompt: captionOf(wanted, kind, i, { grammar, heldOut }),
      description: girls([left, l!.eyes], [right, r!.eyes]),
    };
  });
}

/** Eleven prompts of one chunk, in the forms of training: only the pair of colours is new. */
export function simpleTrials(): Trial[] {
  return [
    ARTICLE_SIMPLE,
    ...trials("sentences", false, ["article", "possessive", "right first", "grouped", "article"]),
  ];
}

/** Eleven prompts of 300 tokens and more, in forms that no model is trained on. */
export function longTrials(): Trial[] {
  return [ARTICLE_COMPLEX, ...trials("long", true, ["museum", "letter", "shot list"])];
}

/** Pictures that should be one value from edge to edge. */
export const EMPTY_TRIALS: readonly Trial[] = (["black", "white"] as const).map((colour) => ({
  name: `empty ${colour}`,
  prompt: `empty ${colour} background`,
  description: { girls: [], background: { kind: "plain", colour } },
}));
