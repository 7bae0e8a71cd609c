/** @file Models as single files: every tensor, what they predict, what is said where something stays behind, and the same pictures. */

import { cp, mkdtemp, open, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { transposedBytes } from "../base/float-bytes.ts";
import { hashModelFile } from "../formats/hash.ts";
import { openSafetensors, writeSafetensors } from "../formats/safetensors/index.ts";
import { type Checkpoint, openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { inspectModel } from "../models/sdxl/inspect.ts";
import { COMPONENTS } from "../models/sdxl/names.ts";
import { readWeight, readWeightBytes } from "../runtime/read-weight.ts";
import type { WeightSource } from "../runtime/weights.ts";
import { type ExportEvent, exportModel } from "./export-model.ts";
import type { ExportInput } from "./export-options.ts";
import { generateInEngine } from "./generate-in-engine.ts";
import { parseGenerateOptions } from "./generate-options.ts";

const root = join(import.meta.dirname, "../..");
const NANO = join(root, "test/fixtures/nano-bootstrap");
const TINY = join(root, "test/fixtures/tiny-sdxl");

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "export-")));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function exported(input: Omit<ExportInput, "out"> & { out?: string }) {
  const out = input.out ?? join(folder, `${Math.random()}.safetensors`);
  const events: ExportEvent[] = [];
  for await (const event of exportModel({ ...input, out })) events.push(event);
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  return { out, warnings, last: events.at(-1)!, opened: await openCheckpoint(out) };
}

/** In the parameter's own order of axes. */
async function bytesAt(source: WeightSource): Promise<Uint8Array> {
  const bytes = await readWeightBytes(source);
  const [rows, columns] = source.shape as [number, number];
  return source.transposed ? transposedBytes(bytes, source.dtype === "F32" ? 4 : 2, columns, rows) : bytes;
}

async function expectSameWeights(a: Checkpoint, b: Checkpoint): Promise<number> {
  let compared = 0;
  for (const component of COMPONENTS) {
    const [ours, theirs] = [a.weights[component]!, b.weights[component]!];
    expect([...ours.keys()]).toEqual([...theirs.keys()]);
    for (const [name, source] of ours) {
      const other = theirs.get(name)!;
      expect([source.dtype, source.shape]).toEqual([other.dtype, other.shape]);
      expect(Buffer.compare(await bytesAt(source), await bytesAt(other)), name).toBe(0);
      compared++;
    }
  }
  return compared;
}

test.each([
  ["nano-bootstrap", NANO],
  ["tiny-sdxl", TINY],
])("%s: folder to file to file, every tensor bit for bit, and the same answers", async (name, path) => {
  const before = await openCheckpoint(path);
  const { opened, last, out } = await exported({ model: path });
  expect(last).toMatchObject({ type: "done", path: out });
  const tensors = await expectSameWeights(before, opened);
  expect(tensors).toBe(COMPONENTS.reduce((sum, component) => sum + before.weights[component]!.size, 0));
  expect(opened.configs).toEqual(before.configs);
  expect(opened.zerosForEmptyPrompt).toBe(before.zerosForEmptyPrompt);
  expect(opened.report).toMatchObject({ missing: [], unknown: [] });
  const { prediction, zeroSnr, confidence, schedule, conflicts } = before.prediction;
  expect(opened.prediction).toMatchObject({ prediction, zeroSnr, confidence, conflicts });
  expect(opened.prediction.schedule).toEqual(schedule);
  const said = before.prediction.evidence.map(({ source, says }) => `${source.split(": ").at(-1)}: ${says}`);
  const says = opened.prediction.evidence.map(({ source, says }) => `${source.split(": ").at(-1)}: ${says}`);
  expect(said.filter((one) => !one.startsWith("name "))).toSatisfy((list: string[]) =>
    list.every((one) => says.includes(one)),
  );
  expect((await openSafetensors(out)).metadata.get("modelspec.title")).toBe(name);
  const again = await exported({ model: out });
  await expectSameWeights(before, again.opened);
  // The title is kept, so that the file's new name does not show.
  expect(Buffer.compare(await readFile(out), await readFile(again.out))).toBe(0);
});

