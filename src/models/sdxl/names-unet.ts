/**
 * @file The UNet's parameters.
 *
 * The single file numbers its blocks along one list: `input_blocks.0` is the first convolution, then each level's
 * residual blocks (with their transformer, if any) and its downsampler count one each; `output_blocks` likewise, with
 * the upsampler inside the level's last block.
 */

import { timeEmbedDim, type UNetConfig } from "./config.ts";
import { type Parameter, type ParameterTable, parameterTable } from "./names-table.ts";

export function unetParameters(config: UNetConfig): Parameter[] {
  const table = parameterTable();
  const { blockOutChannels: channels, layersPerBlock, attention } = config;
  const levels = channels.length;
  const last = levels - 1;
  const time = timeEmbedDim(config);

  table.conv("conv_in", "input_blocks.0.0", channels[0]!, config.inChannels, 3);
  table.linear("time_embedding.linear_1", "time_embed.0", time, channels[0]!);
  table.linear("time_embedding.linear_2", "time_embed.2", time, time);
  table.linear("add_embedding.linear_1", "label_emb.0.0", time, config.projectionInputDim);
  table.linear("add_embedding.linear_2", "label_emb.0.2", time, time);

  /** Channels of every tensor that a skip connection carries, in the order they are pushed. */
  const skips = [channels[0]!];
  let current = channels[0]!;
  let input = 1;
  for (let level = 0; level < levels; level++) {
    const width = channels[level]!;
    for (let i = 0; i < layersPerBlock; i++) {
      resnet(table, `down_blocks.${level}.resnets.${i}`, `input_blocks.${input}.0`, current, width, time);
      if (attention[level])
        transformer(table, `down_blocks.${level}.attentions.${i}`, `input_blocks.${input}.1`, config, level);
      current = width;
      skips.push(current);
      input++;
    }
    if (level < last) {
      table.conv(`down_blocks.${level}.downsamplers.0.conv`, `input_blocks.${input}.0.op`, current, current, 3);
      skips.push(current);
      input++;
    }
  }

  resnet(table, "mid_block.resnets.0", "middle_block.0", current, current, time);
  transformer(table, "mid_block.attentions.0", "middle_block.1", config, last);
  resnet(table, "mid_block.resnets.1", "middle_block.2", current, current, time);

  let output = 0;
  for (let up = 0; up < levels; up++) {
    const level = last - up;
    const width = channels[level]!;
    for (let i = 0; i <= layersPerBlock; i++) {
      const key = `output_blocks.${output}`;
      resnet(table, `up_blocks.${up}.resnets.${i}`, `${key}.0`, current + skips.pop()!, width, time);
      if (attention[level]) transformer(table, `up_blocks.${up}.attentions.${i}`, `${key}.1`, config, level);
      current = width;
      if (i === layersPerBlock && up < last)
        table.conv(`up_blocks.${up}.upsamplers.0.conv`, `${key}.${attention[level] ? 2 : 1}.conv`, width, width, 3);
      output++;
    }
  }

  table.norm("conv_norm_out", "out.0", current);
  table.conv("conv_out", "out.2", config.outChannels, current, 3);
  return table.rows;
}

function resnet(table: ParameterTable, name: string, key: string, inputs: number, outputs: number, time: number): void {
  table.norm(`${name}.norm1`, `${key}.in_layers.0`, inputs);
  table.conv(`${name}.conv1`, `${key}.in_layers.2`, outputs, inputs, 3);
  table.linear(`${name}.time_emb_proj`, `${key}.emb_layers.1`, outputs, time);
  table.norm(`${name}.norm2`, `${key}.out_layers.0`, outputs);
  table.conv(`${name}.conv2`, `${key}.out_layers.3`, outputs, outputs, 3);
  if (inputs !== outputs) table.conv(`${name}.conv_shortcut`, `${key}.skip_connection`, outputs, inputs, 1);
}

/** Both conventions name the inside of a transformer alike. */
function transformer(table: ParameterTable, name: string, key: string, config: UNetConfig, level: number): void {
  const c = config.blockOutChannels[level]!;
  const text = config.crossAttentionDim;
  const project = (end: string) =>
    config.useLinearProjection
      ? table.linear(`${name}.${end}`, `${key}.${end}`, c, c)
      : table.conv(`${name}.${end}`, `${key}.${end}`, c, c, 1);
  table.norm(`${name}.norm`, `${key}.norm`, c);
  project("proj_in");
  for (let block = 0; block < config.transformerLayersPerBlock[level]!; block++) {
    const inside = (layer: string) =>
      [`${name}.transformer_blocks.${block}.${layer}`, `${key}.transformer_blocks.${block}.${layer}`] as const;
    for (const [attention, width] of [["attn1", c] as const, ["attn2", text] as const]) {
      table.linear(...inside(`${attention}.to_q`), c, c, false);
      table.linear(...inside(`${attention}.to_k`), c, width, false);
      table.linear(...inside(`${attention}.to_v`), c, width, false);
      table.linear(...inside(`${attention}.to_out.0`), c, c);
    }
    // The first layer of the feed-forward part makes both halves of a GEGLU, four times as wide each.
    table.linear(...inside("ff.net.0.proj"), 8 * c, c);
    table.linear(...inside("ff.net.2"), c, 4 * c);
    for (const norm of ["norm1", "norm2", "norm3"]) table.norm(...inside(norm), c);
  }
  project("proj_out");
}
