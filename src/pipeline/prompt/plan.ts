/**
 * @file From a prompt to what must be encoded, as plain data, and from the encoders' outputs to the UNet's context. Whoever owns the
 * encoders' sessions runs the plan: encode every chunk of `TextPlan.chunks`, hand the results to `assembleContext`.
 */

import { internalError } from "../../base/error.ts";
import type { Tokenizer } from "../../models/sdxl/tokenizer.ts";
import { CHUNK, chunkA1111, chunkComfyUi, emptyChunk, type PromptChunk } from "./chunks.ts";
import { splitAnd } from "./composition.ts";
import { scheduleTexts } from "./editing.ts";
import { applyEmphasis, type Emphasis, type EmphasisFinding, emphasisFinding, meanRatio } from "./emphasis.ts";
import { parseA1111 } from "./grammar-a1111.ts";
import { parseComfyUi } from "./grammar-comfyui.ts";
import type { Context } from "./lengths.ts";
import { type LoraTag, takeTags } from "./loras.ts";
import type { Parsed } from "./segments.ts";

export type Syntax = "a1111" | "comfyui";

export type TextOptions = {
  /** Whose grammar and chunking; A1111's if not given. */
  readonly syntax?: Syntax;
  /** How weights act; "original" for A1111's syntax, "comfy" for ComfyUI's if not given. */
  readonly emphasis?: Emphasis;
  /** Tokens after a chunk's last comma that may move to the next chunk, 20 if not given. A1111's syntax only. */
  readonly commaBacktrack?: number;
};

export type PromptOptions = TextOptions & {
  /** What prompt editing is measured in: sampling steps, times the sampler's calls of the network a step. */
  readonly steps?: number;
  /** A negative prompt: AND is a word in it. */
  readonly isNegative?: boolean;
};

/** One text without editing. */
export type TextPlan = {
  readonly text: string;
  readonly emphasis: Emphasis;
  /** To be encoded, in order. */
  readonly chunks: readonly PromptChunk[];
  /** The first so many chunks make the context; if one more follows, it is the empty prompt, for emphasis to compare with. */
  readonly sections: number;
};

export type ScheduledPlan = TextPlan & {
  /** The last step that this text holds for; `atCall` in `conditioning.ts` says how that is counted. */
  readonly until: number;
};

export type PromptPlan = {
  /** Prompts joined by AND, each with its share of the guidance; nearly always one, of weight 1. */
  readonly parts: readonly { readonly weight: number; readonly schedule: readonly ScheduledPlan[] }[];
  readonly loras: readonly LoraTag[];
  /** Sentences for the user. */
  readonly warnings: readonly string[];
};

/**
 * What cannot be understood is read as text, and `warnings` says so. Throws only what the tokenizer throws: `bad_prompt` for a text
 * that is none.
 */