test("a picture drawn from the single file is the one drawn from the folder", async () => {
  const { out, warnings } = await exported({ model: NANO });
  // Its vocabulary is CLIP's, so nothing is lost but that other programs know no such sizes.
  expect(warnings).toEqual([expect.stringContaining("the networks are not those of SDXL base")]);
  const draw = async (model: string) => {
    const input = { model, prompt: "1girl, red hair, blue eyes", seed: 3, width: 64, height: 64, steps: 3, cfg: 4 };
    for await (const event of generateInEngine(parseGenerateOptions(input), new AbortController().signal)) {
      if (event.type === "picture") return event.image.rgb;
    }
    throw new Error("no picture");
  };
  expect(await draw(out)).toEqual(await draw(NANO));
});

test("the metadata tell the truth", async () => {
  const { out } = await exported({ model: NANO });
  const { metadata } = await openSafetensors(out);
  const { modelspecHash } = await hashModelFile(out);
  expect(Object.fromEntries([...metadata].filter(([key]) => key !== "illustrious.config"))).toEqual({
    format: "pt",
    "illustrious.prediction": "v",
    "illustrious.zero_snr": "true",
    "modelspec.architecture": "illustrious-sdxl-variant",
    "modelspec.hash_sha256": modelspecHash,
    "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
    "modelspec.predict_key": "v",
    "modelspec.prediction_type": "v",
    "modelspec.resolution": "128x128",
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.title": "nano-bootstrap",
  });
  const { problems, resolutions } = await inspectModel(out);
  expect(problems).toEqual([]);
  expect(resolutions).toEqual([{ source: "modelspec.resolution", says: "128x128" }]);
});

/** tiny-sdxl with another scheduler, or without one. */
async function withScheduler(name: string, scheduler: Record<string, unknown> | undefined): Promise<string> {
  const path = join(folder, name);
  await cp(TINY, path, { recursive: true });
  if (scheduler) await writeFile(join(path, "scheduler/scheduler_config.json"), JSON.stringify(scheduler));
  else await rm(join(path, "scheduler"), { recursive: true });
  return path;
}

const marksIn = async (path: string) =>
  [...(await openSafetensors(path)).tensors.keys()].filter((key) => /^(v_pred|ztsnr|edm_)/.test(key)).sort();

test.each([
  { is: "eps", scheduler: { prediction_type: "epsilon" }, marks: [], confidence: "likely" },
  { is: "v", scheduler: { prediction_type: "v_prediction" }, marks: ["v_pred"], confidence: "certain" },
  {
    is: "v with zero SNR",
    scheduler: { prediction_type: "v_prediction", rescale_betas_zero_snr: true },
    marks: ["v_pred", "ztsnr"],
    confidence: "certain",
  },
  {
    is: "flow",
    scheduler: { _class_name: "FlowMatchEulerDiscreteScheduler", shift: 3 },
    marks: [],
    confidence: "certain",
  },
  {
    is: "EDM-v",
    scheduler: { _class_name: "EDMEulerScheduler", prediction_type: "v_prediction", sigma_max: 80, sigma_min: 0.01 },
    marks: ["edm_vpred.sigma_max", "edm_vpred.sigma_min"],
    confidence: "certain",
  },
  { is: "a folder that says nothing", scheduler: undefined, marks: [], confidence: "likely" },
])("$is: the marks $marks, and as sure as before", async ({ scheduler, marks, confidence }) => {
  const path = await withScheduler(`scheduler-${Math.random()}`, scheduler);
  const before = (await openCheckpoint(path)).prediction;
  expect(before.confidence).toBe(confidence);
  const { out, opened } = await exported({ model: path });
  expect(await marksIn(out)).toEqual(marks);
  const { prediction, zeroSnr, sigmaMax } = before;
  expect(opened.prediction).toMatchObject({ prediction, zeroSnr, confidence, conflicts: [] });
  if (sigmaMax !== undefined) expect(opened.prediction.sigmaMax).toBe(sigmaMax);
});

test("a guess is no mark; the user's word is, against what the files say", async () => {
  const guess = await withScheduler("someone-vpred", undefined);
  const silent = await exported({ model: guess });
  expect(silent.warnings).toContainEqual(expect.stringContaining("that the model predicts v is a guess"));
  expect(await marksIn(silent.out)).toEqual([]);
  const told = await exported({ model: guess, prediction: "v", zeroSnr: "on" });
  expect(await marksIn(told.out)).toEqual(["v_pred", "ztsnr"]);
  expect(told.opened.prediction).toMatchObject({ prediction: "v", zeroSnr: true, confidence: "certain" });
  // The fixture's scheduler says v with zero SNR.
  const other = await exported({ model: TINY, prediction: "eps" });
  expect(await marksIn(other.out)).toEqual([]);
  expect(other.opened.prediction).toMatchObject({ prediction: "eps", confidence: "certain", conflicts: [] });
});

