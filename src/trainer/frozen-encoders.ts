/** @file Contexts of captions from text encoders that do not learn: each chunk is encoded once. */

import { clipGraph } from "../models/sdxl/clip.ts";
import { encodeChunks } from "../pipeline/encoders.ts";
import type { PromptChunk } from "../pipeline/prompt/chunks.ts";
import { assembleContext, type EncodedChunk } from "../pipeline/prompt/plan.ts";
import { float32, type Runtime, type Value } from "../runtime/runtime.ts";
import type { TrainingModel } from "./sdxl-model.ts";

/** Texts of one number of chunks to `context` [b, s, width] and `pooled` [b, width]. */
export type FrozenEncoders = (texts: readonly (readonly PromptChunk[])[]) => Promise<{ context: Value; pooled: Value }>;

/** Opens both encoders; `model` has the weights of both. */
export async function frozenEncoders(
  runtime: Runtime,
  { configs, weights }: TrainingModel,
  clipSkip: number,
): Promise<FrozenEncoders> {
  const { textEncoder, textEncoder2 } = configs;
  const one = await runtime.open(clipGraph(textEncoder, { clipSkip }), weights.textEncoder!);
  const two = await runtime.open(clipGraph(textEncoder2, { clipSkip }), weights.textEncoder2!);
  const known = new Map<string, EncodedChunk>();

  async function encode(chunks: readonly PromptChunk[]): Promise<void> {
    const fresh = new Map(chunks.map((chunk) => [keyOf(chunk), chunk] as const).filter(([key]) => !known.has(key)));
    if (fresh.size === 0) return;
    const list = [...fresh.values()];
    const idsOf = (which: "ids" | "ids2") => list.map((chunk) => chunk[which]);
    const left = await encodeChunks(one, textEncoder, idsOf("ids"));
    const right = await encodeChunks(two, textEncoder2, idsOf("ids2"));
    [...fresh.keys()].forEach((key, i) => {
      // Copies: what the encoders give are views of all texts' states.
      const [states, states2, pooled] = [left.states[i]!, right.states[i]!, right.pooled[i]!];
      known.set(key, { states: states.slice(), states2: states2.slice(), pooled: pooled.slice() });
    });
  }

  return async (texts) => {
    await encode(texts.flat());
    const contexts = texts.map((chunks) => {
      const plan = { text: "", emphasis: "none", chunks, sections: chunks.length } as const;
      return assembleContext(
        plan,
        chunks.map((chunk) => known.get(keyOf(chunk))!),
      );
    });
    const { tokens, width, pooled } = contexts[0]!;
    return {
      context: float32(joined(contexts.map(({ states }) => states)), [texts.length, tokens, width]),
      pooled: float32(joined(contexts.map((context) => context.pooled)), [texts.length, pooled.length]),
    };
  };
}

const keyOf = ({ ids }: PromptChunk): string => ids.join(" ");

/** Rows of one length, one after another. */
function joined(rows: readonly Float32Array[]): Float32Array {
  const { length } = rows[0]!;
  const all = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    all.set(row, i * length);
  });
  return all;
}
