/** @file What is written is read back: at full size, with kohya's names, and with metadata that others read. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hashModelFile } from "../../formats/hash.ts";
import { encodeSafetensors, openSafetensors, readFloat32 } from "../../formats/safetensors/index.ts";
import type { LoraParameter, LoraShape } from "../../nn/lora.ts";
import { loraName } from "../../nn/lora.ts";
import { SDXL_BASE } from "./config.ts";
import { inspectModel } from "./inspect.ts";
import { openLora } from "./lora-file.ts";
import { type LoraSettings, loraMetadata } from "./lora-metadata.ts";
import { LORA_COMPONENTS, type LoraComponent, loraTargets } from "./lora-targets.ts";
import { type LoraValues, writeLora } from "./lora-write.ts";
import { parametersOf } from "./names.ts";

const folder = await mkdtemp(join(tmpdir(), "lora-write-"));
afterAll(() => rm(folder, { recursive: true }));

/** Small whole numbers, which every type holds exactly. */
const numbers = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => ((i * 7 + seed * 13) % 31) - 15);

/** What training would hand over; shapes as `withLora` declares them. */
function valuesOf(component: LoraComponent, targets: ReadonlyMap<string, LoraShape>): LoraValues {
  const shapes = new Map(parametersOf(component, SDXL_BASE)!.map(({ name, shape }) => [name, shape]));
  const parameters = [...targets].flatMap(([target, { rank }]): LoraParameter[] => {
    const [wide, narrow, ...kernel] = shapes.get(target) as [number, number, ...number[]];
    return [
      { name: loraName(target, "down"), shape: [rank, narrow, ...kernel], role: "down", target },
      { name: loraName(target, "up"), shape: [wide, rank, ...kernel.map(() => 1)], role: "up", target },
    ];
  });
  const length = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
  const values = new Map(parameters.map(({ name, shape }, i) => [name, numbers(length(shape), i)]));
  return { targets, parameters, values };
}

const settings: LoraSettings = {
  title: "a girl's colours",
  ranks: { rank: 2, alpha: 1, convRank: 1, convAlpha: 0.5 },
  prediction: "v",
  zeroTerminalSnr: true,
  resolution: { width: 832, height: 1216 },
  trained: { unet: true, textEncoders: false },
  learningRate: 0.0001,
  steps: 300,
  finishedAt: new Date("2026-01-02T03:04:05Z"),
  more: { min_snr_gamma: 5, optimizer: "AdamW", lowram: false, network_dropout: null },
};

test.each(["F16", "BF16", "F32"] as const)("all layers of SDXL, written as %s and read again", async (dtype) => {
  const convolutions = dtype === "F16" ? { convRank: 1, convAlpha: 0.5 } : {};
  const ranks = { rank: 1, alpha: 0.5, ...convolutions };
  const parts = Object.fromEntries(
    LORA_COMPONENTS.map((name) => [name, valuesOf(name, loraTargets(name, SDXL_BASE, ranks))]),
  ) as Record<LoraComponent, LoraValues>;
  const path = join(folder, `full-${dtype}.safetensors`);
  await writeLora(path, SDXL_BASE, parts, settings, dtype);
  const lora = await openLora(path, SDXL_BASE);
  expect(lora.unknown).toEqual([]);
  const file = await openSafetensors(path);
  // kohya's trainers write three tensors a module: 722 or, with convolutions, 788 of the UNet and 264 of the encoders.
  expect(file.tensors.size).toBe(3 * ((dtype === "F16" ? 788 : 722) + 264));
  const byOffset = new Map([...file.tensors.values()].map((tensor) => [tensor.offset, tensor.name]));
  for (const component of LORA_COMPONENTS) {
    const { targets, weights } = lora.parts[component];
    const written = [...parts[component].targets].map(([name, shape]) => [name, { ...shape, middle: false }]);
    expect(Object.fromEntries(targets)).toEqual(Object.fromEntries(written));
    for (const [i, { name, shape }] of parts[component].parameters.entries()) {
      const source = weights.get(name)!;
      expect(source.shape).toEqual(shape);
      // Values of a few: reading them all again says nothing new.
      if (i % 97 > 0) continue;
      expect(await readFloat32(file, byOffset.get(source.offset)!)).toEqual(parts[component].values.get(name));
    }
  }
});

test("names are those of kohya's trainers", async () => {
  const tensors = (await openSafetensors(join(folder, "full-F16.safetensors"))).tensors;
  for (const module of [
    "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
    "lora_unet_middle_block_1_transformer_blocks_9_ff_net_0_proj",
    "lora_unet_output_blocks_5_1_transformer_blocks_1_attn2_to_out_0",
    "lora_unet_output_blocks_0_1_proj_in",
    "lora_unet_input_blocks_1_0_in_layers_2",
    "lora_unet_input_blocks_4_0_skip_connection",
    "lora_unet_output_blocks_8_0_emb_layers_1",
    "lora_unet_input_blocks_3_0_op",
    "lora_unet_output_blocks_2_2_conv",
    "lora_te1_text_model_encoder_layers_11_mlp_fc1",
    "lora_te2_text_model_encoder_layers_31_self_attn_out_proj",
  ]) {
    for (const part of ["lora_down.weight", "lora_up.weight", "alpha"])
      expect(tensors.has(`${module}.${part}`), `${module}.${part}`).toBe(true);
  }
});

