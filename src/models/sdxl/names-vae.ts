/**
 * @file The autoencoder's parameters. The single file counts the decoder's levels from the finest, diffusers from the
 * coarsest, where decoding starts.
 */

import type { VaeConfig } from "./config.ts";
import { type Parameter, type ParameterTable, parameterTable } from "./names-table.ts";

export function vaeParameters(config: VaeConfig): Parameter[] {
  const table = parameterTable();
  const { blockOutChannels: channels, layersPerBlock, latentChannels } = config;
  const last = channels.length - 1;
  const widest = channels[last]!;

  table.conv("encoder.conv_in", "encoder.conv_in", channels[0]!, config.inChannels, 3);
  let current = channels[0]!;
  for (const [level, width] of channels.entries()) {
    const name = `encoder.down_blocks.${level}`;
    const key = `encoder.down.${level}`;
    for (let i = 0; i < layersPerBlock; i++) {
      resnet(table, `${name}.resnets.${i}`, `${key}.block.${i}`, current, width);
      current = width;
    }
    if (level < last) table.conv(`${name}.downsamplers.0.conv`, `${key}.downsample.conv`, width, width, 3);
  }
  middle(table, "encoder", widest, config.midBlockAttention);
  table.norm("encoder.conv_norm_out", "encoder.norm_out", widest);
  // Mean and logarithm of the variance, side by side.
  table.conv("encoder.conv_out", "encoder.conv_out", 2 * latentChannels, widest, 3);
  if (config.useQuantConv) table.conv("quant_conv", "quant_conv", 2 * latentChannels, 2 * latentChannels, 1);

  if (config.usePostQuantConv) table.conv("post_quant_conv", "post_quant_conv", latentChannels, latentChannels, 1);
  table.conv("decoder.conv_in", "decoder.conv_in", widest, latentChannels, 3);
  middle(table, "decoder", widest, config.midBlockAttention);
  current = widest;
  for (let up = 0; up <= last; up++) {
    const level = last - up;
    const width = channels[level]!;
    const name = `decoder.up_blocks.${up}`;
    const key = `decoder.up.${level}`;
    for (let i = 0; i <= layersPerBlock; i++) {
      resnet(table, `${name}.resnets.${i}`, `${key}.block.${i}`, current, width);
      current = width;
    }
    if (up < last) table.conv(`${name}.upsamplers.0.conv`, `${key}.upsample.conv`, width, width, 3);
  }
  table.norm("decoder.conv_norm_out", "decoder.norm_out", current);
  table.conv("decoder.conv_out", "decoder.conv_out", config.outChannels, current, 3);
  return table.rows;
}

function resnet(table: ParameterTable, name: string, key: string, inputs: number, outputs: number): void {
  table.norm(`${name}.norm1`, `${key}.norm1`, inputs);
  table.conv(`${name}.conv1`, `${key}.conv1`, outputs, inputs, 3);
  table.norm(`${name}.norm2`, `${key}.norm2`, outputs);
  table.conv(`${name}.conv2`, `${key}.conv2`, outputs, outputs, 3);
  if (inputs !== outputs) table.conv(`${name}.conv_shortcut`, `${key}.nin_shortcut`, outputs, inputs, 1);
}

function middle(table: ParameterTable, half: "encoder" | "decoder", c: number, attention: boolean): void {
  const name = `${half}.mid_block`;
  const key = `${half}.mid`;
  resnet(table, `${name}.resnets.0`, `${key}.block_1`, c, c);
  if (attention) {
    table.norm(`${name}.attentions.0.group_norm`, `${key}.attn_1.norm`, c);
    table.linearAsConv(`${name}.attentions.0.to_q`, `${key}.attn_1.q`, c, c);
    table.linearAsConv(`${name}.attentions.0.to_k`, `${key}.attn_1.k`, c, c);
    table.linearAsConv(`${name}.attentions.0.to_v`, `${key}.attn_1.v`, c, c);
    table.linearAsConv(`${name}.attentions.0.to_out.0`, `${key}.attn_1.proj_out`, c, c);
  }
  resnet(table, `${name}.resnets.1`, `${key}.block_2`, c, c);
}
