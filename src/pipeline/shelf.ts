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
import type { Footprint, Runtime, Session } from "../runtime/runtime.ts";
import type { Weights } from "../runtime/weights.ts";

export type Part = "textEncoder" | "textEncoder2" | "unet" | "vaeEncoder" | "vaeDecoder";

export type Blueprint = {
  readonly graph: Graph;
  readonly weights: Weights;
  /** What stands around a session of it: feeds that the caller does not know of. */
  readonly wrap?: (session: Session) => Session;
};

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

/** What may be in memory at one time, in bytes. */
export type Budget = {
  /** Parts that are not in use are put away to stay below this. */
  readonly comfort: number;
  /** Nothing is opened that would pass this. */
  readonly limit: number;
};

type Held = ReadonlyMap<Part, number>;

const total = (held: Held): number => [...held.values()].reduce((sum, bytes) => sum + bytes, 0);

/** The parts to put away before `part` is opened, least recently used first; the order of the map is the order of use. */
function toPutAway(held: Held, part: Part, { opening, open }: Footprint, { comfort }: Budget): Part[] {
  const left = new Map(held);
  const wanted = left.has(part) ? 0 : Math.max(opening, open);
  const away: Part[] = [];
  for (const other of held.keys()) {
    if (other === part || total(left) + wanted <= comfort) continue;
    left.delete(other);
    away.push(other);
  }
  return away;
}

/** The most bytes held when the parts are taken in this order, starting with an empty shelf. */
export function peakBytes(order: readonly (readonly [Part, Footprint])[], budget: Budget): number {
  const held = new Map<Part, number>();
  let peak = 0;
  for (const [part, footprint] of order) {
    for (const other of toPutAway(held, part, footprint, budget)) held.delete(other);
    peak = Math.max(peak, total(held) + Math.max(footprint.opening, footprint.open));
    held.set(part, footprint.open);
  }
  return peak;
}

export type Shelf = {
  /** The part's session. Others are put away first where the budget asks for it. */
  take(part: Part, sizes: NamedSizes): Promise<Session>;
  has(part: Part): boolean;
  /** Puts a part away whose blueprint is another from now on. */
  putAway(part: Part): Promise<void>;
  footprint(part: Part, sizes: NamedSizes): Footprint;
  close(): Promise<void>;
};

export type NamedSizes = Readonly<Record<string, number>>;

export function createShelf(runtime: Runtime, blueprint: (part: Part) => Blueprint, budget: Budget): Shelf {
  const sessions = new Map<Part, Session>();
  const held = new Map<Part, number>();

  async function putAway(part: Part): Promise<void> {
    const session = sessions.get(part);
    sessions.delete(part);
    held.delete(part);
    await session?.release();
  }

  async function open(part: Part): Promise<Session> {
    const { graph, weights, wrap } = blueprint(part);
    const session = await runtime.open(graph, weights);
    return wrap ? wrap(session) : session;
  }

  function footprint(part: Part, sizes: NamedSizes): Footprint {
    const { graph, weights } = blueprint(part);
    return runtime.footprint(graph, weights, new Map(Object.entries(sizes)));
  }

  return {
    footprint,
    putAway,
    async take(part, sizes) {
      const wanted = footprint(part, sizes);
      for (const other of toPutAway(held, part, wanted, budget)) await putAway(other);
      const session = sessions.get(part) ?? (await open(part));
      const bytes = Math.max(held.get(part) ?? 0, wanted.open);
      held.delete(part);
      held.set(part, bytes);
      sessions.set(part, session);
      return session;
    },
    has: (part) => sessions.has(part),
    async close() {
      for (const part of [...sessions.keys()]) await putAway(part);
    },
  };
}
