/** @file LoRAs as a user writes them: a file or a name, and after colons how strong, as in A1111's `<lora:name:0.8>`. */

import { z } from "zod";
import type { LoraStrengths } from "../pipeline/loras.ts";

/** What is wrong with all else. */
export const LORA_FORMS = "must be a text, { path, strength } or { path, textEncoder, unet }";

/** As a program may give it, in place of text: one strength, or one for the text encoders and one for the UNet. */
export const loraObject = z.union([
  z.strictObject({ path: z.string().min(1), strength: z.number().default(1) }, LORA_FORMS),
  z.strictObject({ path: z.string().min(1), textEncoder: z.number(), unet: z.number() }, LORA_FORMS),
]);

export type LoraChoice = LoraStrengths & {
  /** A path, or a name to be looked up. */
  readonly name: string;
};

/** With an exponent, too, as JavaScript prints small ones. */
const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`;
const CHOICE = new RegExp(`^(.+?)(?::(${NUMBER}))?(?::(${NUMBER}))?$`, "s");

/**
 * `name`, `name:0.8`, or `name:0.8:0.5`: the first number is the text encoders' strength and the UNet's too, unless a second
 * one is given for that. Without any it is 1.
 */
export function readLoraChoice(text: string): LoraChoice {
  const [, name = text, first = "1", second = first] = CHOICE.exec(text) ?? [];
  return { name, textEncoder: Number(first), unet: Number(second) };
}

export function choiceOf(given: z.output<typeof loraObject>): LoraChoice {
  const { path: name } = given;
  return "strength" in given
    ? { name, textEncoder: given.strength, unet: given.strength }
    : { name, textEncoder: given.textEncoder, unet: given.unet };
}

/** The shortest text that reads back as the same. */
export function writeLoraChoice({ name, textEncoder, unet }: LoraChoice): string {
  // A name that ends as if in strengths needs both.
  if (textEncoder !== unet || readLoraChoice(name).name !== name) return `${name}:${textEncoder}:${unet}`;
  return unet === 1 ? name : `${name}:${unet}`;
}
