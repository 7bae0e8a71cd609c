/** @file LoRAs as they are written, and where they are looked for. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { AppliedLora } from "../pipeline/loras.ts";
import { chooseLoras, loraWarnings } from "./choose-loras.ts";
import { type GenerateInput, parseGenerateOptions } from "./generate-options.ts";
import { type LoraChoice, readLoraChoice, writeLoraChoice } from "./lora-choice.ts";

test.each([
  ["style", "style", 1, 1],
  ["style.safetensors:0.8", "style.safetensors", 0.8, 0.8],
  ["style:-.5", "style", -0.5, -0.5],
  ["style:1:0.25", "style", 1, 0.25],
  ["C:\\loras\\a.safetensors", "C:\\loras\\a.safetensors", 1, 1],
  ["C:\\loras\\a.safetensors:2", "C:\\loras\\a.safetensors", 2, 2],
  ["style:strong", "style:strong", 1, 1],
  ["v1.0:3", "v1.0", 3, 3],
  ["style:1e-7", "style", 1e-7, 1e-7],
  ["style:-5.551115123125783e-17", "style", -5.551115123125783e-17, -5.551115123125783e-17],
  ["style:1E2:2.5e+1", "style", 100, 25],
])("%s", (text, name, textEncoder, unet) => {
  expect(readLoraChoice(text)).toEqual({ name, textEncoder, unet });
});

test("what is written reads back", () => {
  const strength = fc.double({ min: -1000, max: 1000, noNaN: true }).filter((x) => !Object.is(x, -0));
  const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom("a:2", "a:1:1", "b:-.5"));
  const choice: fc.Arbitrary<LoraChoice> = fc.record({ name, textEncoder: strength, unet: strength });
  fc.assert(
    fc.property(choice, (one) => {
      expect(readLoraChoice(writeLoraChoice(one))).toEqual(one);
    }),
  );
  expect(writeLoraChoice({ name: "a", textEncoder: 1, unet: 1 })).toBe("a");
  expect(writeLoraChoice({ name: "a:2", textEncoder: 1, unet: 1 })).toBe("a:2:1:1");
});

test("programs may give strengths as numbers", () => {
  const loras = (...given: NonNullable<GenerateInput["loras"]>) =>
    parseGenerateOptions({ model: "m", loras: given }).loras;
  expect(loras("a:0.5", { path: "b", strength: 1e-7 }, { path: "c" })).toEqual(["a:0.5", "b:1e-7", "c"]);
  expect(loras({ path: "d:2", textEncoder: 0.5, unet: -1 }, { path: "d:2", strength: 1 })).toEqual([
    "d:2:0.5:-1",
    "d:2:1:1",
  ]);
  for (const wrong of [{ path: "a", strength: Number.NaN }, { path: "a", textEncoder: 1 }, { strength: 1 }]) {
    expect(() => loras(wrong as never)).toThrow(/loras\.0: .*must be a text, { path, strength } or/);
  }
});

const root = await mkdtemp(join(tmpdir(), "loras-"));
afterAll(() => rm(root, { recursive: true }));
for (const file of [
  "a1111/models/Lora/styles/Ink.safetensors",
  "a1111/models/Lora/notes.txt",
  "comfy/models/loras/flat.safetensors",
  "named/loras/far.safetensors",
  "comfy/models/checkpoints/beside.safetensors",
]) {
  await mkdir(join(root, dirname(file)), { recursive: true });
  await writeFile(join(root, file), "");
}
const a1111 = join(root, "a1111/models/Stable-diffusion/model.safetensors");
const comfy = join(root, "comfy/models/checkpoints/model.safetensors");
const env = { ILLUSTRIOUS_MODELS: join(root, "named") };

test.each([
  ["in A1111's folders, deep inside", a1111, "Ink", "a1111/models/Lora/styles/Ink.safetensors"],
  ["in other cases", a1111, "ink.safetensors", "a1111/models/Lora/styles/Ink.safetensors"],
  ["in ComfyUI's", comfy, "flat", "comfy/models/loras/flat.safetensors"],
  ["beside the model", comfy, "beside", "comfy/models/checkpoints/beside.safetensors"],
  ["in a folder of models", comfy, "far", "named/loras/far.safetensors"],
])("a LoRA is found %s", async (_where, model, name, path) => {
  const tag = { name, textEncoder: 1, unet: 0.5 };
  expect(await chooseLoras([], [tag], model, env)).toEqual({
    requests: [{ path: join(root, path), textEncoder: 1, unet: 0.5 }],
    warnings: [],
  });
});

test("a tag that is not found is left out and told; a choice that is not is refused; neither is a way out of the folders", async () => {
  const tags = [{ name: "../../comfy/models/loras/flat", textEncoder: 1, unet: 1 }];
  const { requests, warnings } = await chooseLoras([], tags, a1111, env);
  expect(requests).toEqual([]);
  expect(warnings).toMatchObject([{ message: expect.stringContaining("is not found and left out") }]);
  await expect(chooseLoras(["nowhere:0.5"], [], a1111, env)).rejects.toMatchObject({ code: "missing_file" });
});

test("a choice may be a path; without strength nothing is loaded", async () => {
  const path = join(root, "comfy/models/loras/flat.safetensors");
  const { requests } = await chooseLoras([`${path}:0.5`, "flat:0"], [], comfy, env);
  expect(requests).toEqual([{ path, textEncoder: 0.5, unet: 0.5 }]);
});

test("unknown tensors and another prediction type are told", () => {
  const file = { name: "odd", unknown: ["a", "b", "c", "d"], trainedFor: "eps" } as unknown as AppliedLora["file"];
  const loras = [{ file, textEncoder: 1, unet: 1 }];
  expect(loraWarnings(loras, "v").map(({ message }) => message)).toEqual([
    "4 of the tensors in the LoRA odd belong to no layer of this model: a, b, c …",
    "the LoRA odd says that it was trained on a model that predicts eps; this one predicts v",
  ]);
  expect(loraWarnings(loras, "eps")).toHaveLength(1);
  expect(loraWarnings(loras, "v")[1]!.hint).toMatch(/^Often that works/);
});

test.each([
  ["flow", "eps"],
  ["flow", "v"],
  ["v", "flow"],
] as const)(
  "a LoRA that was trained on %s is told of beside a model that predicts %s, and not that it works",
  (trainedFor, prediction) => {
    const file = { name: "odd", unknown: [], trainedFor } as unknown as AppliedLora["file"];
    expect(loraWarnings([{ file, textEncoder: 1, unet: 1 }], prediction)).toMatchObject([
      {
        message: `the LoRA odd says that it was trained on a model that predicts ${trainedFor}; this one predicts ${prediction}`,
        hint: expect.stringContaining("expect broken pictures"),
      },
    ]);
  },
);
