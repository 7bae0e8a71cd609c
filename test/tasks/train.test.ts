/** @file Training as a program calls it: small runs on drawn scenes, stopped and killed, and what they leave behind. */

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSafetensors, readFloat32 } from "../../src/formats/safetensors/index.ts";
import { openCheckpoint } from "../../src/models/sdxl/checkpoint.ts";
import { closeEngine, createEngine, generate } from "../../src/tasks/generate.ts";
import { scenes } from "../../src/tasks/scenes.ts";
import { train } from "../../src/tasks/train/train.ts";
import type { TrainEvent } from "../../src/tasks/train/train-events.ts";

const entry = new URL("../../dist/tasks/engine-main.js", import.meta.url);
const nano = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const root = mkdtempSync(join(tmpdir(), "illustrious-train-"));

beforeAll(async () => {
  for await (const _ of scenes({ out: join(root, "scenes"), count: 24, size: 128, captions: 3 }));
}, 60_000);
afterAll(async () => {
  await closeEngine();
  rmSync(root, { recursive: true, force: true });
});

const data = `
[general]
enable_wildcard = true
caption_extension = ".txt"
caption_dropout_rate = 0.2
[[datasets]]
resolutions = [64, 128]
resolution_choice = "one"
batch_size = 3
[[datasets.subsets]]
image_dir = "scenes"
`;

/** Dropout, averages, accumulation and two sizes, so that whatever a restart forgets shows. */
const whole = (name: string) => `
pretrained_model_name_or_path = "${nano}"
output_name = "${name}"
output_dir = "runs"
train_text_encoder = true
learning_rate = 2e-4
max_train_steps = 6
save_every_n_steps = 2
gradient_accumulation_steps = 2
ema_decay = 0.9
noise_offset = 0.05
seed = 5
${data}`;

const lora = (name: string, more = "") => `
pretrained_model_name_or_path = "${nano}"
output_name = "${name}"
output_dir = "runs"
network_module = "networks.lora"
network_dim = 4
network_args = ["conv_dim=2"]
learning_rate = 5e-3
max_train_steps = 4
seed = 5
${more}
${data}`;

