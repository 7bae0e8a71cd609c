/**
 * @file `AND` of A1111: several prompts guide one picture at once, each with a weight, `a cat :1.2 AND a dog :0.8`. The guided result is
 * uncond + scale · Σ weight · (cond − uncond). Liu et al. (2022), "Compositional Visual Generation with Composable Diffusion
 * Models", as in `modules/prompt_parser.py`, get_multicond_prompt_list.
 *
 * Where there is no AND, A1111 reads a number at the end as a weight too, and "aspect ratio 16:9" multiplies the guidance by nine.
 * Here a prompt on its own keeps its text and weighs 1.
 */

import { clampWeight } from "./segments.ts";

export type Part = { readonly text: string; readonly weight: number };

const AND = /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/u;
const WEIGHT = /:\s*([-+]?(?:\d+\.?|\d*\.\d+))$/;

export function splitAnd(prompt: string): Part[] {
  const texts = prompt.split(AND);
  if (texts.length === 1) return [{ text: prompt, weight: 1 }];
  return texts.map((text) => {
    const trimmed = text.trimEnd();
    const match = WEIGHT.exec(trimmed);
    if (!match) return { text: trimmed, weight: 1 };
    return { text: trimmed.slice(0, match.index).trimEnd(), weight: clampWeight(Number(match[1])) };
  });
}
