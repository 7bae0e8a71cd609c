/**
 * @file Contexts of captions from text encoders that do not learn. What they make of a chunk is kept in a cache between runs, under a
 * hash of its tokens, of both encoders and of the layer that is read; where all is known they are not even opened.
 */

import { clipGraph } from "../models/sdxl/clip.ts";
import { encodeChunks } from "../pipeline/encoders.ts";
import { CHUNK, type PromptChunk } from "../pipeline/prompt/chunks.ts";
import { assembleContext, type EncodedChunk } from "../pipeline/prompt/plan.ts";
import { float32, type Runtime, releaseAll, type Session, type Value } from "../runtime/runtime.ts";
import type { CaptionText } from "./caption-chunks.ts";
import { type ContentHashes, hashOf } from "./content-hashes.ts";
import type { TrainingModel } from "./sdxl-model.ts";
import type { CachedTensor, TensorCache } from "./tensor-cache.ts";

export type FrozenEncoders = {
  /** Texts of one number of chunks to `context` [b, s, width] and `pooled` [b, width]. */
  contextOf(texts: readonly CaptionText[]): Promise<{ context: Value; pooled: Value }>;
  /** Encodes beforehand what the cache does not have. */
  prepare(text: CaptionText): Promise<void>;
  /** Gives the encoders' memory back until a chunk comes that the cache does not have. */
  rest(): Promise<void>;
};

export type FrozenOptions = {
  readonly runtime: Runtime;
  /** With the weights of both encoders. */
  readonly model: TrainingModel;
  readonly clipSkip: number;
  readonly cache: TensorCache;
  readonly hashes: ContentHashes;
};

export async function frozenEncoders(options: FrozenOptions): Promise<FrozenEncoders> {
  const { cache } = options;
  const identity = await identityOfEncoders(options);
  const keyOf = ({ ids, ids2 }: PromptChunk) => hashOf(`${identity} ${ids.join(" ")} ${ids2.join(" ")}`);
  let opened: Promise<readonly [Session, Session]> | undefined;

  /** Of all chunks, each once, those that are not known in one run of each encoder. */
  async function encoded(texts: readonly CaptionText[]): Promise<ReadonlyMap<string, EncodedChunk>> {
    const found = new Map<string, EncodedChunk>();
    const fresh = new Map<string, { chunk: PromptChunk; recurs: boolean }>();
    for (const { chunks, recurs } of texts) {
      for (const chunk of chunks) {
        const key = keyOf(chunk);
        const kept = found.has(key) || fresh.has(key) ? undefined : await cache.get(key);
        if (kept) found.set(key, unpacked(kept, options));
        else if (!found.has(key)) fresh.set(key, { chunk, recurs: recurs || fresh.get(key)?.recurs === true });
      }
    }
    if (fresh.size === 0) return found;
    const made = await encode([...fresh.values()].map(({ chunk }) => chunk));
    for (const [i, [key, { recurs }]] of [...fresh].entries()) {
      found.set(key, made[i]!);
      if (recurs) await cache.add(key, packed(made[i]!));
    }
    return found;
  }

  async function encode(chunks: readonly PromptChunk[]): Promise<EncodedChunk[]> {
    opened ??= openEncoders(options);
    const [one, two] = await opened;
    const { textEncoder, textEncoder2 } = options.model.configs;
    const idsOf = (which: "ids" | "ids2") => chunks.map((chunk) => chunk[which]);
    const left = await encodeChunks(one, textEncoder, idsOf("ids"));
    const right = await encodeChunks(two, textEncoder2, idsOf("ids2"));
    return chunks.map((_, i) => ({ states: left.states[i]!, states2: right.states[i]!, pooled: right.pooled[i]! }));
  }

  return {
    async contextOf(texts) {
      const known = await encoded(texts);
      const contexts = texts.map(({ chunks }) => {
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
    },
    async prepare(text) {
      await encoded([text]);
    },
    async rest() {
      const open = opened;
      opened = undefined;
      await open?.then(releaseAll, () => {});
    },
  };
}

async function openEncoders({ runtime, model, clipSkip }: FrozenOptions): Promise<readonly [Session, Session]> {
  const { textEncoder, textEncoder2 } = model.configs;
  const one = await runtime.open(clipGraph(textEncoder, { clipSkip }), model.weights.textEncoder!);
  try {
    return [one, await runtime.open(clipGraph(textEncoder2, { clipSkip }), model.weights.textEncoder2!)];
  } catch (error) {
    await one.release();
    throw error;
  }
}

async function identityOfEncoders({ model, clipSkip, hashes }: FrozenOptions): Promise<string> {
  const { textEncoder, textEncoder2 } = model.configs;
  const [one, two] = [model.weights.textEncoder!, model.weights.textEncoder2!];
  const weights = [await hashes.ofWeights(one), await hashes.ofWeights(two)];
  return hashOf(JSON.stringify([weights, textEncoder, textEncoder2, clipSkip]));
}

/** States of the first encoder, of the second, pooled, one after another. */
function packed({ states, states2, pooled }: EncodedChunk): CachedTensor {
  const data = new Float32Array(states.length + states2.length + pooled.length);
  data.set(states);
  data.set(states2, states.length);
  data.set(pooled, states.length + states2.length);
  return { data, shape: [data.length] };
}

function unpacked({ data }: CachedTensor, { model: { configs } }: FrozenOptions): EncodedChunk {
  const second = CHUNK * configs.textEncoder.hiddenSize;
  const end = second + CHUNK * configs.textEncoder2.hiddenSize;
  return { states: data.subarray(0, second), states2: data.subarray(second, end), pooled: data.subarray(end) };
}

/** Rows of one length, one after another. */
function joined(rows: readonly Float32Array[]): Float32Array {
  const { length } = rows[0]!;
  const all = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    all.set(row, i * length);
  });
  return all;
}
