/** @file A run and its folder: what it goes on from, who else may work there, what it leaves, and what its previews are made with. */

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSafetensors } from "../../src/formats/safetensors/index.ts";
import { optionsFromPicture } from "../../src/tasks/from-picture.ts";
import { scenes } from "../../src/tasks/scenes.ts";
import { train } from "../../src/tasks/train/train.ts";
import type { TrainEvent } from "../../src/tasks/train/train-events.ts";

const entry = new URL("../../dist/tasks/engine-main.js", import.meta.url);
const models = join(import.meta.dirname, "../../models");
const root = mkdtempSync(join(tmpdir(), "illustrious-train-folder-"));

beforeAll(async () => {
  for await (const _ of scenes({ out: join(root, "scenes"), count: 4, size: 64, captions: 1 }));
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const recipe = (name: string, base: string, more = "") => `
pretrained_model_name_or_path = "${base}"
output_name = "${name}"
output_dir = "runs"
network_dim = 2
network_train_unet_only = true
learning_rate = 1e-4
max_train_steps = 8
seed = 1
${more}
[[datasets]]
resolution = 64
batch_size = 2
[[datasets.subsets]]
image_dir = "scenes"
`;

const eps = join(models, "nano-v3.0-eps");
const folderOf = (name: string) => join(root, "runs", name);

async function* started(name: string, text: string, signal?: AbortSignal): AsyncGenerator<TrainEvent, void> {
  const path = join(root, `${name}.toml`);
  writeFileSync(path, text);
  yield* train({ recipe: path, threads: 1 }, { entry, ...(signal && { signal }) });
}

/** All of a run, or until its events are enough. */
async function run(name: string, text: string, until: (event: TrainEvent) => boolean = () => false) {
  const stop = new AbortController();
  const events: TrainEvent[] = [];
  try {
    for await (const event of started(name, text, stop.signal)) {
      events.push(event);
      if (until(event)) stop.abort();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return events;
}

/** A step may be on its way when the run is told to stop. */
const afterTwo = (event: TrainEvent) => event.type === "step" && event.step === 2;

test("a run does not go on beside other weights than it began with", async () => {
  const base = join(root, "base");
  cpSync(eps, base, { recursive: true });
  const text = recipe("base", base, "v_parameterization = false\nzero_terminal_snr = false");
  await run("base", text, afterTwo);
  rmSync(base, { recursive: true });
  cpSync(join(models, "nano-v3.5-vpred"), base, { recursive: true });
  await expect(run("base", text)).rejects.toThrow(/checkpoint of step [23] was learnt on another model.*now/);
  // The same weights at the same place again.
  rmSync(base, { recursive: true });
  cpSync(eps, base, { recursive: true });
  const events = await run("base", text);
  const { from } = events.find((event) => event.type === "start")!;
  expect([2, 3]).toContain(from);
}, 120_000);

test("a run that is stopped while it opens names the checkpoint that is there, and goes on with the log's mean", async () => {
  const text = recipe("opening", eps);
  await run("opening", text, afterTwo);
  const [checkpoint] = readdirSync(folderOf("opening")).filter((name) => name.startsWith("step-"));
  const stop = new AbortController();
  const told: string[] = [];
  const stopped = async () => {
    for await (const event of started("opening", text, stop.signal)) {
      told.push(event.type);
      stop.abort();
    }
  };
  await expect(stopped()).rejects.toMatchObject({
    code: "cancelled",
    message: expect.stringContaining(join(folderOf("opening"), checkpoint!)),
    hint: "The same recipe goes on from there.",
  });
  expect(told).not.toContain("start");
  expect(told).not.toContain("saved");

  const means = (await run("opening", text)).flatMap((event) => (event.type === "step" ? [event.smoothedLoss] : []));
  const logged = readFileSync(join(folderOf("opening"), "log.jsonl"), "utf8").matchAll(/"smoothedLoss":([\d.e-]+)/g);
  expect(means).toEqual([...logged].map(([, mean]) => Number(mean)).slice(-means.length));
  expect(means.length).toBeLessThan(8);
}, 120_000);

test("one run at a time works in a folder", async () => {
  const text = recipe("twice", eps).replace("= 8", "= 1000");
  let refused: unknown;
  const first = new AbortController();
  try {
    for await (const event of started("twice", text, first.signal)) {
      if (event.type !== "step" || event.step !== 1) continue;
      refused = await run("twice", text).catch((error: unknown) => error);
      first.abort();
    }
  } catch (error) {
    if (!first.signal.aborted) throw error;
  }
  expect(String(refused)).toMatch(/another run is at work here/);
  expect(existsSync(join(folderOf("twice"), "lock.json"))).toBe(false);
}, 120_000);

test("checkpoints of the last steps stay, and the log is of the recipe that ran", async () => {
  const broken = recipe("kept", eps, "clip_skip = 6");
  await expect(run("kept", broken)).rejects.toThrow(/clip skip 6 for an encoder of 3 layers/);
  const text = recipe("kept", eps, "save_every_n_steps = 2\nsave_last_n_steps = 4");
  await run("kept", text, (event) => event.type === "step" && event.step === 5);
  const told = await run("kept", text);
  expect(told.filter(({ type }) => type === "report")).toHaveLength(1);
  const steps = readdirSync(folderOf("kept")).filter((name) => name.startsWith("step-"));
  // The stop's is gone, and of the others stay as sd-scripts counts: the newest, and those of the four steps before it.
  expect(steps).toEqual(["step-00000004", "step-00000006", "step-00000008"]);
  const log = readFileSync(join(folderOf("kept"), "log.jsonl"), "utf8");
  expect(log).not.toContain("clip_skip");
}, 120_000);

test("a recipe that does not say how many checkpoints stay is told that it is two, and one that does is obeyed", async () => {
  const keptOf = async (name: string, more: string) => {
    const told = await run(name, recipe(name, eps, more));
    const lines = told.flatMap((event) => (event.type === "report" ? event.lines : []));
    const steps = readdirSync(folderOf(name)).filter((one) => one.startsWith("step-"));
    return { told: lines.filter((line) => line.includes("checkpoints")), steps };
  };
  // An epoch is three batches, for one caption is longer than the others.
  const [one, two, three] = ["step-00000003", "step-00000006", "step-00000008"];
  expect(await keptOf("silent", "save_every_n_epochs = 1")).toEqual({
    told: ["of 3 checkpoints only the newest two stay; save_last_n_epochs keeps more"],
    steps: [two, three],
  });
  const said = "save_every_n_epochs = 1\nsave_last_n_epochs = 3";
  expect(await keptOf("said", said)).toEqual({ told: [], steps: [one, two, three] });
}, 120_000);

test("previews of a LoRA are made with what it is trained on, and its file says that", async () => {
  const trained =
    'prediction = "v"\nzero_terminal_snr = true\nschedule_shift = 2\nclip_skip = 1\nsample_prompts = ["1girl --s 2 --w 64 --h 64"]';
  const events = await run("shown", recipe("shown", eps, trained).replace("= 8", "= 1"));
  const told = events.flatMap((event) => (event.type === "finding" ? [event.finding.code] : []));
  expect(told).toEqual(expect.arrayContaining(["prediction_differs", "zero_snr_differs"]));
  const [preview] = readdirSync(folderOf("shown"), { recursive: true }).filter((name) => String(name).endsWith(".png"));
  const { options } = await optionsFromPicture(join(folderOf("shown"), String(preview)));
  expect(options).toMatchObject({ prediction: "v", zeroSnr: "exact", shift: 2, clipSkip: 1, steps: 2 });

  const flow = recipe("flow", eps, 'prediction = "flow"').replace("= 8", "= 1");
  await run("flow", flow);
  const file = await openSafetensors(join(folderOf("flow"), "step-00000001/model/flow.safetensors"));
  expect(file.metadata.get("modelspec.prediction_type")).toBe("flow");
  expect(file.metadata.has("ss_zero_terminal_snr")).toBe(false);
}, 120_000);