test.each([
  ["epsilon", "eps"],
  ["v", "v"],
  ["flow", "flow"],
] as const)("a LoRA that says %s opens as one trained for %s", async (prediction, trainedFor) => {
  const path = join(folder, `${prediction}.safetensors`);
  const targets = new Map([["down_blocks.1.attentions.0.proj_in.weight", { rank: 2, alpha: 1 }]]);
  await writeLora(path, SDXL_BASE, { unet: valuesOf("unet", targets) }, { ...settings, prediction });
  expect((await openLora(path, SDXL_BASE)).trainedFor).toBe(trainedFor);
});

test("metadata tells what was done, and the hash of the tensors", async () => {
  const path = join(folder, "metadata.safetensors");
  const targets = new Map([["down_blocks.1.attentions.0.proj_in.weight", { rank: 2, alpha: 1 }]]);
  await writeLora(path, SDXL_BASE, { unet: valuesOf("unet", targets) }, settings);
  const { metadata, prediction, lora, name } = await inspectModel(path);
  const { tensorsSha256, modelspecHash } = await hashModelFile(path);
  expect(metadata).toEqual({
    ss_v2: "False",
    ss_base_model_version: "sdxl_base_v1-0",
    ss_network_module: "networks.lora",
    ss_network_dim: "2",
    ss_network_alpha: "1.0",
    ss_network_args: '{"conv_dim":"1","conv_alpha":"0.5"}',
    ss_network_dropout: "None",
    ss_output_name: "a girl's colours",
    ss_learning_rate: "0.0001",
    ss_unet_lr: "0.0001",
    ss_text_encoder_lr: "None",
    ss_zero_terminal_snr: "True",
    ss_resolution: "(832, 1216)",
    ss_steps: "300",
    ss_min_snr_gamma: "5",
    ss_optimizer: "AdamW",
    ss_lowram: "False",
    ss_training_finished_at: "1767323045.0",
    sshs_model_hash: tensorsSha256,
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
    "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
    "modelspec.title": "a girl's colours",
    "modelspec.date": "2026-01-02T03:04:05",
    "modelspec.resolution": "832x1216",
    "modelspec.prediction_type": "v",
    "modelspec.hash_sha256": modelspecHash,
  });
  expect(prediction).toMatchObject({ prediction: "v", zeroSnr: true });
  expect(lora).toMatchObject({ modules: 1, ranks: [2], alpha: 1, networkModule: "networks.lora" });
  expect(name).toContain("kohya's format");
});

test("minimal metadata have kohya's least keys, beside what is said of the file", () => {
  const spec = { title: "other", author: "me", description: undefined, tags: "girl, red" };
  const metadata = loraMetadata({ ...settings, minimal: true, spec, comment: "first try" }, "0");
  const names = Object.keys(metadata).filter((name) => name.startsWith("ss_"));
  const least = ["v2", "base_model_version", "network_module", "network_dim", "network_alpha", "network_args"];
  expect(names).toEqual(least.map((name) => `ss_${name}`));
  expect(metadata).toMatchObject({ "modelspec.title": "other", "modelspec.tags": "girl, red" });
  expect(metadata).not.toHaveProperty("modelspec.description");
  expect(loraMetadata({ ...settings, comment: "first try" }, "0").ss_training_comment).toBe("first try");
});

function withOne(value: number): LoraValues {
  const part = valuesOf("unet", new Map([["mid_block.attentions.0.proj_in.weight", { rank: 1, alpha: 1 }]]));
  part.values.get("mid_block.attentions.0.proj_in.lora_up.weight")![5] = value;
  return part;
}

test("what F16 cannot hold is F32, and the hash is still that of the file", async () => {
  const path = join(folder, "large.safetensors");
  const up = "lora_unet_middle_block_1_proj_in.lora_up.weight";
  expect(await writeLora(path, SDXL_BASE, { unet: withOne(1e5) }, settings, "F16")).toEqual([up]);
  const file = await openSafetensors(path);
  expect([...file.tensors.values()].map(({ name, dtype }) => [name === up, dtype]).sort()).toEqual([
    [false, "F16"],
    [false, "F16"],
    [true, "F32"],
  ]);
  expect((await readFloat32(file, up))[5]).toBe(1e5);
  expect(file.metadata.get("sshs_model_hash")).toBe((await hashModelFile(path)).tensorsSha256);
});

test("what is no number is refused, and nothing is written", async () => {
  const path = join(folder, "bad.safetensors");
  const writing = writeLora(path, SDXL_BASE, { unet: withOne(Number.NaN) }, settings, "F32");
  await expect(writing).rejects.toThrow("lora_unet_middle_block_1_proj_in.lora_up.weight has the value NaN");
  await expect(readFile(path)).rejects.toThrow("ENOENT");
});

