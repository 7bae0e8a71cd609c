import { cp, mkdir, mkdtemp, open, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesOf } from "../../base/dtype.ts";
import {
  encodeSafetensors,
  openSafetensors,
  readTensorBytes,
  type TensorToWrite,
  writeSafetensors,
} from "../../formats/safetensors/index.ts";
import type { WeightSource, Weights } from "../../runtime/weights.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { SDXL_BASE } from "./config.ts";
import { configsToJson, parseUNetConfig } from "./config-json.ts";
import { expectedUNetParameters } from "./names.ts";

const ROOT = join(import.meta.dirname, "../../..");
const NANO = join(ROOT, "test/fixtures/nano-bootstrap");
const TINY = join(ROOT, "test/fixtures/tiny-sdxl");

/** How diffusers itself maps single-file keys, for tiny-sdxl and for SDXL. */
type Row = {
  key: string;
  shape: number[];
  targets: { component: string; name: string; shape: number[]; rows?: [number, number]; transposed?: boolean }[];
};
const FILE: Record<string, string> = {
  unet: "unet/diffusion_pytorch_model.safetensors",
  vae: "vae/diffusion_pytorch_model.safetensors",
  text_encoder: "text_encoder/model.safetensors",
  text_encoder_2: "text_encoder_2/model.safetensors",
};

let theirs: Record<"full" | "tiny", Row[]>;
let folder: string;
/** tiny-sdxl as diffusers says that a single file holds it. */
let singleTensors: TensorToWrite[];
let tiny: Checkpoint;
let single: string;