test("a trainer's single file without marks gets them, and keeps what else it says", async () => {
  const { out } = await exported({ model: TINY });
  const file = await openSafetensors(out);
  const bytes = await readFile(out);
  const tensors = [...file.tensors.values()].filter(({ name }) => !["v_pred", "ztsnr"].includes(name));
  const unmarked = join(folder, "unmarked.safetensors");
  const { "illustrious.config": config } = Object.fromEntries(file.metadata) as Record<string, string>;
  const { scheduler: _, ...sizes } = JSON.parse(config!);
  await writeSafetensors(
    unmarked,
    [
      ...tensors.map((t) => ({ ...t, data: bytes.subarray(t.offset, t.offset + t.length) })),
      { name: "who.knows", dtype: "F16", shape: [0], data: new Uint8Array() },
    ],
    {
      "illustrious.config": JSON.stringify(sizes),
      "modelspec.prediction_type": "v",
      "modelspec.author": "someone",
      "modelspec.hash_sha256": "0xold",
      ss_zero_terminal_snr: "True",
    },
  );
  const before = await openCheckpoint(unmarked);
  const { out: marked, opened, warnings } = await exported({ model: unmarked });
  expect(await marksIn(marked)).toEqual(["v_pred", "ztsnr"]);
  expect(before.prediction).toMatchObject({ prediction: "v", zeroSnr: true, confidence: "likely" });
  expect(opened.prediction).toMatchObject({ prediction: "v", zeroSnr: true });
  expect(warnings).toContainEqual("left out, for no network of SDXL has them: who.knows");
  const { metadata } = await openSafetensors(marked);
  expect(metadata.get("modelspec.author")).toBe("someone");
  expect(metadata.get("modelspec.hash_sha256")).toBe((await hashModelFile(marked)).modelspecHash);
});

test("one number type for all tensors, and another VAE", async () => {
  const { opened } = await exported({ model: TINY, dtype: "fp32" });
  const before = await openCheckpoint(TINY);
  const name = "text_projection.weight";
  const [after, own] = [opened.weights.textEncoder2.get(name)!, before.weights.textEncoder2.get(name)!];
  expect(after.dtype).toBe("F32");
  expect(await readWeight(after)).toEqual(await readWeight(own));
  const vae = join(folder, "other-vae");
  await cp(join(TINY, "vae"), vae, { recursive: true });
  const config = JSON.parse(await readFile(join(vae, "config.json"), "utf8"));
  await writeFile(join(vae, "config.json"), JSON.stringify({ ...config, scaling_factor: 0.5 }));
  const baked = await exported({ model: TINY, vae });
  expect(baked.opened.configs.vae?.scalingFactor).toBe(0.5);
});

/** The fixture with one value of one tensor changed, in float32. */
async function withOne(value: number): Promise<string> {
  const { out } = await exported({ model: TINY, dtype: "fp32" });
  const { offset } = (await openCheckpoint(out)).weights.unet.get("conv_out.bias")!;
  const file = await open(out, "r+");
  await file.write(new Uint8Array(Float32Array.of(value).buffer), 0, 4, offset);
  await file.close();
  return out;
}

test("a number too large for the asked type stays float32, and is told; one that is none is refused by name", async () => {
  const large = await exported({ model: await withOne(1e5), dtype: "fp16" });
  expect(large.warnings).toContain(
    "1 tensor has values beyond 65504, the largest of F16, and is stored as F32: unet.conv_out.bias",
  );
  const { unet } = large.opened.weights;
  expect([unet.get("conv_out.bias")!.dtype, unet.get("conv_in.bias")!.dtype]).toEqual(["F32", "F16"]);
  expect((await readWeight(unet.get("conv_out.bias")!))[0]).toBe(1e5);
  const damaged = await withOne(Number.NEGATIVE_INFINITY);
  for (const dtype of ["fp16", "fp32", undefined] as const) {
    await expect(exported({ model: damaged, ...(dtype && { dtype }) })).rejects.toMatchObject({
      code: "bad_file",
      message: "unet.conv_out.bias has the value -Infinity",
    });
  }
});

