/**
 * @file Which layers of SDXL a LoRA stands beside, chosen as kohya's trainers choose (`networks/lora.py`): every linear
 * layer of the UNet's transformers and of the encoders' attention and feed-forward parts. With a rank for convolutions
 * (LoCon), the UNet's residual blocks and its changes of size as well.
 */

import type { LoraShape } from "../../nn/lora.ts";
import type { SdxlConfigs } from "./config.ts";
import { parametersOf } from "./names.ts";
import type { Parameter } from "./names-table.ts";

/** The networks that a LoRA changes. */
export type LoraComponent = "unet" | "textEncoder" | "textEncoder2";

export const LORA_COMPONENTS: readonly LoraComponent[] = ["unet", "textEncoder", "textEncoder2"];

export type LoraRanks = {
  readonly rank: number;
  /** The rank if not given, which makes the pair's share 1; kohya's own default is 1. */
  readonly alpha?: number;
  /** Of 3x3 convolutions. Without it the residual blocks are left as they are. */
  readonly convRank?: number;
  readonly convAlpha?: number;
};

/** For `withLora`, by the names of the graph's weights. */
export function loraTargets(
  component: LoraComponent,
  configs: SdxlConfigs,
  ranks: LoraRanks,
): ReadonlyMap<string, LoraShape> {
  const { rank, alpha = rank, convRank, convAlpha = convRank ?? 0 } = ranks;
  const targets = new Map<string, LoraShape>();
  for (const parameter of parametersOf(component, configs)!) {
    if (!isTarget(component, parameter, convRank !== undefined)) continue;
    const is3x3 = (parameter.shape[2] ?? 1) > 1;
    targets.set(parameter.name, is3x3 ? { rank: convRank!, alpha: convAlpha } : { rank, alpha });
  }
  return targets;
}

function isTarget(component: LoraComponent, { name, shape }: Parameter, convolutions: boolean): boolean {
  if (shape.length < 2) return false;
  if (component !== "unet") return /\.(self_attn|mlp)\./.test(name);
  return /\.attentions\./.test(name) || (convolutions && /\.(resnets|downsamplers|upsamplers)\./.test(name));
}
