/** @file OpenMoji as a data set: pictures that nobody here drew, told by its own names and by the colours that are in them. */

export { examinationPrompt, trainingCaptions } from "./captions.ts";
export { COLOUR_NAMES, type ColourName, type Dominant, dominantColour, SHADES } from "./colour-names.ts";
export { countColours, type Emoji, readEmoji, recoloured, renderEmoji } from "./emoji.ts";
export { type Plan, type PlannedPicture, type PlanOptions, planSet } from "./plan.ts";
export { type Question, writeEmojiSet } from "./write-set.ts";