beforeAll(async () => {
  // Real, because the temporary folder of macOS is a link.
  folder = await realpath(await mkdtemp(join(tmpdir(), "checkpoint-")));
  theirs = JSON.parse(gunzipSync(await readFile(join(ROOT, "test/fixtures/sgm-keys.json.gz"))).toString());
  tiny = await openCheckpoint(TINY);
  singleTensors = [];
  for (const row of theirs.tiny) singleTensors.push(await singleTensor(row));
  single = await write("single.safetensors", singleTensors, tinyMetadata());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function singleTensor({ key, shape, targets }: Row): Promise<TensorToWrite> {
  const parts = await Promise.all(
    [...targets]
      .sort((a, b) => (a.rows?.[0] ?? 0) - (b.rows?.[0] ?? 0))
      .map(async ({ component, name, shape, transposed }) => {
        const file = await openSafetensors(join(TINY, FILE[component]!));
        // transformers 5 leaves this prefix out of the first encoder's file.
        const stored = file.tensors.has(name) ? name : name.replace("text_model.", "");
        const bytes = await readTensorBytes(file, stored);
        return transposed ? transpose(bytes, shape[0]!, shape[1]!) : bytes;
      }),
  );
  const size = shape.reduce((a, b) => a * b, 1) * 2;
  return { name: key, dtype: "F16", shape, data: targets.length > 0 ? Buffer.concat(parts) : new Uint8Array(size) };
}

/** Of two-byte elements. */
function transpose(bytes: Uint8Array, rows: number, columns: number): Uint8Array {
  const from = new Uint16Array(bytes.slice().buffer);
  const to = new Uint16Array(from.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c]!;
  return new Uint8Array(to.buffer);
}

async function write(name: string, tensors: TensorToWrite[], metadata: Record<string, string> = {}): Promise<string> {
  const path = join(folder, name);
  await writeSafetensors(path, tensors, metadata);
  return path;
}

function tinyMetadata(): Record<string, string> {
  return { "illustrious.config": JSON.stringify(configsToJson(tiny.configs)) };
}

const empty = (name: string): TensorToWrite => ({ name, dtype: "F16", shape: [0], data: new Uint8Array() });

async function bytesAt({ path, offset, length, transposed, shape }: WeightSource): Promise<Uint8Array> {
  const handle = await open(path);
  const bytes = new Uint8Array(length);
  await handle.read(bytes, 0, length, offset);
  await handle.close();
  return transposed ? transpose(bytes, shape[1]!, shape[0]!) : bytes;
}

async function copyOfTiny(name: string): Promise<string> {
  const path = join(folder, name);
  await cp(TINY, path, { recursive: true });
  return path;
}

test("the bootstrap checkpoint opens, every key known and used", async () => {
  const nano = await openCheckpoint(NANO);
  expect(nano.kind).toBe("diffusers");
  // Counted in the files' headers.
  expect(nano.weights.unet.size).toBe(328);
  expect(nano.weights.vae?.size).toBe(184);
  expect(nano.weights.textEncoder.size).toBe(36);
  expect(nano.weights.textEncoder2.size).toBe(37);
  expect(nano.report).toEqual({ missing: [], unknown: [], ignored: [] });
  expect(nano.prediction).toMatchObject({ prediction: "v", zeroSnr: true, confidence: "certain", conflicts: [] });
  expect(nano.tokenizerFolders?.tokenizer2).toBe(join(NANO, "tokenizer_2"));
});

test("a folder's weights are the bytes that the file format's reader finds under the same names", async () => {
  const file = await openSafetensors(join(NANO, FILE.unet!));
  for (const name of ["conv_in.weight", "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"]) {
    const nano = await openCheckpoint(NANO);
    expect(await bytesAt(nano.weights.unet.get(name)!)).toEqual(await readTensorBytes(file, name));
  }
});

test("a single file laid out by diffusers' conversion gives every weight of the folder, byte for byte", async () => {
  const file = await openCheckpoint(single);
  expect(file.kind).toBe("single-file");
  expect(file.configs).toEqual(tiny.configs);
  expect(file.report).toMatchObject({ missing: [], unknown: [] });
  expect(file.report.ignored).toHaveLength(2);
  let compared = 0;
  for (const component of ["unet", "vae", "textEncoder", "textEncoder2"] as const) {
    expect([...file.weights[component]!.keys()].sort()).toEqual([...tiny.weights[component]!.keys()].sort());
    for (const [name, source] of file.weights[component]!) {
      const expected = tiny.weights[component]!.get(name)!;
      expect(source.shape).toEqual(expected.shape);
      expect(source.length).toBe(source.shape.reduce((a, b) => a * b, 1) * bytesOf[source.dtype]);
      const same = Buffer.compare(await bytesAt(source), await bytesAt(expected)) === 0;
      expect(same, name).toBe(true);
      compared++;
    }
  }
  expect(compared).toBe(theirs.tiny.reduce((sum, { targets }) => sum + targets.length, 0));
});

test.skipIf(process.platform === "win32")(
  "full-size SDXL opens from its header alone, configuration inferred",
  async () => {
    // 6.9 GB of hole: only the header takes room on the disk.
    const tensors = [...theirs.full.map(({ key, shape }) => ({ key, shape })), { key: "v_pred", shape: [0] }];
    const header: Record<string, unknown> = {};
    let at = 0;
    for (const { key, shape } of tensors) {
      const end = at + shape.reduce((a, b) => a * b, 1) * 2;
      header[key] = { dtype: "F16", shape, data_offsets: [at, end] };
      at = end;
    }
    const json = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    const path = join(folder, "full.safetensors");
    const handle = await open(path, "w");
    await handle.writev([prefix, json]);
    await handle.truncate(8 + json.length + at);
    await handle.close();

    const full = await openCheckpoint(path);
    expect(full.configs).toEqual(SDXL_BASE);
    expect(full.weights.unet.size + full.weights.vae!.size).toBe(1680 + 248);
    expect(full.weights.textEncoder.size + full.weights.textEncoder2.size).toBe(196 + 517);
    expect(full.report.unknown).toEqual([]);
    expect(full.prediction).toMatchObject({ prediction: "v", zeroSnr: false });
  },
);

test("marks, their values and strange keys in a single file", async () => {
  const scalar = (name: string, value: number): TensorToWrite => {
    return { name, dtype: "F32", shape: [], data: new Uint8Array(Float32Array.of(value).buffer) };
  };
  const more = [scalar("edm_vpred.sigma_max", 80), scalar("edm_vpred.sigma_min", 0.25), empty("who.knows")];
  const opened = await openCheckpoint(await write("marks.safetensors", [...singleTensors, ...more], tinyMetadata()));
  expect(opened.prediction).toMatchObject({ prediction: "edm_v", sigmaMax: 80, sigmaMin: 0.25, confidence: "certain" });
  expect(opened.report.unknown).toEqual(["who.knows"]);
  expect(opened.report.ignored).toContain("edm_vpred.sigma_max");
});

test("a checkpoint without VAE opens without, and with one from elsewhere in any layout", async () => {
  const isVae = ({ name }: TensorToWrite) => name.startsWith("first_stage_model.");
  const path = await write(
    "no-vae.safetensors",
    singleTensors.filter((t) => !isVae(t)),
    tinyMetadata(),
  );
  const without = await openCheckpoint(path);
  expect(without.weights.vae).toBeUndefined();
  expect(without.configs.vae).toBeUndefined();

  const vae = singleTensors.filter(isVae);
  const bare = vae.map((t) => ({ ...t, name: t.name.replace("first_stage_model.", "") }));
  const old = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" } as Record<string, string>;
  const diffusers = await openSafetensors(join(TINY, FILE.vae!));
  const renamed = [...diffusers.tensors.values()].map(({ name, shape }) => ({
    name: name.replace(/(?<=attentions\.0\.)(to_q|to_k|to_v|to_out\.0)/, (layer) => old[layer]!),
    dtype: "F16" as const,
    shape,
    data: () => readTensorBytes(diffusers, name),
  }));
  expect(renamed.some(({ name }) => name.endsWith("proj_attn.weight"))).toBe(true);
  const attention = ["to_q", "to_k", "to_v", "to_out.0"].map((m) => `decoder.mid_block.attentions.0.${m}.weight`);
  const bytesOfAll = (weights: Weights) => Promise.all(attention.map((name) => bytesAt(weights.get(name)!)));
  const expected = await bytesOfAll(tiny.weights.vae!);
  for (const other of [
    TINY,
    join(TINY, "vae"),
    join(TINY, FILE.vae!),
    single,
    await write("vae-prefix.safetensors", vae, tinyMetadata()),
    await write("vae-bare.safetensors", bare, tinyMetadata()),
    await write("vae-old.safetensors", renamed, tinyMetadata()),
  ]) {
    const opened = await openCheckpoint(path, { vae: other });
    expect(opened.configs.vae, other).toEqual(tiny.configs.vae);
    expect(opened.weights.vae?.size, other).toBe(tiny.weights.vae?.size);
    expect(await bytesOfAll(opened.weights.vae!), other).toEqual(expected);
    expect(opened.files).toHaveLength(2);
  }
});

test("a single file's own VAE, when replaced, is not reported as strange", async () => {
  const { report, files } = await openCheckpoint(single, { vae: join(TINY, "vae") });
  expect(report.unknown).toEqual([]);
  expect(report.ignored).toContain("first_stage_model.decoder.conv_in.weight");
  expect(files).toEqual([single, await realpath(join(TINY, FILE.vae!))]);
});

test.each([
  [
    "unet/config.json",
    '"cross_attention_dim": 48',
    '"cross_attention_dim": 64',
    "cross_attention_dim is 64, but .* make 48",
  ],
  [
    "unet/config.json",
    '"addition_time_embed_dim": 8',
    '"addition_time_embed_dim": 4',
    "input_dim is 72, but .* make 48",
  ],
])("networks that do not fit each other are refused: %s %s", async (file, from, to, message) => {
  const path = await copyOfTiny(`misfit-${to.length}`);
  const unet = join(path, FILE.unet!);
  const text = await readFile(join(path, file), "utf8");
  expect(text).toContain(from);
  await writeFile(join(path, file), text.replace(from, to));
  // The weights have to be of the shapes that the wrong configuration makes, or they would be refused first.
  const expected = expectedUNetParameters(parseUNetConfig(JSON.parse(text.replace(from, to))));
  const tensors = [...expected].map(([name, shape]) => {
    return { name, dtype: "F16" as const, shape, data: () => new Uint8Array(shape.reduce((a, b) => a * b, 2)) };
  });
  await writeSafetensors(unet, tensors);
  await expect(openCheckpoint(path)).rejects.toMatchObject({
    code: "bad_shape",
    message: expect.stringMatching(message),
  });
});

test("a scheduler in the metadata is heard", async () => {
  const config = configsToJson(tiny.configs);
  config.scheduler = { prediction_type: "v_prediction", rescale_betas_zero_snr: true, beta_end: 0.02 };
  const path = await write("scheduler.safetensors", singleTensors, { "illustrious.config": JSON.stringify(config) });
  const { prediction } = await openCheckpoint(path);
  expect(prediction).toMatchObject({
    prediction: "v",
    zeroSnr: true,
    confidence: "certain",
    schedule: { betaEnd: 0.02 },
  });
});

test("a VAE of another width, a file without a VAE, and no file are refused", async () => {
  await expect(openCheckpoint(single, { vae: join(TINY, FILE.unet!) })).rejects.toMatchObject({
    code: "unknown_model",
    message: expect.stringContaining("the UNet of a diffusers SDXL checkpoint, without a VAE"),
  });
  await expect(openCheckpoint(single, { vae: join(folder, "none") })).rejects.toMatchObject({ code: "missing_file" });
  const wide = await copyOfTiny("wide");
  const config = join(wide, "vae/config.json");
  await writeFile(config, (await readFile(config, "utf8")).replace('"latent_channels": 4', '"latent_channels": 16'));
  await expect(openCheckpoint(single, { vae: wide })).rejects.toMatchObject({
    code: "bad_shape",
    message: expect.stringMatching(/encoder.conv_out.weight has shape \[8,24,3,3\].* makes it \[32,24,3,3\]/),
  });
});

test("missing weights are named and counted", async () => {
  const key = "model.diffusion_model.output_blocks.3.0.";
  const path = await write(
    "missing.safetensors",
    singleTensors.filter(({ name }) => !name.startsWith(key)),
    tinyMetadata(),
  );
  await expect(openCheckpoint(path)).rejects.toMatchObject({
    code: "missing_weight",
    message: `${path}: unet lacks 12 of its weights: ${key}in_layers.0.weight, ${key}in_layers.0.bias, ${key}in_layers.2.weight and 9 more`,
  });
});

test("a weight of a type that is not read is refused by name", async () => {
  const key = "model.diffusion_model.out.2.bias";
  const small = singleTensors.map((t) => {
    return t.name === key ? { ...t, dtype: "F8_E4M3" as const, data: new Uint8Array(t.shape[0]!) } : t;
  });
  const path = await write("fp8.safetensors", small, tinyMetadata());
  await expect(openCheckpoint(path)).rejects.toMatchObject({
    code: "unsupported",
    message: `${path}: ${key} is stored as F8_E4M3; weights are read as F32, F16 or BF16`,
  });
});

test("without a configuration, shapes that SDXL's rules do not fit are refused with the way out", async () => {
  const path = await write("no-config.safetensors", singleTensors);
  await expect(openCheckpoint(path)).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining("a text encoder 32 wide is not made of heads of 64"),
    hint: expect.stringContaining("illustrious.config"),
  });
});

