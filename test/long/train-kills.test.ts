/**
 * @file A run of training that is killed again and again, at moments that nobody chose, ends bit for bit as one that was not: weights,
 * optimiser, averages, previews and log. Each start dies somewhere else: while it opens, while it encodes pictures, in a step, while it
 * shows or saves. How many starts die is ILLUSTRIOUS_TEST_KILLS.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { drawsOf } from "../../src/data/sets/index.ts";
import { scenes } from "../../src/tasks/scenes.ts";
import type { TrainEvent } from "../../src/tasks/train/train-events.ts";
import { contentsOf } from "../tasks/run-files.ts";

const KILLS = Number(process.env.ILLUSTRIOUS_TEST_KILLS ?? 30);
const STEPS = 32;
const SAVE_EVERY = 2;
const SHOW_EVERY = 12;

const main = join(import.meta.dirname, "../../dist/cli/main.js");
const nano = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const root = mkdtempSync(join(tmpdir(), "illustrious-kills-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Whatever a restart could forget: dropout, averages, accumulation, two sizes, flips that a second epoch draws anew. */
const RECIPE = `
pretrained_model_name_or_path = "${nano}"
output_name = "run"
output_dir = "."
train_text_encoder = true
learning_rate = 2e-4
lr_scheduler = "cosine"
lr_warmup_steps = 4
max_train_steps = ${STEPS}
save_every_n_steps = ${SAVE_EVERY}
sample_every_n_steps = ${SHOW_EVERY}
sample_prompts = ["1girl, green hair"]
gradient_accumulation_steps = 2
ema_decay = 0.9
noise_offset = 0.05
seed = 5
[general]
enable_wildcard = true
caption_extension = ".txt"
caption_dropout_rate = 0.2
flip_aug = true
[[datasets]]
resolutions = [64, 128]
resolution_choice = "one"
batch_size = 2
[[datasets.subsets]]
image_dir = "../scenes"
`;

beforeAll(async () => {
  for await (const _ of scenes({ out: join(root, "scenes"), count: 32, size: 128, captions: 3 }));
});

/** An event with the time since its process was started, in milliseconds. */
type Timed = { readonly event: TrainEvent; readonly at: number };

/** Runs the command in a process group of its own, and kills the group when it is told to. */
async function start(
  folder: string,
  watch: (timed: Timed, kill: () => void) => void,
  first?: (kill: () => void) => void,
) {
  const began = performance.now();
  const command: ChildProcess = spawn(process.execPath, [main, "train", join(folder, "recipe.toml"), "--json"], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  command.stderr!.on("data", (bytes) => {
    errors += bytes;
  });
  const gone = new Promise<void>((resolve) => command.once("close", () => resolve()));
  const kill = () => {
    // The group: the command and the engine that trains.
    if (command.exitCode === null && command.signalCode === null) process.kill(-command.pid!, "SIGKILL");
  };
  first?.(kill);
  const events: Timed[] = [];
  for await (const line of createInterface({ input: command.stdout! })) {
    // Death may come in the middle of a line.
    if (!line.endsWith("}")) continue;
    const timed = { event: JSON.parse(line) as TrainEvent, at: performance.now() - began };
    events.push(timed);
    watch(timed, kill);
  }
  await gone;
  return { events, killed: command.signalCode === "SIGKILL", code: command.exitCode, errors };
}

function newRun(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "recipe.toml"), RECIPE);
  return folder;
}

const PLACES = ["opening", "caching", "stepping", "showing", "saving"] as const;
type Place = (typeof PLACES)[number];

/** How long each takes, in milliseconds, as the undisturbed run has it. */
function durations(events: readonly Timed[]): Readonly<Record<Place, number>> {
  const times = (from: (event: TrainEvent) => boolean, to: TrainEvent["type"]) =>
    events.flatMap(({ event, at }, i) => {
      const next = events[i + 1];
      return from(event) && next?.event.type === to ? [next.at - at] : [];
    });
  const mean = (list: readonly number[]) => list.reduce((sum, time) => sum + time, 0) / list.length;
  const type = (wanted: TrainEvent["type"]) => (event: TrainEvent) => event.type === wanted;
  const cached = events.filter(({ event }) => event.type === "progress" && event.stage === "cache");
  return {
    opening: events.find(({ event }) => event.type === "start")!.at,
    caching: cached.at(-1)!.at - cached[0]!.at,
    stepping: mean(times((event) => type("step")(event) || type("saved")(event), "step")),
    showing: mean(times(type("step"), "examined")),
    saving: mean(times((event) => type("step")(event) || type("examined")(event), "saved")),
  };
}

