/**
 * @file The networks of one checkpoint, opened when first needed and put away when memory is wanted for another. A prompt
 * needs the encoders once, a picture the decoder once, and a full-size UNet alone is ten gigabytes in float32.
 */

import { IllustriousError } from "../base/error.ts";
import type { Graph } from "../graph/graph.ts";
import type { Checkpoint } from "../models/sdxl/checkpoint.ts";
import { clipGraph } from "../models/sdxl/clip.ts";
import { unetGraph } from "../models/sdxl/unet.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "../models/sdxl/vae.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import type { Weights } from "../runtime/weights.ts";

export type Part = "textEncoder" | "textEncoder2" | "unet" | "vaeEncoder" | "vaeDecoder";

export type Blueprint = { readonly graph: Graph; readonly weights: Weights };

export function blueprintOf(checkpoint: Checkpoint, part: Part, clipSkip: number): Blueprint {
  const { configs, weights } = checkpoint;
  switch (part) {
    case "textEncoder":
      return { graph: clipGraph(configs.textEncoder, { clipSkip }), weights: weights.textEncoder };
    case "textEncoder2":
      return { graph: clipGraph(configs.textEncoder2, { clipSkip }), weights: weights.textEncoder2 };
    case "unet":
      return { graph: unetGraph(configs.unet), weights: weights.unet };
    case "vaeEncoder":
    case "vaeDecoder": {
      if (!configs.vae || !weights.vae) throw noVae(checkpoint);
      const graph = part === "vaeEncoder" ? vaeEncoderGraph(configs.vae) : vaeDecoderGraph(configs.vae);
      return { graph, weights: weights.vae };
    }
  }
}

export function noVae({ path }: Checkpoint): IllustriousError {
  return new IllustriousError("missing_weight", `${path} has no VAE`, "Name one: --vae sdxl_vae.safetensors.");
}

export type Shelf = {
  /** The part's session; those not in `keep` are put away first if `bytes` more would pass the budget. */
  take(part: Part, bytes: number): Promise<Session>;
  has(part: Part): boolean;
  close(): Promise<void>;
};

/** `budget` in bytes bounds what `take` was told of the sessions that are open at one time. */
export function createShelf(runtime: Runtime, blueprint: (part: Part) => Blueprint, budget: number): Shelf {
  const open = new Map<Part, { session: Session; bytes: number }>();
  const held = () => [...open.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  async function putAway(part: Part): Promise<void> {
    const found = open.get(part);
    open.delete(part);
    await found?.session.release();
  }

  return {
    async take(part, bytes) {
      const found = open.get(part);
      // Put back at the end: the order of the map is the order of last use.
      if (found) {
        open.delete(part);
        open.set(part, { ...found, bytes: Math.max(found.bytes, bytes) });
      }
      for (const other of [...open.keys()]) {
        const wanted = found ? 0 : bytes;
        if (other !== part && held() + wanted > budget) await putAway(other);
      }
      if (found) return found.session;
      const { graph, weights } = blueprint(part);
      const session = await runtime.open(graph, weights);
      open.set(part, { session, bytes });
      return session;
    },
    has: (part) => open.has(part),
    async close() {
      for (const part of [...open.keys()]) await putAway(part);
    },
  };
}
