/**
 * @file SDXL's text encoders as graphs: CLIP ViT-L (quick GELU) and OpenCLIP ViT-bigG (GELU, with a projection).
 * Radford et al. (2021), https://arxiv.org/abs/2103.00020; parameters as transformers' `CLIPTextModel` has them.
 */

import { IllustriousError } from "../../base/error.ts";
import { type Dim, mulDims, size } from "../../graph/dim.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { attentionLayer, layerNormLayer, linearLayer, type Scope, scope } from "../../nn/layers.ts";
import type { ClipConfig } from "./config.ts";

export type ClipOutputs = {
  /** Which layer's states become context, counted from the end: 1 is the last, 2 the penultimate, which SDXL was trained on. */
  readonly clipSkip: number;
};

/**
 * Input `ids` i64 [n, s]; output `states` [n, s, width], without the final norm. An encoder with a projection also gives
 * `pooled` [n, projection], and then takes `endRows` i64 [n]: each text's end token as a row of all n * s tokens.
 */
export function clipGraph(config: ClipConfig, { clipSkip }: ClipOutputs = { clipSkip: 2 }): Graph {
  const [n, s] = [size("texts"), config.maxPositions];
  const ids = g.input("ids", [n, s], "i64");
  const layers = clipLayers(config, ids);
  const states = statesAt(config, layers, clipSkip);
  if (config.projectionDim === undefined) return graphOf({ states });
  return graphOf({ states, pooled: clipPooled(config, layers.at(-1)!, g.input("endRows", [n], "i64")) });
}

/** The states that become context. Throws `bad_option` for a layer that there is not. */
export function statesAt(config: ClipConfig, layers: readonly Tensor[], clipSkip: number): Tensor {
  if (Number.isInteger(clipSkip) && clipSkip >= 1 && clipSkip <= config.layers) return layers.at(-clipSkip)!;
  throw new IllustriousError(
    "bad_option",
    `clip skip ${clipSkip} for an encoder of ${config.layers} layers`,
    "1 takes the last layer's states, 2 the penultimate's, which SDXL was trained with.",
  );
}

/** The states after each layer. */
export function clipLayers(config: ClipConfig, ids: Tensor): Tensor[] {
  const p = scope("text_model");
  const width = config.hiddenSize;
  const words = g.gather(p.in("embeddings.token_embedding").weight("weight", [config.vocabSize, width]), ids);
  const places = p.in("embeddings.position_embedding").weight("weight", [config.maxPositions, width]);
  let x = g.add(words, places);
  return Array.from({ length: config.layers }, (_, i) => {
    x = layer(p.in("encoder.layers").in(i), x, config);
    return x;
  });
}

const PROJECTIONS = { q: "q_proj", k: "k_proj", v: "v_proj", out: "out_proj", bias: true, causal: true };

function layer(p: Scope, x: Tensor, config: ClipConfig): Tensor {
  const activate = config.activation === "gelu" ? g.gelu : g.quickGelu;
  const own = layerNormLayer(p.in("layer_norm1"), x, config.layerNormEps);
  const seen = g.add(x, attentionLayer(p.in("self_attn"), own, own, config.heads, PROJECTIONS));
  const normal = layerNormLayer(p.in("layer_norm2"), seen, config.layerNormEps);
  const wide = activate(linearLayer(p.in("mlp.fc1"), normal, config.intermediateSize));
  return g.add(seen, linearLayer(p.in("mlp.fc2"), wide, config.hiddenSize));
}

/** The projection of the states [n, s, width] at `endRows`, rows of all n * s tokens. */
export function clipPooled(config: ClipConfig, last: Tensor, endRows: Tensor): Tensor {
  const [n, s, width] = last.shape as [Dim, Dim, number];
  const rows = g.gather(g.reshape(last, [mulDims(n, s), width]), endRows);
  const normal = layerNormLayer(scope("text_model.final_layer_norm"), rows, config.layerNormEps);
  return linearLayer(scope("text_projection"), normal, config.projectionDim!, { bias: false });
}
