/** @file A loaded model: its checkpoint, its tokenizer, and its networks on a shelf. What the tasks work with. */

import { type Checkpoint, type OpenOptions, openCheckpoint } from "../models/sdxl/checkpoint.ts";
import type { LoraFile } from "../models/sdxl/lora-file.ts";
import { withLoraFiles } from "../models/sdxl/lora-graph.ts";
import { modelTokenizer, type Tokenizer } from "../models/sdxl/tokenizer.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";
import { type AppliedLora, changedComponents, type LoraRequest, openLoras, withStrengths } from "./loras.ts";
import { numbersOnly } from "./numbers-only.ts";
import { FITTING_SIZES, type LatentColours, latentColours } from "./preview.ts";
import { type Blueprint, type Budget, blueprintOf, createShelf, noVae, type Part, type Shelf } from "./shelf.ts";

export type Pipeline = {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly shelf: Shelf;
  /** The runtime's name and version, for the picture's record. */
  readonly engine: string;
  readonly budget: Budget;
  /** Beside the networks, in their order. */
  loras(): readonly AppliedLora[];
  /**
   * These from now on and no others. Other files close the networks that they change; other strengths change nothing that
   * is open. Throws what `openLora` throws, and then all stays as it was.
   */
  setLoras(requests: readonly LoraRequest[]): Promise<void>;
  /** Of this model's VAE, for previews; found out once. */
  latentColours(): Promise<LatentColours>;
  close(): Promise<void>;
};

export type PipelineOptions = OpenOptions & {
  readonly runtime: Runtime;
  readonly clipSkip: number;
  readonly budget: Budget;
};

/** @throws what `openCheckpoint` and `modelTokenizer` throw */
export async function openPipeline(path: string, options: PipelineOptions): Promise<Pipeline> {
  const checkpoint = await openCheckpoint(path, options);
  const tokenizer = await modelTokenizer(checkpoint);
  const blueprints = new Map<Part, Blueprint>();
  const opened = new Map<string, LoraFile>();
  let loras: readonly AppliedLora[] = [];
  function drawnUp(part: Part): Blueprint {
    const plain = blueprintOf(checkpoint, part, options.clipSkip);
    const checked = (session: Session) => numbersOnly(session, part, plain.weights, () => loras);
    if (part === "vaeEncoder" || part === "vaeDecoder" || loras.length === 0) return { ...plain, wrap: checked };
    const files = loras.map(({ file }) => file);
    return {
      ...withLoraFiles(plain.graph, plain.weights, part, files),
      wrap: (session) => checked(withStrengths(session, part, () => loras)),
    };
  }
  const blueprint = (part: Part): Blueprint => {
    const found = blueprints.get(part) ?? drawnUp(part);
    blueprints.set(part, found);
    return found;
  };
  const shelf = createShelf(options.runtime, blueprint, options.budget);
  let colours: LatentColours | undefined;
  return {
    checkpoint,
    tokenizer,
    shelf,
    engine: options.runtime.name,
    budget: options.budget,
    loras: () => loras,
    async setLoras(requests) {
      const next = await openLoras(requests, checkpoint.configs, opened);
      for (const part of changedComponents(loras, next)) {
        blueprints.delete(part);
        await shelf.putAway(part);
      }
      loras = next;
    },
    async latentColours() {
      const config = checkpoint.configs.vae;
      if (!config) throw noVae(checkpoint);
      colours ??= await latentColours(config, () => shelf.take("vaeEncoder", FITTING_SIZES));
      return colours;
    },
    close: () => shelf.close(),
  };
}
