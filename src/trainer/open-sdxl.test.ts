/** @file What a run refuses before it opens anything, what it goes without, and what its options do to a batch. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { folderConfig, scanned } from "../data/sets/index.ts";
import { encodePng } from "../formats/index.ts";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { openLora } from "../models/sdxl/lora-file.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { float32, type Runtime, type Session, type Value } from "../runtime/runtime.ts";
import { learnerOptionsOf, parseRecipe } from "../training/recipe/index.ts";
import { readState, writeCheckpoint } from "./checkpoints.ts";
import { leftOutFinding, withoutPictures } from "./left-out.ts";
import type { Lesson } from "./lesson.ts";
import { openSdxlRun, type SdxlRunOptions } from "./open-sdxl.ts";
import { modelOf } from "./sdxl-model.ts";

const tiny = join(import.meta.dirname, "../../test/fixtures/tiny-sdxl");
const nano = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const root = mkdtempSync(join(tmpdir(), "open-sdxl-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("a model whose encoders lack tokens of the vocabulary that captions are read with", async () => {
  // All that is looked at before the refusal.
  const options = { model: modelOf(await openCheckpoint(tiny)), train: ["unet"] } as unknown as SdxlRunOptions;
  await expect(openSdxlRun(options).next()).rejects.toMatchObject({
    code: "bad_shape",
    message: expect.stringMatching(/text_encoder has 1000 tokens \(vocab_size\), and the built-in .* up to 49407$/),
  });
});

/** Noise, so that a file cut in half ends in the middle of its pixels. */
function pictures(name: string, count: number): string {
  const folder = join(root, name);
  mkdirSync(folder);
  for (let n = 0; n < count; n++) {
    const rgb = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * 7919 * (n + 3)) % 251);
    writeFileSync(join(folder, `${n}.png`), encodePng({ width: 64, height: 64, rgb }));
    writeFileSync(join(folder, `${n}.txt`), `picture ${n}`);
  }
  return folder;
}
const setOf = async (folder: string, more = {}) =>
  scanned(await folderConfig(folder, { resolution: 64, batch_size: 2, ...more }));
const tear = (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2));

/** Encodes pictures in earnest; of a step it gives no numbers, only the draws that it was asked with. Tells which steps are opened. */
function withoutSteps(onStep: () => void = () => {}): Runtime {
  const inner = onnxRuntime({ threads: 1 });
  const nothing = float32(new Float32Array(2), [2]);
  const results = new Proxy({}, { get: () => nothing }) as Record<string, Value>;
  const pretended: Session = { run: async () => results, release: async () => {} };
  return {
    ...inner,
    async open(graph, ...rest) {
      if (!graph.outputs.has("loss")) return inner.open(graph, ...rest);
      onStep();
      return pretended;
    },
  };
}

async function open(folder: string, more: Partial<SdxlRunOptions> = {}): Promise<Lesson> {
  const recipe = parseRecipe("learning_rate = 1e-3\nnetwork_dim = 1\nnetwork_train_unet_only = true");
  const walk = openSdxlRun({
    runtime: withoutSteps(),
    model: modelOf(await openCheckpoint(nano)),
    set: await setOf(folder),
    seed: 3,
    recipe: recipe.objective,
    schedule: { prediction: "v", zeroSnr: true, shift: 1 },
    train: recipe.train,
    lora: { file: "mine.safetensors", ranks: { rank: 1, alpha: 1 }, settings: () => expect.unreachable() },
    learner: learnerOptionsOf(recipe.learning, recipe.train, 100),
    ...more,
  });
  for (;;) {
    const step = await walk.next();
    if (step.done) return step.value;
  }
}

test("pictures that cannot be decoded are left out, and the same ones when the run goes on", async () => {
  const folder = pictures("torn", 4);
  const [one, two] = [join(folder, "1.png"), join(folder, "2.png")];
  const whole = readFileSync(one);
  tear(one);
  const { leftOut, learner } = await open(folder);
  expect(leftOut).toEqual({ "1.png": expect.stringContaining(one) });
  expect(leftOutFinding(leftOut!)).toMatchObject([
    { level: "warning", message: expect.stringMatching(/^1 picture is left out: .*1\.png/) },
  ]);

  const state = { step: 1, position: { epoch: 0, index: 0 }, learner: learner.state(), recipe: "" };
  const path = await writeCheckpoint(root, { ...state, leftOut: leftOut! }, async () => {});
  const saved = await readState(path);
  // Mended since: what was begun without it goes on without it.
  writeFileSync(one, whole);
  expect(withoutPictures(await setOf(folder), saved.leftOut!).items).toHaveLength(3);
  expect(await open(folder, { saved })).toMatchObject({ leftOut });
  tear(two);
  await expect(open(folder, { saved: await readState(path) })).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringMatching(/^1 of the pictures that this run began with .*2\.png/),
  });
  for (const n of [0, 1, 3]) tear(join(folder, `${n}.png`));
  await expect(open(folder)).rejects.toMatchObject({ message: expect.stringMatching(/^none of the 4 pictures/) });
}, 120_000);

