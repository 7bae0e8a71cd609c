/** @file LoRAs as a user writes them: a file or a name, and after colons how strong, as in A1111's `<lora:name:0.8>`. */

import type { LoraStrengths } from "../pipeline/loras.ts";

export type LoraChoice = LoraStrengths & {
  /** A path, or a name to be looked up. */
  readonly name: string;
};

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)`;
const CHOICE = new RegExp(`^(.+?)(?::(${NUMBER}))?(?::(${NUMBER}))?$`, "s");

/**
 * `name`, `name:0.8`, or `name:0.8:0.5`: the first number is the text encoders' strength and the UNet's too, unless a second
 * one is given for that. Without any it is 1.
 */
export function readLoraChoice(text: string): LoraChoice {
  const [, name = text, first = "1", second = first] = CHOICE.exec(text) ?? [];
  return { name, textEncoder: Number(first), unet: Number(second) };
}

/** The shortest text that reads back as the same. */
export function writeLoraChoice({ name, textEncoder, unet }: LoraChoice): string {
  // A name that ends as if in strengths needs both.
  if (textEncoder !== unet || readLoraChoice(name).name !== name) return `${name}:${textEncoder}:${unet}`;
  return unet === 1 ? name : `${name}:${unet}`;
}
