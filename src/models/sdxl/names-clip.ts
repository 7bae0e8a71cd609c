/**
 * @file The text encoders' parameters. The single file keeps the first as transformers names it, and the second as
 * OpenCLIP does: queries, keys and values in one matrix, and the projection with its axes swapped.
 */

import type { ClipConfig } from "./config.ts";
import { type Parameter, parameterTable } from "./names-table.ts";

export function clipParameters(config: ClipConfig): Parameter[] {
  return config.projectionDim === undefined ? asTransformers(config) : asOpenClip(config, config.projectionDim);
}

function asTransformers(config: ClipConfig): Parameter[] {
  const table = parameterTable();
  const { hiddenSize: c, intermediateSize: inner } = config;
  const same = (name: string) => [`text_model.${name}`, `text_model.${name}`] as const;
  table.add(...same("embeddings.token_embedding.weight"), [config.vocabSize, c]);
  table.add(...same("embeddings.position_embedding.weight"), [config.maxPositions, c]);
  for (let layer = 0; layer < config.layers; layer++) {
    const inside = (name: string) => same(`encoder.layers.${layer}.${name}`);
    table.norm(...inside("layer_norm1"), c);
    for (const matrix of ["q_proj", "k_proj", "v_proj", "out_proj"])
      table.linear(...inside(`self_attn.${matrix}`), c, c);
    table.norm(...inside("layer_norm2"), c);
    table.linear(...inside("mlp.fc1"), inner, c);
    table.linear(...inside("mlp.fc2"), c, inner);
  }
  table.norm(...same("final_layer_norm"), c);
  return table.rows;
}

function asOpenClip(config: ClipConfig, projectionDim: number): Parameter[] {
  const table = parameterTable();
  const { hiddenSize: c, intermediateSize: inner } = config;
  table.add("text_model.embeddings.token_embedding.weight", "token_embedding.weight", [config.vocabSize, c]);
  table.add("text_model.embeddings.position_embedding.weight", "positional_embedding", [config.maxPositions, c]);
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `text_model.encoder.layers.${layer}`;
    const key = `transformer.resblocks.${layer}`;
    table.norm(`${name}.layer_norm1`, `${key}.ln_1`, c);
    for (const [index, matrix] of ["q_proj", "k_proj", "v_proj"].entries()) {
      const part = { index, of: 3 };
      table.row({
        name: `${name}.self_attn.${matrix}.weight`,
        shape: [c, c],
        sgm: { key: `${key}.attn.in_proj_weight`, shape: [3 * c, c], part },
      });
      table.row({
        name: `${name}.self_attn.${matrix}.bias`,
        shape: [c],
        sgm: { key: `${key}.attn.in_proj_bias`, shape: [3 * c], part },
      });
    }
    table.linear(`${name}.self_attn.out_proj`, `${key}.attn.out_proj`, c, c);
    table.norm(`${name}.layer_norm2`, `${key}.ln_2`, c);
    table.linear(`${name}.mlp.fc1`, `${key}.mlp.c_fc`, inner, c);
    table.linear(`${name}.mlp.fc2`, `${key}.mlp.c_proj`, c, inner);
  }
  table.norm("text_model.final_layer_norm", "ln_final", c);
  table.row({
    name: "text_projection.weight",
    shape: [projectionDim, c],
    sgm: { key: "text_projection", shape: [c, projectionDim], transposed: true },
  });
  return table.rows;
}
