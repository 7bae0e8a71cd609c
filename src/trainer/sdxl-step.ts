/**
 * @file A training step of SDXL as one graph: token rows through both text encoders, their states into the UNet, its answer
 * against the target, and the gradients of whatever is trained. Parameters have the part's name before their own
 * (`unet.conv_in.weight`, `textEncoder.text_model…`), because both encoders call theirs alike.
 */

import { type Dim, mulDims, size } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import { substitute } from "../graph/substitute.ts";
import type { Tensor } from "../graph/tensor.ts";
import { clipLayers, clipPooled, statesAt } from "../models/sdxl/clip.ts";
import type { ClipConfig, SdxlConfigs } from "../models/sdxl/config.ts";
import { LORA_COMPONENTS, type LoraComponent } from "../models/sdxl/lora-targets.ts";
import { unet, unetInputs } from "../models/sdxl/unet.ts";
import { type LoraParameter, type LoraShape, withLora } from "../nn/lora.ts";
import type { WeightSource, Weights } from "../runtime/weights.ts";
import { numbered, type StepGraph, stepGraph } from "../training/learner/step-graph.ts";
import type { LossKind } from "../training/objectives/losses.ts";

export type SdxlStepOptions = {
  /** Parts all of whose weights are trained. */
  readonly train: readonly LoraComponent[];
  /** Low-rank pairs that are trained, by part and by the part's own weight names. */
  readonly lora?: Partial<Record<LoraComponent, ReadonlyMap<string, LoraShape>>>;
  readonly loss: LossKind;
  /** Which layer's states become context, from the end; SDXL's 2 by default. */
  readonly clipSkip?: number;
};

export type SdxlStep = StepGraph & {
  /** Whether the graph has the encoders in it. If not, it takes `context` and `pooled`, as encoded beforehand. */
  readonly encodes: boolean;
  readonly loraParameters: readonly (LoraParameter & { readonly part: LoraComponent })[];
};

/** What stands in for the two tables of words: rows that the host has looked up. */
export const WORDS = { textEncoder: "words", textEncoder2: "words2" } as const;

export const TOKEN_TABLE = "text_model.embeddings.token_embedding.weight";

/**
 * Inputs: `sample` and `target` [b, 4, h, w], `timestep` [b], `timeIds` [b, 6], `weights` [b] and, for huber losses,
 * `thresholds` [b]. With encoders: `words` and `words2` [b, chunks, 77, width], and `endRows` i64 [b], each text's first end token
 * as a row of all b * chunks * 77; else `context` [b, s, width] and `pooled` [b, width].
 * Outputs: `loss`, the weighted mean; `losses` [b], unweighted; and gradients.
 */
export function sdxlStep(configs: SdxlConfigs, options: SdxlStepOptions): SdxlStep {
  const { train, lora = {}, clipSkip = 2 } = options;
  const encodes = train.some((part) => part !== "unet") || Boolean(lora.textEncoder ?? lora.textEncoder2);
  const loraParameters: (LoraParameter & { part: LoraComponent })[] = [];

  /** A part's outputs, with its LoRA, under its own name. */
  function finished(part: LoraComponent, outputs: Record<string, Tensor>): Record<string, Tensor> {
    const targets = lora[part];
    const adapted = targets ? withLora(outputs, targets) : { outputs, parameters: [] };
    loraParameters.push(...adapted.parameters.map((parameter) => ({ ...parameter, part })));
    return prefixed(part, adapted.outputs);
  }

  const text = encodes ? encoders(configs, clipSkip, finished) : undefined;
  const inputs = unetInputs(configs.unet);
  // Of as many tokens as the encoders will give, where they take the place of these inputs.
  const context = text ? g.input("context", text.context.shape) : inputs.context;
  const borders: Tensor[] = [];
  const cut = (x: Tensor) => borders.push(x);
  const output = unet(configs.unet, { ...inputs, context }, { block: (_name, x) => cut(x), layer: cut });
  const adapted = finished("unet", { output, ...numbered(borders) });
  const answered = text ? substituteInputs(adapted, text) : adapted;
  const cuts = [...Object.values(text ?? {}), ...Object.keys(numbered(borders)).map((name) => answered[name]!)];
  const losses = lossesOf(options.loss, answered.output!);
  const weights = g.input("weights", [size("batch")]);
  const loss = g.mean(g.mul(losses, weights), [0]);
  const isTrained = (name: string) =>
    LORA_COMPONENTS.some((part) => name.startsWith(`${part}.`) && train.includes(part)) ||
    loraParameters.some((parameter) => `${parameter.part}.${parameter.name}` === name);
  const tables = (["textEncoder", "textEncoder2"] as const).filter((part) => train.includes(part));
  const step = stepGraph(
    { loss, losses },
    isTrained,
    tables.map((part) => WORDS[part]),
    cuts,
  );
  return { ...step, encodes, loraParameters };
}