test("a damaged configuration in the metadata is refused", async () => {
  for (const text of ["{", "[]", "1", '{"unet":{}}']) {
    const path = await write("bad-config.safetensors", singleTensors, { "illustrious.config": text });
    await expect(openCheckpoint(path), text).rejects.toMatchObject({ code: "bad_file" });
  }
});

test("variants and shards of a folder", async () => {
  const path = await copyOfTiny("variants");
  const unet = join(path, FILE.unet!);
  const variant = unet.replace(".safetensors", ".fp16.safetensors");
  await rename(unet, variant);
  expect((await openCheckpoint(path)).weights.unet.get("conv_in.bias")?.path).toBe(variant);
  await cp(variant, variant.replace("fp16", "ema"));
  expect((await openCheckpoint(path)).weights.unet.get("conv_in.bias")?.path).toBe(variant);
  await rm(variant.replace("fp16", "ema"));
  await expect(openCheckpoint(path, { variant: "bf16" })).rejects.toMatchObject({
    code: "missing_file",
    message: `${join(path, "unet")}: variant bf16 not found; there are: fp16`,
  });

  const source = await openSafetensors(variant);
  const all = [...source.tensors.values()].map(({ name, dtype, shape }) => {
    return { name, dtype, shape, data: () => readTensorBytes(source, name) };
  });
  const weight_map: Record<string, string> = {};
  for (const shard of [1, 2]) {
    const name = `diffusion_pytorch_model-0000${shard}-of-00002.safetensors`;
    const half = all.filter((_, i) => i % 2 === shard - 1);
    for (const tensor of half) weight_map[tensor.name] = name;
    await writeSafetensors(join(path, "unet", name), half);
  }
  const index = join(path, "unet/diffusion_pytorch_model.safetensors.index.json");
  await writeFile(index, JSON.stringify({ weight_map }));
  const sharded = await openCheckpoint(path);
  expect(sharded.weights.unet.size).toBe(tiny.weights.unet.size);
  expect(new Set([...sharded.weights.unet.values()].map((w) => w.path)).size).toBe(2);

  await writeFile(
    index,
    JSON.stringify({ weight_map: { ...weight_map, x: "../../vae/diffusion_pytorch_model.safetensors" } }),
  );
  await expect(openCheckpoint(path)).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringContaining("weight_map names"),
  });
});

