/** @file A trained model as one file says and holds what it does as a folder. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hashModelFile } from "../formats/hash.ts";
import { openSafetensors } from "../formats/safetensors/index.ts";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { COMPONENTS, parametersOf } from "../models/sdxl/names.ts";
import { noiseModelOf } from "../pipeline/noise-model.ts";
import { readWeight } from "../runtime/read-weight.ts";
import { type FolderContents, writeModelFolder } from "./model-folder.ts";
import { writeModelSingleFile } from "./model-single-file.ts";
import { modelOf, storedValues } from "./sdxl-model.ts";

let folder: string;
let model: Pick<FolderContents, "configs" | "networks">;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trained-"));
  const tiny = await openCheckpoint(join(import.meta.dirname, "../../test/fixtures/tiny-sdxl"));
  const { configs } = modelOf(tiny);
  const values = (component: (typeof COMPONENTS)[number]) =>
    storedValues(tiny.weights[component]!, parametersOf(component, configs)!);
  model = {
    configs,
    networks: {
      unet: await values("unet"),
      vae: await values("vae"),
      textEncoder: await values("textEncoder"),
      textEncoder2: await values("textEncoder2"),
    },
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

test.each([
  { prediction: "eps", zeroSnr: false, shift: 1, marks: [] },
  { prediction: "v", zeroSnr: false, shift: 1, marks: ["v_pred"] },
  { prediction: "v", zeroSnr: true, shift: 0.125, marks: ["v_pred", "ztsnr"] },
  { prediction: "flow", zeroSnr: true, shift: 3, marks: [] },
] as const)("$prediction, zero SNR $zeroSnr, shift $shift", async ({ marks, ...schedule }) => {
  const metadata = { "modelspec.title": "my-model", "illustrious.steps": "7" };
  const contents = { ...model, tokenizerFolders: undefined, schedule, dtype: "BF16" as const, metadata };
  const [asFolder, asFile] = [join(folder, "model"), join(folder, "inside", "my-model.safetensors")];
  await writeModelFolder(asFolder, contents);
  await writeModelSingleFile(asFile, contents);
  const [one, other] = [await openCheckpoint(asFolder), await openCheckpoint(asFile)];
  for (const component of COMPONENTS) {
    for (const [name, source] of one.weights[component]!) {
      const written = await readWeight(other.weights[component]!.get(name)!);
      expect(Buffer.compare(bytesOf(written), bytesOf(await readWeight(source))), name).toBe(0);
    }
  }
  const { prediction, zeroSnr, confidence, schedule: trained } = one.prediction;
  expect(other.prediction).toMatchObject({ prediction, zeroSnr, confidence: "certain", conflicts: [] });
  expect([prediction, confidence, trained]).toEqual([schedule.prediction, "certain", other.prediction.schedule]);
  expect(other.zerosForEmptyPrompt).toBe(one.zerosForEmptyPrompt);
  const { table } = noiseModelOf(other.prediction, { zeroSnr: "auto", rounding: "interpolate" });
  expect(table.shift).toBe(schedule.shift);
  const { tensors, metadata: said } = await openSafetensors(asFile);
  expect([...tensors.keys()].filter((key) => /^(v_pred|ztsnr)$/.test(key)).sort()).toEqual(marks);
  expect(said.get("modelspec.hash_sha256")).toBe((await hashModelFile(asFile)).modelspecHash);
  expect(said.get("modelspec.title")).toBe("my-model");
  expect(said.get("illustrious.steps")).toBe("7");
});

/** The same networks with one value of the middle of the packed matrix changed. */
function withOne(value: number): typeof model {
  const { textEncoder2 } = model.networks;
  const name = "text_model.encoder.layers.0.self_attn.k_proj.weight";
  const { shape, values } = textEncoder2.get(name)!;
  const changed = values.slice().fill(value, 0, 1);
  return {
    ...model,
    networks: { ...model.networks, textEncoder2: new Map([...textEncoder2, [name, { shape, values: changed }]]) },
  };
}

const plain = {
  tokenizerFolders: undefined,
  schedule: { prediction: "v", zeroSnr: true, shift: 1 },
  dtype: "F16",
  metadata: {},
} as const;

test("a value that F16 cannot hold is kept as F32, in both forms, and told by name", async () => {
  const contents = { ...withOne(1e5), ...plain };
  const [asFolder, asFile] = [join(folder, "large"), join(folder, "large.safetensors")];
  const name = "text_model.encoder.layers.0.self_attn.k_proj.weight";
  expect(await writeModelFolder(asFolder, contents)).toEqual([`text_encoder_2.${name}`]);
  expect(await writeModelSingleFile(asFile, contents)).toEqual([`text_encoder_2.${name}`]);
  for (const path of [asFolder, asFile]) {
    const { weights } = await openCheckpoint(path);
    const source = weights.textEncoder2.get(name)!;
    expect(source.dtype).toBe("F32");
    expect((await readWeight(source))[0]).toBe(1e5);
    expect(weights.textEncoder2.get(name.replace(".0.", ".1."))!.dtype).toBe("F16");
  }
});

test("a value that is none ends both by its tensor's name", async () => {
  const contents = { ...withOne(Number.NaN), ...plain };
  const message = "text_encoder_2.text_model.encoder.layers.0.self_attn.k_proj.weight has the value NaN";
  await expect(writeModelFolder(join(folder, "bad"), contents)).rejects.toMatchObject({ code: "bad_file", message });
  await expect(writeModelSingleFile(join(folder, "bad.safetensors"), contents)).rejects.toMatchObject({ message });
});
