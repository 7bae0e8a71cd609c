/**
 * @file Tags in angle brackets: `<lora:name:0.8>` asks for a LoRA and is no part of the text. Syntax and defaults are A1111's
 * (`modules/extra_networks.py`, `extra_networks_lora.py`), where the first number is the text encoders' and the second the UNet's,
 * which follows the first if it is missing; `te=` and `unet=` name them.
 */

import { readNumber } from "./segments.ts";

export type LoraTag = { readonly name: string; readonly textEncoder: number; readonly unet: number };

export type Tagged = {
  readonly text: string;
  readonly loras: readonly LoraTag[];
  readonly warnings: readonly string[];
};

const OPENING = /<([\p{L}\p{N}_]+):/gu;

/** Takes every `<word:…>` out of the prompt, the known and the unknown ones. */
export function takeTags(prompt: string): Tagged {
  const loras: LoraTag[] = [];
  const warnings: string[] = [];
  const texts: string[] = [];
  let read = 0;
  const opening = new RegExp(OPENING);
  for (let match = opening.exec(prompt); match; match = opening.exec(prompt)) {
    const close = prompt.indexOf(">", opening.lastIndex);
    if (close < 0) break;
    if (close === opening.lastIndex) continue;
    const tag = prompt.slice(match.index, close + 1);
    if (match[1] === "lora" || match[1] === "lyco") {
      const lora = readLora(prompt.slice(opening.lastIndex, close).split(":"), tag, warnings);
      if (lora) loras.push(lora);
    } else warnings.push(`${tag}: only LoRAs can be asked for this way; the tag is left out.`);
    texts.push(prompt.slice(read, match.index));
    read = close + 1;
    opening.lastIndex = read;
  }
  texts.push(prompt.slice(read));
  return { text: texts.join(""), loras, warnings };
}

function readLora(items: readonly string[], tag: string, warnings: string[]): LoraTag | undefined {
  const named = new Map(
    items.filter((item) => item.split("=").length === 2).map((item) => item.split("=") as [string, string]),
  );
  const [name, first, second] = items.filter((item) => item.split("=").length !== 2);
  if (!name) {
    warnings.push(`${tag} names no LoRA and is left out.`);
    return undefined;
  }
  const numberOf = (text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : readNumber(text);
    if (value === undefined) warnings.push(`${tag}: "${text}" is not a number, ${otherwise} is taken.`);
    return value ?? otherwise;
  };
  const textEncoder = numberOf(named.get("te") ?? first, 1);
  return { name, textEncoder, unet: numberOf(named.get("unet") ?? second, textEncoder) };
}