const Q = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q";
const plain = { [`${Q}.lora_down.weight`]: [4, 640], [`${Q}.lora_up.weight`]: [640, 4] };

async function open(shapes: Readonly<Record<string, readonly number[]>>, dtype: "F16" | "I8" = "F16", metadata = {}) {
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const bytes = (dtype === "F16" ? 2 : 1) * shape.reduce((product, n) => product * n, 1);
    return { name, dtype, shape, data: new Uint8Array(bytes) };
  });
  const path = join(folder, "made.safetensors");
  await writeFile(path, await encodeSafetensors(tensors, metadata));
  return openLora(path, SDXL_BASE);
}

test.each([
  ["DoRA", "unsupported", { ...plain, [`${Q}.dora_scale`]: [1, 640] }, `${Q}.dora_scale is DoRA`],
  ["LoHa", "unsupported", { [`${Q}.hada_w1_a`]: [640, 4] }, "is LoHa"],
  ["LoKr", "unsupported", { [`${Q}.lokr_w1`]: [4, 4] }, "is LoKr"],
  ["OFT", "unsupported", { [`${Q}.oft_blocks`]: [4, 4, 4] }, "is OFT"],
  ["a difference", "unsupported", { ...plain, [`${Q}.diff_b`]: [640] }, "is whole weights as differences"],
  ["a bias", "unsupported", { ...plain, [`${Q}.lora_up.bias`]: [640] }, "is a bias beside the pairs"],
  ["other widths", "bad_shape", { ...plain, [`${Q}.lora_down.weight`]: [4, 320] }, "attn1.to_q.weight needs [4,640]"],
  ["half a pair", "missing_weight", { [`${Q}.lora_down.weight`]: [4, 640] }, "has no up beside it"],
  ["other layers", "unknown_model", { "lora_te_x.lora_down.weight": [4, 8] }, "none of its layers is this model's"],
  ["a checkpoint", "unknown_model", { "first.weight": [4, 8] }, "not a LoRA"],
  [
    "two names of one layer",
    "bad_file",
    { ...plain, "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight": [4, 640] },
    "are the same layer's",
  ],
] as const)("%s is refused", async (_what, code, shapes, message) => {
  const refused = open(shapes);
  await expect(refused).rejects.toMatchObject({ code });
  await expect(refused).rejects.toThrow(message);
});

test("inspect says what cannot be applied", async () => {
  await open({ ...plain, [`${Q}.dora_scale`]: [1, 640] }).catch(() => {});
  expect((await inspectModel(join(folder, "made.safetensors"))).lora).toMatchObject({ unsupported: "DoRA" });
  await open(plain);
  expect((await inspectModel(join(folder, "made.safetensors"))).lora).not.toHaveProperty("unsupported");
});

test("a LoRA of bytes is refused by its type", async () => {
  await expect(open(plain, "I8")).rejects.toMatchObject({ code: "unsupported" });
});

test("keys that belong to no layer are told", async () => {
  const { unknown, parts } = await open({ ...plain, "lora_unet_nowhere.alpha": [], "bundle_emb.x.y": [2] });
  expect([...unknown].sort()).toEqual(["bundle_emb.x.y", "lora_unet_nowhere.alpha"]);
  // Without an alpha the pair's share is 1.
  expect([...parts.unet.targets.values()]).toEqual([{ rank: 4, alpha: 4, middle: false }]);
});

test("LyCORIS's middle factor, and diffusers' names of before 0.18", async () => {
  const { parts, unknown } = await open({
    "lora_unet_input_blocks_1_0_in_layers_2.lora_down.weight": [4, 320, 1, 1],
    "lora_unet_input_blocks_1_0_in_layers_2.lora_mid.weight": [4, 4, 3, 3],
    "lora_unet_input_blocks_1_0_in_layers_2.lora_up.weight": [320, 4, 1, 1],
    "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.down.weight": [4, 1280],
    "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight": [1280, 4],
  });
  expect(unknown).toEqual([]);
  expect([...parts.unet.targets]).toEqual([
    ["down_blocks.0.resnets.0.conv1.weight", { rank: 4, alpha: 4, middle: true }],
    ["mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.weight", { rank: 4, alpha: 4, middle: false }],
  ]);
});

test("PEFT's settings: rank-stabilised alphas, and DoRA", async () => {
  const said = (fields: object) => ({ lora_adapter_metadata: JSON.stringify(fields) });
  const stabilised = await open(plain, "F16", said({ "unet.lora_alpha": 3, "unet.use_rslora": true }));
  // 3 / √4 = 6 / 4.
  expect([...stabilised.parts.unet.targets.values()]).toMatchObject([{ rank: 4, alpha: 6 }]);
  await expect(open(plain, "F16", said({ "unet.use_dora": true }))).rejects.toThrow("DoRA");
  await expect(open(plain, "F16", { lora_adapter_metadata: "[" })).rejects.toMatchObject({ code: "bad_file" });
});
