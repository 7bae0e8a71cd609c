import { expect, test } from "vitest";
import { SDXL_BASE } from "./config.ts";
import { LORA_COMPONENTS, loraTargets } from "./lora-targets.ts";

// What kohya's trainer and LyCORIS print for SDXL: 722 modules of the UNet, 72 and 192 of the encoders; 788 with convolutions.
test("SDXL has as many targets as kohya's trainers find", () => {
  const count = (ranks: { rank: number; convRank?: number }) =>
    LORA_COMPONENTS.map((component) => loraTargets(component, SDXL_BASE, ranks).size);
  expect(count({ rank: 8 })).toEqual([722, 72, 192]);
  expect(count({ rank: 8, convRank: 4 })).toEqual([788, 72, 192]);
});

test("only 3x3 convolutions have the convolutions' rank", () => {
  const targets = loraTargets("unet", SDXL_BASE, { rank: 8, alpha: 2, convRank: 4, convAlpha: 1 });
  const of = (name: string) => targets.get(`${name}.weight`);
  expect(of("down_blocks.1.resnets.0.conv1")).toEqual({ rank: 4, alpha: 1 });
  expect(of("down_blocks.0.downsamplers.0.conv")).toEqual({ rank: 4, alpha: 1 });
  for (const name of ["conv_shortcut", "time_emb_proj"]) {
    expect(of(`down_blocks.1.resnets.0.${name}`)).toEqual({ rank: 8, alpha: 2 });
  }
  expect(of("down_blocks.1.attentions.0.proj_in")).toEqual({ rank: 8, alpha: 2 });
  expect(of("conv_in") ?? of("conv_out") ?? of("time_embedding.linear_1")).toBeUndefined();
  // Without an alpha a pair's share is 1.
  expect(loraTargets("unet", SDXL_BASE, { rank: 8 }).get("down_blocks.1.attentions.0.proj_in.weight")).toEqual({
    rank: 8,
    alpha: 8,
  });
});