test("what a single file cannot carry is said: tokens of its own, noise levels of its own, flow", async () => {
  const nano = join(folder, "nano-own-tokens");
  await cp(NANO, nano, { recursive: true });
  const vocabulary = join(nano, "tokenizer/vocab.json");
  const vocab = JSON.parse(await readFile(vocabulary, "utf8"));
  await writeFile(vocabulary, JSON.stringify({ ...vocab, a: vocab.b, b: vocab.a }));
  const shifted = { prediction_type: "v_prediction", shift: 0.125 };
  await writeFile(join(nano, "scheduler/scheduler_config.json"), JSON.stringify(shifted));
  expect((await exported({ model: nano })).warnings).toEqual([
    expect.stringContaining("the model's tokenizer is not CLIP's"),
    expect.stringContaining("the networks are not those of SDXL base"),
    expect.stringContaining("trained on SDXL's noise levels times 0.125, which A1111"),
  ]);
  // The fixture's encoders have a thousand tokens, and it has no tokenizer.
  const flow = await withScheduler("flow", { _class_name: "FlowMatchEulerDiscreteScheduler" });
  expect((await exported({ model: flow })).warnings).toEqual([
    expect.stringMatching(/^no prompt can be read for the single file: text_encoder has 1000 tokens/),
    expect.stringContaining("the networks are not those of SDXL base"),
    expect.stringContaining("nothing in a single file tells A1111, Forge or ComfyUI of rectified flow"),
  ]);
  // A curve that is drawn on nowhere here is no reason to keep the weights.
  const sigmoid = await withScheduler("sigmoid", { prediction_type: "epsilon", beta_schedule: "sigmoid" });
  expect((await exported({ model: sigmoid })).warnings.at(-1)).toContain("trained on noise levels of its own");
});

test("full size: known for SDXL base by its networks, whatever its own folder leaves out", async () => {
  const { SDXL_BASE } = await import("../models/sdxl/config.ts");
  const { isSdxlBase } = await import("../models/sdxl/single-file-metadata.ts");
  const { sampleSize: _, ...unet } = SDXL_BASE.unet;
  const { vae, ...rest } = SDXL_BASE;
  const textEncoder = { ...SDXL_BASE.textEncoder, eosRule: { kind: "first", id: 49407 } as const };
  expect(isSdxlBase({ ...rest, unet, textEncoder })).toBe(true);
  expect(isSdxlBase({ ...SDXL_BASE, vae: { ...vae, scalingFactor: 0.18215 } })).toBe(false);
  expect(isSdxlBase({ ...SDXL_BASE, unet: { ...SDXL_BASE.unet, heads: [10, 10, 20] } })).toBe(false);
});

test("nothing is written over the model itself, under a name that others would not know, or after a stop", async () => {
  const { out } = await exported({ model: TINY });
  const bytes = await readFile(out);
  const link = join(folder, "link.safetensors");
  await symlink(out, link);
  for (const place of [out, link]) {
    await expect(exported({ model: out, out: place })).rejects.toMatchObject({ code: "bad_option" });
  }
  expect(Buffer.compare(await readFile(out), bytes)).toBe(0);
  await expect(exported({ model: TINY, out: join(folder, "x.ckpt") })).rejects.toThrow("must end in .safetensors");
  const stop = new AbortController();
  stop.abort();
  const before = await readdir(folder);
  const stopped = async () => {
    for await (const _ of exportModel(
      { model: TINY, out: join(folder, "never.safetensors") },
      { signal: stop.signal },
    ));
  };
  await expect(stopped()).rejects.toMatchObject({ code: "cancelled" });
  expect(await readdir(folder)).toEqual(before);
});

test("a damaged model leaves no file", async () => {
  const { out } = await exported({ model: TINY });
  const short = join(folder, "short.safetensors");
  await cp(out, short);
  const walk = exportModel({ model: short, out: join(folder, "of-short.safetensors") });
  // Behind the look at its header, something shortens the file.
  await walk.next();
  const handle = await open(short, "r+");
  await handle.truncate(200_000);
  await handle.close();
  const rest = async () => {
    for await (const _ of walk);
  };
  await expect(rest()).rejects.toMatchObject({ code: "bad_file" });
  expect(await readdir(folder)).not.toContain("of-short.safetensors");
});
