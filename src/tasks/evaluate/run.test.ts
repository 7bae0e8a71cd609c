/** @file The whole way with pictures of which the truth is known: drawn as asked for, changed, and noise; and what a stop leaves. */

import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CONTROL_FAMILY_NAMES, type ControlToken } from "../../colour/index.ts";
import { dice } from "../../data/scenes/dice.ts";
import {
  controlTokensOf,
  type Description,
  renderScene,
  type Scene,
  type ScenePicture,
  sceneAt,
} from "../../data/scenes/index.ts";
import { drawTone } from "../../data/scenes/tone.ts";
import { NO_TOKEN } from "./cells.ts";
import type { PictureRequest, PictureSource } from "./engine-source.ts";
import type { Figure } from "./figures.ts";
import type { Drawn } from "./judge.ts";
import type { EvaluateInput, RowName } from "./options.ts";
import { type EvaluateControl, type EvaluateEvent, type Evaluation, runEvaluation } from "./run.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "evaluate-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Draw = (request: PictureRequest, description: Description, seed: number) => Promise<ScenePicture>;

/** In the engine's place; tells in `asked` what it was asked for. */
function sourceOf(draw: Draw, asked: PictureRequest[] = []): PictureSource {
  return async function* (request) {
    asked.push(request);
    for (const { seed, description } of request.shots) {
      const image = await draw(request, description, seed);
      const drawn: Drawn = request.cell.traced
        ? { image, trace: { first: image, largest: [3, 3.1, 2, 3.2], lastLargest: 2 } }
        : { image };
      yield { type: "drawn", seed, drawn };
    }
  };
}

/** A scene that is as described, in what is not described as the seed has it. */
function sceneOf({ girls, background, tone }: Description, seed: number): Scene {
  const scene = sceneAt(seed, { girls: girls.length as 0 | 1 | 2, split: "any", tones: "none" });
  return {
    girls: scene.girls.map((girl, i) => ({ ...girl, ...girls[i] })),
    background: background ?? scene.background,
    tone: tone ?? scene.tone,
  };
}

const asAsked: Draw = ({ cell }, description, seed) => renderScene(sceneOf(description, seed), cell.side ?? 128);

const swapped: Draw = (request, { girls, ...rest }, seed) =>
  asAsked(request, { ...rest, girls: girls.toReversed() }, seed);

const noise: Draw = async ({ cell: { side = 128 } }, _description, seed) => {
  const d = dice(seed, "scene");
  return { width: side, height: side, rgb: Uint8Array.from({ length: 3 * side * side }, () => 256 * d.next()) };
};

const model = join(import.meta.dirname, "../../../test/fixtures/nano-bootstrap");

async function eventsOf(
  source: PictureSource,
  input: Partial<EvaluateInput>,
  control: EvaluateControl = {},
): Promise<EvaluateEvent[]> {
  const events: EvaluateEvent[] = [];
  const options = { models: [model], quick: true, folder, ...input };
  for await (const event of runEvaluation(options, control, source)) events.push(event);
  return events;
}

async function figuresOf(source: PictureSource, row: RowName, seeds: number): Promise<readonly Figure[]> {
  const events = await eventsOf(source, { only: [row], seeds });
  const { evaluation } = events.at(-1) as { evaluation: Evaluation };
  return evaluation.models[0]!.rows[0]!.figures;
}

const share = (figures: readonly Figure[], name: string) => {
  const figure = figures.find((one) => one.name === name);
  return figure?.kind === "share" ? figure.right / figure.of : undefined;
};
const value = (figures: readonly Figure[], name: string) => {
  const figure = figures.find((one) => one.name === name);
  return figure?.kind === "number" ? figure.value : Number.NaN;
};

test.each(["simple", "long"] as const)(
  "%s: pictures as asked for are right, swapped ones and noise are not",
  async (row) => {
    const asked: PictureRequest[] = [];
    const truth = await figuresOf(sourceOf(asAsked, asked), row, 3);
    expect(truth.map(({ name }) => [name, share(truth, name)])).toEqual([
      ["the article's prompt", 1],
      ["all 3 prompts", 1],
      ["both girls there", 1],
      ["hair and eyes right", 1],
    ]);
    expect(asked.map(({ shots }) => shots.map(({ seed }) => seed))).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ]);
    for (const wrong of [swapped, noise]) {
      await rm(folder, { recursive: true });
      const figures = await figuresOf(sourceOf(wrong), row, 3);
      expect([share(figures, "the article's prompt"), share(figures, "all 3 prompts")]).toEqual([0, 0]);
      // Swapped girls are girls; noise is nobody.
      expect(share(figures, "both girls there")).toBe(wrong === swapped ? 1 : 0);
    }
  },
);

