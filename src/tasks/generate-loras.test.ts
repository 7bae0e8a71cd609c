/** @file Pictures with LoRAs, from the options and from the prompt, and what the pictures say of them. */

import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hashModelFile } from "../formats/hash.ts";
import { parseInfotext } from "../formats/infotext.ts";
import { readPngText } from "../formats/png/index.ts";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { loraTargets } from "../models/sdxl/lora-targets.ts";
import { writeLora } from "../models/sdxl/lora-write.ts";
import { unetGraph } from "../models/sdxl/unet.ts";
import { withLora } from "../nn/lora.ts";
import type { GenerateEvent } from "./generate-events.ts";
import { generateInEngine } from "./generate-in-engine.ts";
import { type GenerateInput, parseGenerateOptions } from "./generate-options.ts";
import { optionsFromTexts } from "./picture-options.ts";

const model = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const folder = await mkdtemp(join(tmpdir(), "generate-loras-"));
const lora = join(folder, "loras/ink.safetensors");
afterAll(() => rm(folder, { recursive: true }));

/** Beside every attention of the UNet, and strong enough to be seen. */
async function writeInk(): Promise<void> {
  await mkdir(join(folder, "loras"));
  const { configs } = await openCheckpoint(model);
  const targets = loraTargets("unet", configs, { rank: 2, alpha: 2 });
  const { parameters } = withLora(Object.fromEntries(unetGraph(configs.unet).outputs), targets);
  const values = new Map(
    parameters.map(({ name, shape }) => {
      const length = shape.reduce((product, n) => product * n, 1);
      return [name, Float32Array.from({ length }, (_, i) => 0.3 * Math.sin(12.9898 * (i + 1) * (i + 2)))];
    }),
  );
  const said = { title: "ink", ranks: { rank: 2 }, trained: { unet: true, textEncoders: false } };
  const settings = { ...said, prediction: "epsilon" as const, finishedAt: new Date(0) };
  await writeLora(lora, configs, { unet: { targets, parameters, values } }, settings);
}
await writeInk();

type Picture = Extract<GenerateEvent, { type: "picture" }>;

async function draw(input: Partial<GenerateInput>): Promise<{ picture: Picture; warnings: string[] }> {
  const options = parseGenerateOptions({
    model,
    prompt: "1girl",
    width: 64,
    height: 64,
    steps: 1,
    cfg: 1,
    seed: 1,
    ...input,
  });
  const warnings: string[] = [];
  let picture: Picture | undefined;
  for await (const event of generateInEngine(options, new AbortController().signal)) {
    if (event.type === "warning") warnings.push(event.message);
    if (event.type === "picture") picture = event;
  }
  return { picture: picture!, warnings };
}

test("a LoRA changes the picture by its strength, and the picture tells of it", async () => {
  const without = await draw({});
  const { picture, warnings } = await draw({ loras: [`${lora}:0.5`] });
  expect(picture.image.rgb).not.toEqual(without.picture.image.rgb);
  expect(warnings).toContainEqual(expect.stringContaining("the LoRA ink says that it was trained on a model that"));

  const { addnetHash, modelHash } = await hashModelFile(lora);
  const { prompt, fields } = parseInfotext(picture.infotext);
  expect(prompt).toBe("1girl <lora:ink:0.5>");
  expect(fields.get("Lora hashes")).toBe(`ink: ${addnetHash}`);
  expect(JSON.parse(fields.get("Hashes")!)).toMatchObject({ "lora:ink": modelHash });
  // The file's folder is nobody's business.
  expect(picture.infotext).not.toContain(folder);
  const { options } = optionsFromTexts(new Map(readPngText(picture.png)));
  expect(options).toMatchObject({ prompt: "1girl", loras: ["ink:0.5"] });

  await mkdir(join(folder, "other"));
  await copyFile(lora, join(folder, "other/ink.safetensors"));
  const both = await draw({ loras: [`${lora}:0.5`, `${join(folder, "other/ink.safetensors")}:0.2`] });
  expect(both.warnings).toContainEqual(expect.stringContaining("two LoRAs are called ink"));
  expect(warnings).not.toContainEqual(expect.stringContaining("two LoRAs"));

  // Nothing of it is left behind.
  expect((await draw({})).picture.image.rgb).toEqual(without.picture.image.rgb);
});

test("a tag asks for the same; in the negative prompt it asks for nothing; one that is not found is told", async () => {
  const env = process.env.ILLUSTRIOUS_MODELS;
  process.env.ILLUSTRIOUS_MODELS = folder;
  try {
    const chosen = await draw({ loras: ["ink:0.5"] });
    const tagged = await draw({ prompt: "1girl<lora:ink:0.5><lora:nowhere:1>", negativePrompt: "<lora:ink:1>" });
    expect(tagged.picture.image.rgb).toEqual(chosen.picture.image.rgb);
    const { warnings } = tagged;
    expect(warnings).toContainEqual("the LoRA ink stands in the negative prompt and is left out");
    expect(warnings).toContainEqual(
      expect.stringContaining("the LoRA nowhere, which the prompt asks for, is not found"),
    );
  } finally {
    process.env.ILLUSTRIOUS_MODELS = env ?? "";
  }
});

test("one file asked for twice is one LoRA: nothing is to be renamed, and what is told of it is told once", async () => {
  const env = process.env.ILLUSTRIOUS_MODELS;
  process.env.ILLUSTRIOUS_MODELS = folder;
  try {
    const prompt = "1girl<lora:ink:0.2><lora:ink:0.1><lora:nowhere:1><lora:nowhere:0.5>";
    const loras = [`${lora}:0.2`, `${folder}/./loras/ink.safetensors:0.2`];
    const { warnings } = await draw({ prompt, loras, negativePrompt: "<lora:ink:1><lora:ink:2>" });
    expect(warnings).not.toContainEqual(expect.stringContaining("two LoRAs"));
    for (const told of ["LoRA nowhere, which", "ink stands in the negative prompt"])
      expect(warnings.filter((message) => message.includes(told))).toHaveLength(1);
    expect(new Set(warnings).size).toBe(warnings.length);
  } finally {
    process.env.ILLUSTRIOUS_MODELS = env ?? "";
  }
});

test("a LoRA whose strength explodes is named in place of a black picture", async () => {
  await expect(draw({ loras: [`${lora}:1e30`] })).rejects.toMatchObject({
    code: "broken_numbers",
    message: expect.stringMatching(/^the UNet gave NaN or infinity at timestep 999$/),
    hint: expect.stringMatching(/leave them out: ink:1e\+30\. .*diffusion_pytorch_model\.safetensors \(F16\)/),
  });
  expect((await draw({})).picture.image.rgb).toHaveLength(3 * 64 * 64);
});
