/** @file Drawn scenes: what they are, how they are drawn and told, and how a picture is read against them. */

export { appended, type CaptionOptions, captionOf, GRAMMARS } from "./captions/caption.ts";
export type { CaptionKind, Grammar } from "./captions/grammar.ts";
export { controlTokensOf, SCENE_THRESHOLDS, withControlTokens } from "./control.ts";
export { renderScene, type ScenePicture } from "./drawing/render.ts";
export { svgOf } from "./drawing/svg.ts";
export { HELD_OUT, type HeldOut, isHeldOut } from "./held-out.ts";
export { type Layout, layoutOf, type Size } from "./layout.ts";
export type { DressColour, EyeColour, HairColour, PlainColour } from "./palette.ts";
export {
  type Background,
  type Girl,
  type HairStyle,
  type Mouth,
  PLAIN_TONE,
  type Place,
  type Pose,
  type Scene,
  type Tone,
  type ToneChange,
  type Trim,
} from "./scene.ts";
export { type SceneOptions, sceneAt } from "./scene-at.ts";
export { type Description, type Fact, type Facts, type GirlFacts, scorePicture } from "./scorer/score.ts";
export { CAPTION_SHARES, type TrainingCaptionOptions, trainingCaption } from "./training-caption.ts";
export { ARTICLE_COMPLEX, ARTICLE_SIMPLE, EMPTY_TRIALS, longTrials, simpleTrials, type Trial } from "./trials.ts";
export { type SceneSetOptions, writeSceneSet } from "./write-set.ts";