test("with random views too broken pictures are known before the first step; one that breaks later is named with the way out", async () => {
  const folder = pictures("random", 4);
  const [one, two] = [join(folder, "1.png"), join(folder, "2.png")];
  tear(one);
  const set = await setOf(folder, { random_crop: true });
  const { leftOut, batch } = await open(folder, { set });
  expect(leftOut).toEqual({ "1.png": expect.stringContaining(one) });
  tear(two);
  const epochs = async () => {
    for (let index = 0; index < 6; index++) await batch(index);
  };
  await expect(epochs()).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringMatching(/^1 of the pictures that this run began with .*2\.png/),
    hint: expect.stringContaining("newest checkpoint"),
  });
  rmSync(two);
  await expect(open(folder, { set })).resolves.toMatchObject({
    leftOut: { "1.png": expect.any(String), "2.png": expect.stringContaining(two) },
  });
}, 120_000);

test("what memory once decided about segments holds for the whole run", async () => {
  const folder = pictures("segments", 2);
  let steps = 0;
  const runtime = withoutSteps(() => steps++);
  const { learner, segments, batch } = await open(folder, { runtime, segments: "auto" });
  // Sizes are known with the first batch.
  expect([steps, segments!()]).toEqual([0, undefined]);
  await batch(0);
  expect([steps, segments!()]).toEqual([1, "off"]);
  const state = { step: 1, position: { epoch: 1, index: 0 }, learner: learner.state(), recipe: "" };
  const path = await writeCheckpoint(root, { ...state, segments: segments!() }, async () => {});
  const saved = await readState(path);
  expect(saved.learner.tensors.size).toBeGreaterThan(100);
  const resumed = await open(folder, { runtime, segments: "auto", saved });
  expect([steps, resumed.segments!()]).toEqual([2, "off"]);
  // What was read is in the learner now, and not in memory twice.
  expect([...saved.learner.tensors.keys()]).toEqual([]);
}, 60_000);

test("encoders that views and texts open on the way are closed at the end", async () => {
  const folder = pictures("flips", 2);
  const inner = withoutSteps();
  const opened: Session[] = [];
  const runtime: Runtime = {
    ...inner,
    async open(...args) {
      const session = await inner.open(...args);
      const own: Session = {
        run: (...given) => session.run(...given),
        async release() {
          opened.splice(opened.indexOf(own), 1);
          await session.release();
        },
      };
      opened.push(own);
      return own;
    },
  };
  const { batch, release } = await open(folder, { runtime, set: await setOf(folder, { flip_aug: true }) });
  // The step's own; the autoencoder has rested since the first epoch's views are known.
  expect(opened).toHaveLength(1);
  for (let index = 0; index < 4; index++) await batch(index);
  expect(opened).toHaveLength(4);
  await release();
  expect(opened).toEqual([]);
}, 60_000);

test("a saved model tells what it holds wider than it was asked to, and damage ends the saving by name", async () => {
  const ranks = { rank: 1, alpha: 1 };
  const says = { title: "wide", ranks, trained: { unet: true, textEncoders: false }, finishedAt: new Date(0) };
  const { learner, saveModel } = await open(pictures("wide", 2), {
    lora: { file: "mine.safetensors", ranks, settings: () => says },
  });
  const model = join(root, "wide-model");
  expect(await saveModel(model)).toEqual([]);
  const [parameter] = learner.parameters.values();
  parameter!.values[0] = 1e5;
  const message = expect.stringMatching(/^1 tensor has values beyond 65504, the largest of F16, .*: lora_unet_/);
  expect(await saveModel(model)).toMatchObject([{ level: "warning", code: "stored_wider", message }]);
  parameter!.values[0] = Number.NaN;
  await expect(saveModel(model)).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringMatching(/^lora_unet_.* has the value NaN$/),
  });
}, 60_000);

test("a LoRA is one to begin with for the recipe that wrote it, however its alpha was rounded, and for no other", async () => {
  const folder = pictures("begin", 2);
  const says = { title: "begin", trained: { unet: true, textEncoders: false }, finishedAt: new Date(0) };
  const settings = () => ({ ...says, ranks });
  // bfloat16 has no tenth.
  const ranks = { rank: 1, alpha: 0.1 };
  const file = "begin.safetensors";
  const { saveModel } = await open(folder, { lora: { file, ranks, settings }, dtype: "BF16" });
  await saveModel(join(root, "begin-model"));
  const model = modelOf(await openCheckpoint(nano));
  const begin = await openLora(join(root, "begin-model", file), model.configs);
  await expect(open(folder, { model, lora: { file, ranks, settings, begin } })).resolves.toBeDefined();
  const other = open(folder, { model, lora: { file, ranks: { rank: 1, alpha: 0.101 }, settings, begin } });
  await expect(other).rejects.toThrow(/has an alpha of 0\.1000\d* for unet\..*, the recipe 0\.101$/);
}, 120_000);

test("draws are shifted by each picture's size where it is asked for", async () => {
  const folder = pictures("sizes", 2);
  const levelsWith = async (more: Partial<SdxlRunOptions>) => {
    const { levels } = await (await open(folder, more)).batch(0);
    return levels!.map(({ level }) => level);
  };
  const usual = await levelsWith({});
  const sides: number[][] = [];
  const shiftOf = (...side: [height: number, width: number]) => {
    sides.push(side);
    return 4;
  };
  const shifted = await levelsWith({ shiftOf });
  expect(sides).toEqual([[8, 8]]);
  expect(usual.map((level, i) => shifted[i]! > level)).toEqual([true, true]);
}, 60_000);
