import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TensorToWrite, writeSafetensors } from "../../formats/safetensors/index.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { inspectModel } from "./inspect.ts";

const ROOT = join(import.meta.dirname, "../../..");
const NANO = join(ROOT, "test/fixtures/nano-bootstrap");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "inspect-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function tensor(name: string, ...shape: number[]): TensorToWrite {
  const size = shape.reduce((a, b) => a * b, 1);
  return { name, dtype: "F16", shape, data: new Uint8Array(size * 2) };
}

async function write(name: string, tensors: TensorToWrite[], metadata: Record<string, string> = {}): Promise<string> {
  const path = join(folder, name);
  await writeSafetensors(path, tensors, metadata);
  return path;
}

test("the bootstrap folder", async () => {
  const nano = await inspectModel(NANO);
  expect(nano).toMatchObject({
    kind: "sdxl",
    layout: "diffusers",
    keys: 328 + 184 + 36 + 37,
    problems: [],
    report: { missing: [], unknown: [], ignored: [] },
    prediction: { prediction: "v", zeroSnr: true },
  });
  expect(nano.components.map(({ name, tensors }) => [name, tensors])).toEqual([
    ["unet", 328],
    ["text_encoder_2", 37],
    ["text_encoder", 36],
    ["vae", 184],
  ]);
  // Every weight is float16, so the bytes are the files' but for their headers.
  expect(nano.dtypes).toEqual([{ name: "F16", tensors: 585, parameters: nano.parameters, bytes: 2 * nano.parameters }]);
  const sizes = nano.files.reduce((sum, file) => sum + file.size, 0);
  expect(sizes - 2 * nano.parameters).toBeGreaterThan(0);
  expect(sizes - 2 * nano.parameters).toBeLessThan(100_000);
  // As its README has it.
  const unet = nano.components.find(({ name }) => name === "unet")!;
  expect((unet.parameters / 1e6).toFixed(1)).toBe("4.8");
});

test("a folder that does not open still says what it holds, and why", async () => {
  const path = join(folder, "broken");
  await cp(join(ROOT, "test/fixtures/tiny-sdxl"), path, { recursive: true });
  const config = join(path, "unet/config.json");
  await writeFile(config, (await readFile(config, "utf8")).replace('"silu"', '"mish"'));
  const found = await inspectModel(path);
  expect(found.kind).toBe("unknown");
  expect(found.problems).toEqual([expect.stringContaining('act_fn is "mish"')]);
  expect(found.components.map(({ name }) => name).sort()).toEqual(["text_encoder", "text_encoder_2", "unet", "vae"]);
});

test("a prediction type that cannot be sampled is a problem, and all else is told", async () => {
  const path = join(folder, "sample");
  await cp(join(ROOT, "test/fixtures/tiny-sdxl"), path, { recursive: true });
  const config = join(path, "scheduler/scheduler_config.json");
  await writeFile(config, JSON.stringify({ _class_name: "EulerDiscreteScheduler", prediction_type: "sample" }));
  const found = await inspectModel(path);
  expect(found).toMatchObject({ kind: "sdxl", problems: [expect.stringContaining('prediction_type "sample"')] });
  expect(found.prediction).toBeUndefined();
  expect((await inspectModel(path, { prediction: "v" })).prediction).toMatchObject({ prediction: "v" });
  await expect(openCheckpoint(path)).rejects.toMatchObject({ code: "unsupported" });
});

test.skipIf(process.platform === "win32")(
  "files behind links, as in Hugging Face's cache, belong to their networks",
  async () => {
    const path = join(folder, "linked");
    await cp(join(ROOT, "test/fixtures/tiny-sdxl"), path, { recursive: true });
    for (const [i, file] of ["unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"].entries()) {
      await rename(join(path, file), join(folder, `blob-${i}`));
      await symlink(join(folder, `blob-${i}`), join(path, file));
    }
    const { components } = await inspectModel(path);
    expect(components.map(({ name }) => name).sort()).toEqual(["text_encoder", "text_encoder_2", "unet", "vae"]);
  },
);

test("a checkpoint with missing weights is inspected, not refused", async () => {
  const path = join(folder, "incomplete");
  await cp(join(ROOT, "test/fixtures/tiny-sdxl"), path, { recursive: true });
  await writeSafetensors(join(path, "vae/diffusion_pytorch_model.safetensors"), [tensor("strange", 2)]);
  const { report } = await inspectModel(path);
  expect(report?.missing).toHaveLength(248);
  expect(report?.unknown).toEqual(["vae/strange"]);
});

test("a LoRA: ranks, base, what it was trained to predict and at which sizes", async () => {
  const module = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k";
  const text = "lora_te2_text_model_encoder_layers_0_mlp_fc1";
  const buckets = { buckets: { 0: { resolution: [832, 1216], count: 3 }, 1: { resolution: [512, 512], count: 1 } } };
  const path = await write(
    "style.safetensors",
    [
      tensor(`${module}.lora_down.weight`, 16, 2048),
      tensor(`${module}.lora_up.weight`, 640, 16),
      tensor(`${module}.alpha`),
      tensor(`${text}.lora_down.weight`, 8, 1280),
      tensor(`${text}.lora_up.weight`, 5120, 8),
      tensor(`${text}.alpha`),
    ],
    {
      ss_network_alpha: "8.0",
      ss_network_module: "networks.lora",
      ss_sd_model_name: "noobaiXL-vpred.safetensors",
      ss_v_parameterization: "True",
      ss_zero_terminal_snr: "True",
      ss_bucket_info: JSON.stringify(buckets),
      "modelspec.resolution": "1024x1024",
    },
  );
  const found = await inspectModel(path);
  expect(found).toMatchObject({
    kind: "lora",
    name: "a LoRA in kohya's format for SDXL",
    keys: 6,
    parameters: 16 * 2048 + 640 * 16 + 8 * 1280 + 5120 * 8 + 2,
    lora: {
      modules: 2,
      ranks: [8, 16],
      alpha: 8,
      networkModule: "networks.lora",
      trainedOn: "noobaiXL-vpred.safetensors",
    },
    prediction: { prediction: "v", zeroSnr: true, confidence: "likely", conflicts: [] },
    resolutions: [
      { source: "modelspec.resolution", says: "1024x1024" },
      { source: "ss_bucket_info", says: "2 sizes, 512x512 to 832x1216" },
    ],
  });
  expect(found.components.map(({ name, tensors }) => [name, tensors])).toEqual([
    ["text_encoder_2", 3],
    ["unet", 3],
  ]);
  expect(Object.keys(found.metadata)).toHaveLength(7);
});

test("a VAE, an embedding and a file that is no model", async () => {
  const vae = await inspectModel(join(NANO, "vae/diffusion_pytorch_model.safetensors"));
  expect(vae).toMatchObject({ kind: "vae", components: [{ name: "vae", tensors: 184 }] });
  expect(vae.prediction).toBeUndefined();
  const embedding = await write("easynegative.safetensors", [tensor("clip_g", 8, 1280), tensor("clip_l", 8, 768)]);
  expect(await inspectModel(embedding)).toMatchObject({ kind: "embedding", keys: 2 });
  const other = await inspectModel(join(NANO, "expected/expected.safetensors"));
  expect(other).toMatchObject({ kind: "unknown", problems: [] });
  expect(other.dtypes.length).toBeGreaterThan(1);
  await expect(inspectModel(join(folder, "none"))).rejects.toMatchObject({ code: "missing_file" });
});
