/** @file Runs both text encoders over chunks of 77 tokens. */

import type { ClipConfig } from "../models/sdxl/config.ts";
import { int64, type Session } from "../runtime/runtime.ts";

export type EncodedChunks = {
  /** One a chunk: [tokens, width]. */
  readonly states: readonly Float32Array[];
  /** One a chunk, where the encoder has a projection. */
  readonly pooled: readonly Float32Array[];
};

export async function encodeChunks(
  session: Session,
  config: ClipConfig,
  chunks: readonly Int32Array[],
): Promise<EncodedChunks> {
  const tokens = config.maxPositions;
  const ids = int64(
    chunks.flatMap((chunk) => [...chunk]),
    [chunks.length, tokens],
  );
  const ends = chunks.map((chunk, n) => n * tokens + endOf(chunk, config));
  const feeds = config.projectionDim === undefined ? { ids } : { ids, endRows: int64(ends, [chunks.length]) };
  const { states, pooled } = await session.run(feeds);
  return {
    states: rowsOf(states!.data as Float32Array, chunks.length),
    pooled: pooled ? rowsOf(pooled.data as Float32Array, chunks.length) : [],
  };
}

/** Where a text ends: the position whose state stands for all of it. */
function endOf(chunk: Int32Array, { eosRule }: ClipConfig): number {
  const id = eosRule.kind === "first" ? eosRule.id : Math.max(...chunk);
  return Math.max(0, chunk.indexOf(id));
}

function rowsOf(data: Float32Array, count: number): Float32Array[] {
  const length = data.length / count;
  return Array.from({ length: count }, (_, n) => data.subarray(n * length, (n + 1) * length));
}