test("sizes: pictures of every size are drawn at that size and read right", async () => {
  const asked: PictureRequest[] = [];
  const figures = await figuresOf(sourceOf(asAsked, asked), "sizes", 5);
  expect(figures.map(({ name }) => [name, share(figures, name)])).toEqual([
    ["64 px", 1],
    ["128 px", 1],
    ["256 px", 1],
  ]);
  // Five prompts take turns.
  expect(new Set(asked.map(({ shots }) => shots[0]!.prompt)).size).toBe(5);
});

test("empty: nothing is wrong with exact backgrounds, and a grey one is off by what it is off", async () => {
  const truth = await figuresOf(sourceOf(asAsked), "empty", 2);
  expect(value(truth, "both: mean luma error")).toBe(0);
  await rm(folder, { recursive: true });
  const grey: Draw = async () => ({ width: 16, height: 16, rgb: new Uint8Array(768).fill(55) });
  const figures = await figuresOf(sourceOf(grey), "empty", 2);
  expect(value(figures, "empty black: mean luma error")).toBeCloseTo(55, 9);
  expect(value(figures, "empty white: mean luma error")).toBeCloseTo(200, 9);
});

test("saturation: scenes in tones as training has them come to what the data measure", async () => {
  const toned: Draw = (_request, description, seed) => {
    const scene = description as Scene;
    return renderScene({ ...scene, tone: drawTone(dice(seed, "scene"), scene.background) });
  };
  const figures = await figuresOf(sourceOf(toned), "saturation", 20);
  // Tones spread saturation by about a third: four standard errors of 60 pictures are 0.17.
  expect(Math.abs(value(figures, "mean saturation over the data's") - 1)).toBeLessThan(0.17);
  expect(value(figures, "after step 1: mean saturation over the final")).toBe(1);
  expect(value(figures, "after step 1: largest latent over the final")).toBe(1.5);
  expect(value(figures, "steps whose largest latent is above 1.5 × the final")).toBe(2);
  expect(value(figures, "after step 1: luma's distance from the final")).toBe(0);
});

test("control: pictures chosen by their measured tokens give all six families; pictures that ignore tokens give none", async () => {
  // Scenes by the tokens that they measure.
  const measured = new Map<string, ScenePicture[]>();
  for (let seed = 0; seed < 200; seed++) {
    const picture = await renderScene(sceneAt(80_000 + seed), 64);
    for (const token of controlTokensOf(picture)) measured.set(token, [...(measured.get(token) ?? []), picture]);
  }
  const obedient: Draw = async ({ cell }, description, seed) => {
    if (cell.name === NO_TOKEN) return renderScene(sceneOf(description, seed), 64);
    const all = measured.get(cell.name as ControlToken)!;
    return all[seed % all.length]!;
  };
  const figures = await figuresOf(sourceOf(obedient), "control", 6);
  expect(figures[0]).toMatchObject({
    kind: "count",
    right: CONTROL_FAMILY_NAMES.length,
    of: CONTROL_FAMILY_NAMES.length,
  });
  await rm(folder, { recursive: true });
  const deaf: Draw = async (_request, description, seed) => renderScene(sceneOf(description, seed), 64);
  expect((await figuresOf(sourceOf(deaf), "control", 1))[0]).toMatchObject({ kind: "count", right: 0 });
});

test("a stopped evaluation goes on: what is known is not drawn again, and the result is the same", async () => {
  const both = { only: ["simple", "empty"] as RowName[], seeds: 4, batch: 2 };
  const whole = await eventsOf(sourceOf(asAsked), both, { sheets: true });
  await rm(folder, { recursive: true });
  const controller = new AbortController();
  let drawn = 0;
  const stopping: Draw = (request, description, seed) => {
    if (++drawn === 7) controller.abort();
    return asAsked(request, description, seed);
  };
  const stopped = eventsOf(sourceOf(stopping), both, { signal: controller.signal });
  await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
  // The batch in which it was stopped is finished: eight pictures.
  const [first, ...rest] = await eventsOf(sourceOf(asAsked), both, { sheets: true });
  expect(first).toMatchObject({ type: "model", pictures: 20, known: 8 });
  expect(rest.at(-1)).toEqual(whole.at(-1));
  expect(rest.filter(({ type }) => type === "sheet")).toEqual(whole.filter(({ type }) => type === "sheet"));
  // More seeds later draw the new ones only.
  const asked: PictureRequest[] = [];
  await eventsOf(sourceOf(asAsked, asked), { only: ["empty"], seeds: 6 });
  expect(asked.map(({ shots }) => shots.map(({ seed }) => seed))).toEqual([
    [4, 5],
    [4, 5],
  ]);
});