/** The event after which a start waits a while and dies, if the run goes on from this step. */
function deathAfter(place: Place, from: number, wanted: number): (event: TrainEvent) => boolean {
  const every = { opening: 0, caching: 0, stepping: 1, showing: SHOW_EVERY, saving: SAVE_EVERY }[place];
  if (every === 0) return () => false;
  const step = Math.ceil(Math.max(wanted, from + 1) / every) * every;
  return (event) => event.type === "step" && event.step === Math.min(step, STEPS);
}

/** What a log says but for the time that things took. */
function logOf(folder: string): Record<string, unknown>[] {
  const lines = readFileSync(join(folder, "run/log.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const { time, seconds, samplesPerSecond, ...rest } = JSON.parse(line);
    return rest;
  });
}

const entriesUnder = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" });
const leftovers = (folder: string) => entriesUnder(folder).filter((name) => /\.(half|tmp)(\/|$)/.test(name));

test(`a run that is killed ${KILLS} times ends as one that is not`, async () => {
  const undisturbed = newRun("undisturbed");
  const whole = await start(undisturbed, () => {});
  expect(whole.errors).toBe("");
  expect(whole.events.at(-1)!.event).toMatchObject({ type: "done", step: STEPS });
  const takes = durations(whole.events);

  const disturbed = newRun("disturbed");
  const draws = drawsOf(11, "order", "kills");
  const deaths: Record<Place, number> = { opening: 0, caching: 0, stepping: 0, showing: 0, saving: 0 };
  let halfMade = 0;
  for (let n = 0, starts = 0; n < KILLS; ) {
    expect(++starts).toBeLessThan(3 * KILLS + 3);
    // Each kind once, then as they come.
    const place = PLACES[n < PLACES.length ? (n + 1) % PLACES.length : draws.below(PLACES.length)]!;
    // What is encoded is encoded once, unless it is lost.
    if (place === "caching") rmSync(join(disturbed, "run/cache"), { recursive: true, force: true });
    const wanted = 1 + Math.floor((n * (STEPS - 1)) / KILLS);
    const wait = 1.2 * takes[place] * draws.next();
    let isDying = place === "opening";
    let isLast = (_: TrainEvent) => false;
    const watch = ({ event }: Timed, kill: () => void) => {
      if (event.type === "start") {
        isLast = deathAfter(place, event.from, wanted);
        // Nothing is left to be done: then it dies here.
        if (event.from >= STEPS) kill();
      }
      const isTime = place === "caching" ? event.type === "progress" && event.stage === "cache" : isLast(event);
      if (isDying || !isTime) return;
      isDying = true;
      setTimeout(kill, wait);
    };
    const { killed, errors } = await start(disturbed, watch, (kill) => {
      if (place === "opening") setTimeout(kill, wait);
    });
    expect(errors).toBe("");
    // One that ended before its time came counts for nothing.
    if (!killed) continue;
    n++;
    deaths[place]++;
    if (leftovers(disturbed).length > 0) halfMade++;
  }
  const last = await start(disturbed, () => {});
  expect(last.errors).toBe("");
  expect(last.events.at(-1)!.event).toMatchObject({ type: "done", step: STEPS });
  const told = PLACES.map((place) => `${deaths[place]} ${place}`).join(", ");
  console.log(`${KILLS} kills (${told}), ${halfMade} of them left something half-made`);

  const checkpoints = (folder: string) => readdirSync(join(folder, "run")).filter((name) => name.startsWith("step-"));
  expect(checkpoints(disturbed)).toEqual(checkpoints(undisturbed));
  for (const name of [...checkpoints(undisturbed), "previews"]) {
    expect(contentsOf(join(disturbed, "run", name))).toEqual(contentsOf(join(undisturbed, "run", name)));
  }
  expect(logOf(disturbed)).toEqual(logOf(undisturbed));
  const steps = logOf(disturbed).flatMap(({ kind, step }) => (kind === "step" ? [step] : []));
  expect(steps).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
  expect(leftovers(disturbed)).toEqual([]);
});