test("two shards that hold the same key are refused", async () => {
  const path = await copyOfTiny("twice");
  const shards = ["a.safetensors", "b.safetensors"];
  for (const shard of shards) await cp(join(path, FILE.vae!), join(path, "vae", shard));
  const index = { weight_map: { one: shards[0], two: shards[1] } };
  await writeFile(join(path, "vae/diffusion_pytorch_model.safetensors.index.json"), JSON.stringify(index));
  await expect(openCheckpoint(path)).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringContaining("lies in two files: "),
  });
});

test.skipIf(process.platform === "win32")(
  "links are followed to the real file, whose folder the runtime needs",
  async () => {
    const path = await copyOfTiny("models--someone--noob-vpred/snapshots/0123abcd");
    await mkdir(join(folder, "blobs"));
    const blob = join(folder, "blobs/f00d");
    await rename(join(path, FILE.unet!), blob);
    await symlink(blob, join(path, FILE.unet!));
    const opened = await openCheckpoint(path);
    expect(opened.weights.unet.get("conv_in.bias")?.path).toBe(blob);
    expect(opened.prediction.evidence.some(({ source }) => source === 'name "noob-vpred"')).toBe(true);
  },
);

test("a folder of pickles, a folder of another family, no folder: each refused as what it is", async () => {
  const pickles = await copyOfTiny("pickles");
  await rename(join(pickles, FILE.unet!), join(pickles, "unet/diffusion_pytorch_model.bin"));
  await expect(openCheckpoint(pickles)).rejects.toMatchObject({
    code: "pickle_refused",
    message: expect.stringContaining("only diffusion_pytorch_model.bin"),
  });
  const other = await copyOfTiny("other");
  await writeFile(join(other, "model_index.json"), JSON.stringify({ _class_name: "StableDiffusionPipeline" }));
  await expect(openCheckpoint(other)).rejects.toMatchObject({
    code: "unknown_model",
    message: expect.stringContaining("StableDiffusionPipeline"),
  });
  await rm(join(other, "model_index.json"));
  await expect(openCheckpoint(other)).rejects.toMatchObject({ code: "unknown_model" });
  await expect(openCheckpoint(join(folder, "nowhere"))).rejects.toMatchObject({ code: "missing_file" });
});

test("a file of another kind is named", async () => {
  const lora = await encodeSafetensors([
    {
      name: "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight",
      dtype: "F16",
      shape: [0, 8],
      data: new Uint8Array(),
    },
  ]);
  const path = join(folder, "lora.safetensors");
  await writeFile(path, lora);
  await expect(openCheckpoint(path)).rejects.toMatchObject({
    code: "unknown_model",
    message: `${path}: a LoRA in kohya's format, not an SDXL checkpoint`,
  });
});