test("a line that a killed process left half written is drawn again", async () => {
  const [begin] = await eventsOf(sourceOf(asAsked), { only: ["empty"], seeds: 3 });
  const path = join((begin as { folder: string }).folder, "results.jsonl");
  await truncate(path, (await readFile(path)).length - 20);
  const asked: PictureRequest[] = [];
  const [again] = await eventsOf(sourceOf(asAsked, asked), { only: ["empty"], seeds: 3 });
  expect(again).toMatchObject({ pictures: 6, known: 5 });
  expect(asked.flatMap(({ shots }) => shots.map(({ seed }) => seed))).toEqual([2]);
});

test("what an older version judged is judged again and not drawn again, but for traced pictures", async () => {
  const rows = { only: ["simple", "empty", "saturation"] as RowName[], seeds: 1 };
  const [begin, ...whole] = await eventsOf(sourceOf(asAsked), rows);
  const path = join((begin as { folder: string }).folder, "results.jsonl");
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  const old = lines.map((line) => ({ ...JSON.parse(line), judged: 0, right: false, values: {} }));
  await writeFile(path, `${old.map((line) => JSON.stringify(line)).join("\n")}\n`);
  const asked: PictureRequest[] = [];
  const events = await eventsOf(sourceOf(asAsked, asked), rows);
  const untraced = old.filter(({ row }) => row !== "saturation").length;
  expect(events.filter(({ type }) => type === "judging")).toHaveLength(untraced);
  expect(events.findLast(({ type }) => type === "judging")).toMatchObject({ done: untraced, total: untraced });
  expect(events.find(({ type }) => type === "model")).toMatchObject({ known: untraced });
  expect(new Set(asked.map(({ cell }) => cell.row))).toEqual(new Set(["saturation"]));
  expect(events.at(-1)).toEqual(whole.at(-1));
});

test("the sheet has a line a cell, and red frames where the scorer said no", async () => {
  const half: Draw = (request, description, seed) => (seed === 0 ? asAsked : swapped)(request, description, seed);
  const events = await eventsOf(sourceOf(half), { only: ["simple"], seeds: 2 }, { sheets: true });
  const { image } = events.find(({ type }) => type === "sheet") as { image: ScenePicture };
  expect([image.width, image.height]).toEqual([2 * 96 + 3 * 3, 3 * 96 + 4 * 3]);
  const at = (x: number, y: number) => [...image.rgb.slice(3 * (y * image.width + x)).slice(0, 3)];
  for (const line of [0, 1, 2]) {
    const y = 3 + 99 * line + 50;
    expect(at(4, y)).not.toEqual([255, 0, 32]);
    expect(at(103, y)).toEqual([255, 0, 32]);
  }
});

test("a model named twice is refused, also under another path", async () => {
  await expect(eventsOf(sourceOf(asAsked), { models: [model, relative(process.cwd(), model)] })).rejects.toMatchObject({
    code: "bad_option",
  });
});

test("a later model that does not open is told before the first is drawn, and leaves no folder", async () => {
  const broken = join(folder, "broken");
  await cp(model, broken, { recursive: true });
  const weights = join(broken, "unet/diffusion_pytorch_model.safetensors");
  await truncate(weights, (await readFile(weights)).length - 2);
  const asked: PictureRequest[] = [];
  const kept = join(folder, "kept");
  const evaluation = eventsOf(sourceOf(asAsked, asked), { models: [model, broken], folder: kept, only: ["empty"] });
  await expect(evaluation).rejects.toMatchObject({ message: expect.stringContaining("diffusion_pytorch_model") });
  expect(asked).toEqual([]);
  expect(await readdir(folder)).toEqual(["broken"]);
});

test("a model without a VAE gives no pictures to judge, which is told with the way out", async () => {
  const blind = join(folder, "blind");
  await cp(model, blind, { recursive: true });
  const index = join(blind, "model_index.json");
  await writeFile(index, JSON.stringify({ ...JSON.parse(await readFile(index, "utf8")), vae: null }));
  await expect(eventsOf(sourceOf(asAsked), { models: [model, blind] })).rejects.toMatchObject({
    code: "missing_weight",
    message: `${blind} has no VAE`,
    hint: expect.stringContaining("--vae"),
  });
});