async function run(name: string, recipe: string, until: (event: TrainEvent) => boolean = () => false, threads = 1) {
  const path = join(root, `${name}.toml`);
  writeFileSync(path, recipe);
  const events: TrainEvent[] = [];
  const stop = new AbortController();
  try {
    for await (const event of train({ recipe: path, threads }, { entry, signal: stop.signal })) {
      events.push(event);
      if (until(event)) stop.abort();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return events;
}

const newest = (name: string) => {
  const folder = join(root, "runs", name);
  return join(
    folder,
    readdirSync(folder)
      .filter((entry) => /^step-\d+$/.test(entry))
      .sort()
      .at(-1)!,
  );
};

/** All tensors of a state by name; not the file, whose metadata holds the recipe with the run's name. */
async function stateOf(name: string): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors(join(newest(name), "state.safetensors"));
  const tensors = new Map<string, Float32Array>();
  for (const key of file.tensors.keys()) {
    if (file.tensors.get(key)!.dtype === "F32") tensors.set(key, await readFloat32(file, key));
  }
  return tensors;
}

function differing(a: Map<string, Float32Array>, b: Map<string, Float32Array>): string[] {
  const same = (x: Float32Array, y: Float32Array | undefined) =>
    y !== undefined &&
    Buffer.from(x.buffer, x.byteOffset, x.byteLength).equals(Buffer.from(y.buffer, y.byteOffset, y.byteLength));
  return [...a.keys()].filter((key) => !same(a.get(key)!, b.get(key)));
}

test("whole networks: a run that is stopped, and then killed, ends bit for bit as one that is not", async () => {
  const undisturbed = await run("undisturbed", whole("undisturbed"));
  const checkpoint = newest("undisturbed");
  expect(undisturbed.at(-1)).toMatchObject({ type: "done", step: 6, checkpoint, model: join(checkpoint, "model") });
  expect(undisturbed.filter(({ type }) => type === "step")).toHaveLength(6);

  await run("disturbed", whole("disturbed"), (event) => event.type === "step" && event.step === 1);
  // A step may be under way when the wish to stop arrives; it is finished, and saved.
  expect(newest("disturbed")).toMatch(/step-0000000[123]$/);
  const logged = readFileSync(join(root, "runs", "disturbed", "log.jsonl"), "utf8")
    .trim()
    .split("\n");
  expect(JSON.parse(logged.at(-1)!)).toMatchObject({ kind: "end", reason: "stopped" });
  const path = join(root, "disturbed.toml");
  const script = `
    import { train } from ${JSON.stringify(new URL("../../dist/tasks/train/train.js", import.meta.url).href)};
    for await (const event of train({ recipe: ${JSON.stringify(path)}, threads: 1 })) {
      if (event.type === "step" && event.step === 5) process.kill(process.pid, "SIGKILL");
    }`;
  const killed = () => execFileSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
  expect(killed).toThrow();
  const last = await run("disturbed", whole("disturbed"));
  const start = last.find((event) => event.type === "start");
  expect(start).toMatchObject({ type: "start" });
  expect((start as { from: number }).from).toBeGreaterThanOrEqual(2);
  const [a, b] = [await stateOf("undisturbed"), await stateOf("disturbed")];
  expect(a.size).toBeGreaterThan(500);
  expect(differing(a, b)).toEqual([]);
  const losses = (name: string) =>
    readFileSync(join(root, "runs", name, "log.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { step: number; loss?: number })
      .filter(({ loss }) => loss !== undefined)
      .map(({ step, loss }) => [step, loss]);
  expect(losses("disturbed")).toEqual(losses("undisturbed"));
}, 240_000);

test("on two threads, batches in parts and updates divided: a stopped run ends bit for bit as one that is not", async () => {
  const recipe = (name: string) =>
    whole(name).replace("max_train_steps = 6", "max_train_steps = 4").replace("[64, 128]", "[64]");
  await run("undisturbed-2", recipe("undisturbed-2"), () => false, 2);
  await run("disturbed-2", recipe("disturbed-2"), ({ type }) => type === "step", 2);
  // A step that is under way when the wish to stop arrives is finished.
  expect(newest("disturbed-2")).toMatch(/step-0000000[123]$/);
  await run("disturbed-2", recipe("disturbed-2"), () => false, 2);
  const [a, b] = [await stateOf("undisturbed-2"), await stateOf("disturbed-2")];
  expect(a.size).toBeGreaterThan(500);
  expect(differing(a, b)).toEqual([]);
}, 240_000);

test("what an abort saves is told, by an event and by the error; so is what a finished run has, when it is asked again", async () => {
  const path = join(root, "told.toml");
  writeFileSync(path, lora("told"));
  const abort = new AbortController();
  const events: TrainEvent[] = [];
  const stopped = async () => {
    for await (const event of train({ recipe: path, threads: 1 }, { entry, signal: abort.signal })) {
      events.push(event);
      if (event.type === "step") abort.abort();
    }
  };
  const error = await stopped().catch((cause) => cause);
  const folder = newest("told");
  const step = Number(folder.slice(-8));
  expect(events.at(-1)).toEqual({ type: "saved", step, folder, model: join(folder, "model", "told.safetensors") });
  expect(error).toMatchObject({
    code: "cancelled",
    message: `train was cancelled; its newest checkpoint, of step ${step}, is ${folder}`,
  });
  const first = await run("told", lora("told"));
  const second = await run("told", lora("told"));
  const last = newest("told");
  for (const events of [first, second]) {
    const place = { checkpoint: last, model: join(last, "model", "told.safetensors") };
    expect(events.at(-1)).toMatchObject({ type: "done", step: 4, ...place });
  }
  expect(second.filter(({ type }) => type === "saved")).toEqual([]);
}, 240_000);

test("the model of a run opens as any other, and says what it predicts", async () => {
  const checkpoint = await openCheckpoint(join(newest("undisturbed"), "model"));
  expect(checkpoint.prediction).toMatchObject({ prediction: "v", zeroSnr: true, confidence: "certain" });
  expect(checkpoint.report).toMatchObject({ missing: [], unknown: [] });
});

test("a model as one file, looked at on the way and gone on with", async () => {
  const recipe = `save_model_as = "safetensors"\n${whole("single")}`
    .replace("max_train_steps = 6", "max_train_steps = 2\nsample_every_n_steps = 2\nsample_prompts = ['1girl']")
    .replace("save_every_n_steps = 2", "save_every_n_steps = 1");
  const events = await run("single", recipe);
  expect(events.filter(({ type }) => type === "finding")).toContainEqual({
    type: "finding",
    finding: expect.objectContaining({ code: "single_file" }),
  });
  expect(readdirSync(join(newest("single"), "model"))).toEqual(["single.safetensors"]);
  expect(events.at(-1)).toMatchObject({ model: join(newest("single"), "model", "single.safetensors") });
  const checkpoint = await openCheckpoint(join(newest("single"), "model", "single.safetensors"));
  expect(checkpoint.prediction).toMatchObject({ prediction: "v", zeroSnr: true, confidence: "certain", conflicts: [] });
  expect(checkpoint.report).toMatchObject({ missing: [], unknown: [] });
  const [preview] = readdirSync(join(root, "runs", "single", "previews"));
  const path = join(root, "runs", "single", "previews", preview!);
  expect(events.filter(({ type }) => type === "examined")).toMatchObject([
    { step: 2, previews: [{ path, prompt: "1girl", seed: 1 }] },
  ]);
}, 240_000);

test("a LoRA learns, is written with kohya's keys, and changes pictures by its strength", async () => {
  await run("lora", lora("lora"));
  const path = join(newest("lora"), "model", "lora.safetensors");
  const file = await openSafetensors(path);
  expect([...file.tensors.keys()].filter((key) => !/^lora_(unet|te1|te2)_/.test(key))).toEqual([]);
  expect(file.metadata.get("ss_network_dim")).toBe("4");
  expect(file.metadata.get("ss_steps") ?? file.metadata.get("ss_max_train_steps")).toBeDefined();
  const engine = createEngine(entry);
  const pictureWith = async (loras: string[]) => {
    const input = { model: nano, prompt: "1girl, red hair", seed: 1, width: 64, height: 64, steps: 2, loras };
    for await (const event of generate(input, { engine })) if (event.type === "picture") return event.image.rgb;
    throw new Error("no picture");
  };
  const [without, zero, full] = [
    await pictureWith([]),
    await pictureWith([`${path}:0`]),
    await pictureWith([`${path}:1`]),
  ];
  await engine.close();
  expect(zero).toEqual(without);
  expect(full).not.toEqual(without);
}, 120_000);

test("a run that is made longer ends bit for bit as one that was so long, with its model elsewhere and other savings", async () => {
  await run("longer", lora("longer").replace("max_train_steps = 4", "max_train_steps = 2"));
  const elsewhere = lora("longer", "save_every_n_steps = 3").replace(nano, relative(root, nano));
  const events = await run("longer", elsewhere);
  expect(events).toContainEqual({
    type: "finding",
    finding: expect.objectContaining({ message: expect.stringMatching(/max_train_steps was 2 and is 4.*save_every/) }),
  });
  expect(events.find(({ type }) => type === "start")).toMatchObject({ from: 2, steps: 4 });
  const { metadata } = await openSafetensors(join(newest("longer"), "model", "longer.safetensors"));
  const [begun] = readFileSync(join(root, "runs", "longer", "log.jsonl"), "utf8").split("\n");
  expect(Number(metadata.get("ss_training_started_at"))).toBe(Date.parse(JSON.parse(begun!).time) / 1000);
  expect(differing(await stateOf("lora"), await stateOf("longer"))).toEqual([]);
  // What learns otherwise is told before the pictures are looked at.
  const types: string[] = [];
  const faster = run("longer", elsewhere.replace("5e-3", "6e-3"), ({ type }) => types.push(type) < 0);
  await expect(faster).rejects.toThrow(/another recipe: learning_rate was 0.005 and is 0.006/);
  expect(types).not.toContain("stage");
}, 120_000);

test("captions of frozen encoders are kept for other runs, and a torn picture is left out of all of them", async () => {
  cpSync(join(root, "scenes"), join(root, "torn"), { recursive: true });
  const [first] = readdirSync(join(root, "torn"))
    .filter((name) => name.endsWith(".png"))
    .sort();
  truncateSync(join(root, "torn", first!), 2000);
  const recipe = (name: string, key: boolean) =>
    lora(name, `network_train_unet_only = true\ndata_cache = "shared"\ncache_text_encoder_outputs = ${key}`)
      .replace('"scenes"', '"torn"')
      .replace("max_train_steps = 4", "max_train_steps = 2");
  const texts = () => readdirSync(join(root, "shared", "texts")).sort();
  const leftOut = expect.objectContaining({
    type: "finding",
    finding: expect.objectContaining({ message: expect.stringMatching(/^1 picture is left out: .*\.png/) }),
  });
  const before = await run("texts-first", recipe("texts-first", true));
  expect(before).toContainEqual(leftOut);
  const captions = before.flatMap((event) => (event.type === "progress" && event.stage === "captions" ? [event] : []));
  // Three captions a picture, of which some are others' too, and none at all.
  const { done, total } = captions.at(-1)!;
  expect(done).toBe(total);
  expect([2 * 23 < total, total <= 3 * 23 + 1]).toEqual([true, true]);
  const files = texts();
  expect(files.length).toBeGreaterThan(0);
  const after = await run("texts-later", recipe("texts-later", false));
  expect(after).toContainEqual(leftOut);
  expect(after.some((event) => event.type === "progress" && event.stage === "captions")).toBe(false);
  expect(texts()).toEqual(files);
  expect(differing(await stateOf("texts-first"), await stateOf("texts-later"))).toEqual([]);
}, 120_000);

const ofOneSize = data.replace('resolutions = [64, 128]\nresolution_choice = "one"', "resolution = 64");

/** Of an autoencoder: the squared error falls to less than this share. */
function expectLearnt(events: readonly TrainEvent[], share: number): void {
  const squared = events.flatMap((event) => (event.type === "step" ? [event.figures.squared!] : []));
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  expect(mean(squared.slice(-15))).toBeLessThan(share * mean(squared.slice(0, 15)));
}

test("an autoencoder learns: its error falls, and it is examined", async () => {
  const config = join(import.meta.dirname, "../fixtures/tiny-sdxl/vae/config.json");
  const recipe = `
train_vae = "both"
vae_config = "${config}"
vae_crops = [[32, 4, 1]]
output_name = "vae"
output_dir = "runs"
learning_rate = 3e-3
max_train_steps = 90
sample_every_n_steps = 90
seed = 1
${ofOneSize}`;
  const events = await run("vae", recipe);
  expectLearnt(events, 0.85);
  const examined = events.find((event) => event.type === "examined");
  expect(examined).toMatchObject({ figures: { psnr: expect.any(Number) } });
}, 120_000);

test("a decoder learns alone: encoder and scaling stay as models have learnt on them", async () => {
  const vae = join(import.meta.dirname, "../fixtures/tiny-sdxl/vae");
  const recipe = `
train_vae = "decoder"
vae = "${vae}"
vae_crops = [[32, 4, 1]]
vae_l1_weight = 0
save_precision = "fp16"
output_name = "decoder"
output_dir = "runs"
learning_rate = 3e-3
max_train_steps = 60
seed = 1
${ofOneSize}`;
  const events = await run("decoder", recipe);
  // Little can be decoded of what an encoder gives that has learnt nothing.
  expectLearnt(events, 0.9);

  const [step] = readdirSync(join(root, "runs", "decoder")).filter((name) => name.startsWith("step-"));
  const after = join(root, "runs", "decoder", step!, "model", "vae");
  const scaling = (folder: string) =>
    JSON.parse(readFileSync(join(folder, "config.json"), "utf8")).scaling_factor as number;
  expect(scaling(after)).toBe(scaling(vae));
  const dtypes: Set<string>[] = [];
  const valuesOf = async (folder: string) => {
    const file = await openSafetensors(join(folder, "diffusion_pytorch_model.safetensors"));
    dtypes.push(new Set([...file.tensors.values()].map(({ dtype }) => dtype)));
    const read = async (name: string) => [name, await readFloat32(file, name)] as const;
    return new Map(await Promise.all([...file.tensors.keys()].map(read)));
  };
  const [from, to] = [await valuesOf(vae), await valuesOf(after)];
  expect(dtypes[1]).toEqual(new Set(["F16"]));
  // Half precision keeps eleven bits.
  const near = (x: number, y: number) => Math.abs(x - y) <= 2 ** -11 * Math.abs(x) + 2 ** -24;
  const changed = [...from.keys()].filter((name) => !from.get(name)!.every((x, i) => near(x, to.get(name)![i]!)));
  expect(changed.filter((name) => !/^(decoder|post_quant_conv)\./.test(name))).toEqual([]);
  expect(changed.length).toBeGreaterThan(10);

  const alone = recipe.replace(`vae = "${vae}"`, `vae_config = "${join(vae, "config.json")}"`);
  await expect(run("no-encoder", alone.replace('"decoder"\noutput_dir', '"no-encoder"\noutput_dir'))).rejects.toThrow(
    /names no encoder that has learnt/,
  );
}, 120_000);

test("what is wrong with a recipe is told before anything starts", async () => {
  await expect(run("nowhere", lora("nowhere").replace(nano, "no/such/model"))).rejects.toThrow(/no\/such\/model/);
  await expect(run("typo", lora("typo", "learning_rat = 1"))).rejects.toThrow(/learning_rat .*learning_rate/);
  const contradiction = lora("both", "v_parameterization = false\nzero_terminal_snr = true");
  await expect(run("both", contradiction)).rejects.toThrow(/zero terminal SNR/);
  await expect(run("none", lora("none").replace(/\[general\][\s\S]*/, ""))).rejects.toThrow(/no data set/);
  const reg = lora("reg").replace("image_dir", "is_reg = true\nimage_dir");
  await expect(run("reg", reg)).rejects.toThrow(/all of them are regularisation pictures/);
}, 60_000);

test("a batch in parts beside each other learns what it learns as a whole", async () => {
  const steps = async (name: string, threads: number) => {
    const path = join(root, `${name}.toml`);
    writeFileSync(path, whole(name));
    const found: { loss: number; gradientNorm: number }[] = [];
    for await (const event of train({ recipe: path, threads }, { entry })) {
      if (event.type === "step") found.push({ loss: event.loss, gradientNorm: event.gradientNorm });
    }
    return found;
  };
  // Batches of three: parts of two pictures and of one.
  const [one, two] = [await steps("one-part", 1), await steps("two-parts", 2)];
  expect(two).toHaveLength(one.length);
  two.forEach(({ loss, gradientNorm }, i) => {
    // Sums in another order; what a part forgets, or counts twice, is off by a third or more.
    expect(Math.abs(loss / one[i]!.loss - 1)).toBeLessThan(1e-3);
    expect(Math.abs(gradientNorm / one[i]!.gradientNorm - 1)).toBeLessThan(1e-2);
  });
}, 120_000);