/** A part's weights where they lie, under the names that they have in the step. */
export function partWeights(parts: Partial<Readonly<Record<LoraComponent, Weights>>>): Weights {
  const all = new Map<string, WeightSource>();
  for (const part of LORA_COMPONENTS)
    for (const [name, source] of parts[part] ?? []) all.set(`${part}.${name}`, source);
  return all;
}

function encoders(
  { textEncoder, textEncoder2 }: SdxlConfigs,
  clipSkip: number,
  finished: (part: LoraComponent, outputs: Record<string, Tensor>) => Record<string, Tensor>,
): { context: Tensor; pooled: Tensor } {
  const [b, chunks] = [size("batch"), size("chunks")];
  const texts = mulDims(b, chunks);
  const layersOf = (config: ClipConfig) => {
    const ids = g.input("ids", [texts, config.maxPositions], "i64");
    return clipLayers(config, ids);
  };
  const [layers, layers2] = [layersOf(textEncoder), layersOf(textEncoder2)];
  const endRows = g.input("endRows", [b], "i64");
  const one = finished("textEncoder", fed("textEncoder", { states: statesAt(textEncoder, layers, clipSkip) }));
  const pooled = clipPooled(textEncoder2, layers2.at(-1)!, endRows);
  const two = finished(
    "textEncoder2",
    fed("textEncoder2", { states: statesAt(textEncoder2, layers2, clipSkip), pooled }),
  );
  const joined = g.concat([one.states!, two.states!], 2);
  const width = textEncoder.hiddenSize + textEncoder2.hiddenSize;
  const tokens: Dim = mulDims(chunks, textEncoder.maxPositions);
  return { context: g.reshape(joined, [b, tokens, width]), pooled: two.pooled! };
}

/** Looked-up rows in place of the lookup. */
function fed(part: "textEncoder" | "textEncoder2", outputs: Record<string, Tensor>): Record<string, Tensor> {
  return substitute(outputs, (tensor) => {
    if (tensor.op !== "gather") return undefined;
    const [table] = tensor.inputs;
    const isTable = table?.op === "weight" && table.attributes.name === TOKEN_TABLE;
    if (!isTable) return undefined;
    const [, ...row] = tensor.shape;
    return g.reshape(g.input(WORDS[part], [size("batch"), size("chunks"), ...row]), tensor.shape);
  });
}

function prefixed(part: LoraComponent, outputs: Record<string, Tensor>): Record<string, Tensor> {
  return substitute(outputs, (tensor) =>
    tensor.op === "weight" ? g.weight(`${part}.${tensor.attributes.name}`, tensor.shape as number[]) : undefined,
  );
}

function substituteInputs(
  outputs: Record<string, Tensor>,
  by: { context: Tensor; pooled: Tensor },
): Record<string, Tensor> {
  return substitute(outputs, (tensor) => {
    if (tensor.op !== "input") return undefined;
    const { name } = tensor.attributes;
    return name === "context" || name === "pooled" ? by[name] : undefined;
  });
}

/** One a picture: the mean over its numbers. `src/training/objectives/losses.ts` has the same on plain numbers. */
function lossesOf(kind: LossKind, output: Tensor): Tensor {
  const [b] = output.shape as [Dim];
  const error = g.sub(output, g.input("target", output.shape));
  const square = g.mul(error, error);
  const overPixels = (x: Tensor) => g.mean(x, [1, 2, 3]);
  switch (kind) {
    case "l2":
      return overPixels(square);
    case "l1":
      // A square root has no slope at 0; so far from 0 it is the absolute value to float32's last bit.
      return overPixels(g.sqrt(g.add(square, g.scalar(1e-12))));
    case "huber":
    case "smooth_l1": {
      const threshold = g.reshape(g.input("thresholds", [b]), [b, 1, 1, 1]);
      const rooted = g.sqrt(g.add(square, g.mul(threshold, threshold)));
      const rounded = g.div(g.mul(g.scalar(2), square), g.add(rooted, threshold));
      return overPixels(kind === "huber" ? g.mul(threshold, rounded) : rounded);
    }
  }
}