export function planPrompt(prompt: string, tokenizer: Tokenizer, options: PromptOptions = {}): PromptPlan {
  const { syntax = "a1111", steps, isNegative = false } = options;
  const warnings = new Set<string>();
  const plans = new Map<string, TextPlan>();
  const planOnce = (text: string): TextPlan => {
    const known = plans.get(text);
    if (known) return known;
    const { warnings: more, ...plan } = planText(text, tokenizer, options);
    for (const warning of more) warnings.add(warning);
    plans.set(text, plan);
    return plan;
  };
  if (syntax === "comfyui") {
    const schedule = [{ ...planOnce(prompt), until: steps ?? 1 }];
    return { parts: [{ weight: 1, schedule }], loras: [], warnings: [...warnings] };
  }
  const read = prompt.replace(/#[^\n]*/g, "");
  if (read !== prompt) warnings.add("What follows a # is a comment up to the end of its line, and is not read.");
  const tagged = takeTags(read);
  for (const warning of tagged.warnings) warnings.add(warning);
  const texts = isNegative ? [{ text: tagged.text, weight: 1 }] : splitAnd(tagged.text);
  const parts = texts.map(({ text, weight }) => {
    const schedule = scheduleTexts(text, steps ?? 1);
    if (steps === undefined && (schedule.length > 1 || schedule[0]!.text !== text))
      warnings.add("Prompt editing needs a number of steps; the prompt is read as at its end.");
    return { weight, schedule: schedule.map((entry) => ({ ...planOnce(entry.text), until: entry.until })) };
  });
  return { parts, loras: tagged.loras, warnings: [...warnings] };
}

/** A text as it stands: emphasis and BREAK, but no tags, no AND and no editing. Captions in training are planned with this. */
export function planText(
  text: string,
  tokenizer: Tokenizer,
  options: TextOptions = {},
): TextPlan & { readonly warnings: readonly string[] } {
  const { syntax = "a1111", emphasis = syntax === "a1111" ? "original" : "comfy" } = options;
  const parsed = parse(text, syntax, emphasis);
  const chunks =
    syntax === "a1111"
      ? chunkA1111(parsed.segments, tokenizer, options.commaBacktrack)
      : chunkComfyUi(parsed.segments, tokenizer);
  const sections = chunks.length;
  const isWeighted = chunks.some((chunk) => chunk.weights.some((weight) => weight !== 1));
  if (emphasis === "comfy" && isWeighted) chunks.push(emptyChunk(tokenizer));
  return { text, emphasis, chunks, sections, warnings: parsed.warnings };
}

function parse(text: string, syntax: Syntax, emphasis: Emphasis): Parsed {
  if (emphasis === "none") return { segments: [{ text, weight: 1, isBreak: false }], warnings: [] };
  return syntax === "a1111" ? parseA1111(text) : parseComfyUi(text);
}

/** What the two encoders make of one chunk. */
export type EncodedChunk = {
  /** [77, width of the first encoder]. */
  readonly states: Float32Array;
  /** [77, width of the second encoder]. */
  readonly states2: Float32Array;
  /** Of the second encoder, read at `PromptChunk.end` and projected. */
  readonly pooled: Float32Array;
};

/**
 * Weights applied, the encoders joined side by side, the chunks one after another. `pooled` is the first chunk's, unweighted, in
 * A1111 and in ComfyUI alike: what stands in later chunks reaches the picture through cross-attention only.
 */
export function assembleContext(plan: TextPlan, encoded: readonly EncodedChunk[]): Context {
  if (encoded.length !== plan.chunks.length)
    throw internalError(`${encoded.length} encoded chunks for a plan of ${plan.chunks.length}`);
  const first = encoded[0]!;
  const width1 = first.states.length / CHUNK;
  const width2 = first.states2.length / CHUNK;
  const width = width1 + width2;
  const empty = plan.sections < encoded.length ? encoded[plan.sections] : undefined;
  const states = new Float32Array(plan.sections * CHUNK * width);
  for (let section = 0; section < plan.sections; section++) {
    const { weights } = plan.chunks[section]!;
    const { states: one, states2: two } = encoded[section]!;
    const left = applyEmphasis(plan.emphasis, one, weights, width1, empty?.states);
    const right = applyEmphasis(plan.emphasis, two, weights, width2, empty?.states2);
    for (let token = 0; token < CHUNK; token++) {
      const at = (section * CHUNK + token) * width;
      states.set(left.subarray(token * width1, (token + 1) * width1), at);
      states.set(right.subarray(token * width2, (token + 1) * width2), at + width1);
    }
  }
  return { states, tokens: plan.sections * CHUNK, width, pooled: first.pooled };
}

/** What "original" does to the text's chunks beyond its weights, if that is much. */
export function findingOf(
  { emphasis, text, chunks, sections }: TextPlan,
  encoded: readonly EncodedChunk[],
): EmphasisFinding | undefined {
  if (emphasis !== "original") return undefined;
  const ratios = chunks.slice(0, sections).flatMap(({ weights }, i) => {
    const { states, states2 } = encoded[i]!;
    return [states, states2].map((values) => meanRatio(values, weights, values.length / CHUNK));
  });
  return emphasisFinding(text, ratios);
}
