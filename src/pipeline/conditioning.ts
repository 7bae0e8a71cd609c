/** @file From prompts to what the UNet is conditioned on: plans run through both encoders, sizes beside them. */

import { internalError } from "../base/error.ts";
import type { SdxlConfigs } from "../models/sdxl/config.ts";
import { encodeChunks } from "./encoders.ts";
import type { Pipeline } from "./pipeline.ts";
import type { PromptChunk } from "./prompt/chunks.ts";
import type { EmphasisFinding } from "./prompt/emphasis.ts";
import { type Context, matchLengths } from "./prompt/lengths.ts";
import { assembleContext, type EncodedChunk, findingOf, type PromptPlan, type TextPlan } from "./prompt/plan.ts";

/** The sizes that SDXL is told, in pixels. Podell et al. (2023), section 2.2. */
export type SizeConditioning = {
  readonly originalHeight: number;
  readonly originalWidth: number;
  readonly cropTop: number;
  readonly cropLeft: number;
  readonly targetHeight: number;
  readonly targetWidth: number;
};

export function timeIdsOf(size: SizeConditioning): number[] {
  return [size.originalHeight, size.originalWidth, size.cropTop, size.cropLeft, size.targetHeight, size.targetWidth];
}

/** Contexts of one prompt: its parts joined by AND, each with the texts that editing makes of it. */
export type EncodedPrompt = {
  readonly parts: readonly {
    readonly weight: number;
    /** `until` as `atCall` reads it. */
    readonly schedule: readonly { readonly until: number; readonly context: Context }[];
  }[];
  /** What only the encoders' outputs could tell, one a text at most. */
  readonly findings: readonly EmphasisFinding[];
};

/**
 * Encodes every distinct chunk of all plans once, first with one encoder and then with the other, so that only one of
 * them need be in memory. Contexts that will run together are given one length where that changes nothing.
 */
export async function encodePrompts(pipeline: Pipeline, plans: readonly PromptPlan[]): Promise<EncodedPrompt[]> {
  const texts = new Set(plans.flatMap(({ parts }) => parts.flatMap(({ schedule }) => schedule)));
  const chunks = new Map<string, PromptChunk>();
  for (const text of texts) for (const chunk of text.chunks) chunks.set(keyOf(chunk), chunk);
  const encoded = await encodeDistinct(pipeline, chunks);
  const contexts = new Map<TextPlan, Context>();
  const findings = new Map<TextPlan, EmphasisFinding>();
  for (const text of texts) {
    const found = text.chunks.map((chunk) => encoded.get(keyOf(chunk)) ?? missingChunk());
    contexts.set(text, assembleContext(text, found));
    const finding = findingOf(text, found);
    if (finding) findings.set(text, finding);
  }
  const matched = matchLengths([...contexts.values()]);
  [...contexts.keys()].forEach((text, i) => {
    contexts.set(text, matched[i]!);
  });
  return plans.map(({ parts }) => ({
    parts: parts.map(({ weight, schedule }) => ({
      weight,
      schedule: schedule.map((text) => ({ until: text.until, context: contexts.get(text)! })),
    })),
    findings: distinct(parts.flatMap(({ schedule }) => schedule.flatMap((text) => findings.get(text) ?? []))),
  }));
}

/**
 * The text that holds at a call of the network, counted from 0: A1111's rule, as its code has it. A1111 counts calls, not
 * steps, and gives a sampler of second order (Heun) twice the steps to divide, so that `0.5` is halfway and a whole number
 * is a call. And it compares a count from 0 with an `until` from 1: a text up to step 5 holds for six calls.
 * Source: `modules/sd_samplers_cfg_denoiser.py`, forward; `modules/prompt_parser.py`, reconstruct_cond_batch.
 */
export function atCall<Entry extends { readonly until: number }>(schedule: readonly Entry[], call: number): Entry {
  return schedule.find(({ until }) => call <= until) ?? schedule.at(-1)!;
}

/** Alternation has each text many times. */
function distinct(findings: readonly EmphasisFinding[]): EmphasisFinding[] {
  return [...new Map(findings.map((finding) => [finding.message, finding])).values()];
}

const keyOf = (chunk: PromptChunk): string => chunk.ids.join(" ");

function missingChunk(): never {
  throw internalError("a chunk was not encoded");
}

async function encodeDistinct(
  pipeline: Pipeline,
  chunks: ReadonlyMap<string, PromptChunk>,
): Promise<Map<string, EncodedChunk>> {
  const { textEncoder, textEncoder2 }: SdxlConfigs = pipeline.checkpoint.configs;
  const list = [...chunks.values()];
  const sizes = { texts: list.length };
  const take = (part: "textEncoder" | "textEncoder2") => pipeline.shelf.take(part, sizes);
  const one = await encodeChunks(
    await take("textEncoder"),
    textEncoder,
    list.map(({ ids }) => ids),
  );
  const two = await encodeChunks(
    await take("textEncoder2"),
    textEncoder2,
    list.map(({ ids2 }) => ids2),
  );
  const keys = [...chunks.keys()];
  return new Map(
    keys.map((key, i) => [key, { states: one.states[i]!, states2: two.states[i]!, pooled: two.pooled[i]! }]),
  );
}
