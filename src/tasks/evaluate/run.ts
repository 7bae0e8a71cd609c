/**
 * @file What models can do, counted: pictures of drawn scenes, judged by the scenes' scorer and by the measures of colour, row by row
 * and model by model. What is known of a model is kept in a folder, and is not drawn again.
 */

import { basename, join, resolve } from "node:path";
import { IllustriousError, internalError } from "../../base/error.ts";
import type { ControlFamily } from "../../colour/index.ts";
import type { RgbImage } from "../../formats/png/index.ts";
import { openCheckpoint } from "../../models/sdxl/checkpoint.ts";
import type { EngineProcess } from "../../runtime/process/engine-process.ts";
import { findModel } from "../find-model.ts";
import { createEngine } from "../generate.ts";
import { type Cell, cellsOf, type Shot } from "./cells.ts";
import type { DrawEvent } from "./draw-in-engine.ts";
import { engineSource, HOW, type PictureSource } from "./engine-source.ts";
import { figuresOf, type References, type RowResult } from "./figures.ts";
import { JUDGED, judge } from "./judge.ts";
import { modelHash } from "./model-hash.ts";
import { type EvaluateInput, parseEvaluateOptions, type RowName, seedsOf } from "./options.ts";
import { type Outcome, openRecords, type Records } from "./records.ts";
import { type ColourReference, colourReference, controlDeviations } from "./reference.ts";
import { contactSheet } from "./sheet.ts";

export type ModelResult = {
  /** As in the table's head: the last part of its path, or what it was called by where that would be another model's name. */
  readonly name: string;
  /** Of its weights, tokenizer and settings: sixteen digits. */
  readonly hash: string;
  readonly rows: readonly RowResult[];
};

export type Evaluation = {
  readonly format: "illustrious.evaluation";
  readonly version: 1;
  /** How the pictures were drawn. */
  readonly how: typeof HOW;
  /**
   * Which judge each row had: figures of other numbers are not to be compared. What saturation and control are measured against, the data, changes
   * with the scenes and has no number.
   */
  readonly judged: typeof JUDGED;
  readonly seeds: number;
  readonly quick: boolean;
  readonly models: readonly ModelResult[];
};

export type EvaluateEvent =
  /** Before a model's first picture: how many there are in all, how many of those were known, and where they are kept. */
  | {
      readonly type: "model";
      readonly name: string;
      readonly hash: string;
      readonly folder: string;
      readonly pictures: number;
      readonly known: number;
    }
  /** Kept pictures that were judged in another way than now are judged again, which takes much less than drawing them. Counts pictures. */
  | {
      readonly type: "judging";
      readonly model: string;
      readonly row: RowName;
      readonly cell: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: "warning"; readonly model: string; readonly message: string; readonly hint?: string | undefined }
  /** `done` and `total` count work, in pictures of the models' own size, of all models together and without what was known. */
  | {
      readonly type: "progress";
      readonly model: string;
      readonly row: RowName;
      readonly cell: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: "row"; readonly model: string; readonly result: RowResult; readonly outcomes: readonly Outcome[] }
  /** All pictures of the row, when sheets are asked for: cells below each other, failures marked. */
  | { readonly type: "sheet"; readonly model: string; readonly row: RowName; readonly image: RgbImage }
  | { readonly type: "done"; readonly evaluation: Evaluation };

export type EvaluateControl = {
  /** Abort to stop after the step in progress; every finished picture is kept. */
  readonly signal?: AbortSignal | undefined;
  /** The process that draws, if not one of its own that ends with the evaluation. */
  readonly engine?: EngineProcess | undefined;
  /** Whether sheets are wanted. */
  readonly sheets?: boolean;
};

type Job = { readonly name: string; readonly path: string; readonly hash: string; readonly folder: string };

/**
 * Draws and judges, and tells how it goes. The last event has the result.
 *
 * @param other what draws in the engine's place
 * @throws what `evaluate` throws
 */
export async function* runEvaluation(
  input: EvaluateInput,
  { signal, engine: given, sheets = false }: EvaluateControl = {},
  other?: PictureSource,
): AsyncGenerator<EvaluateEvent, void> {
  const options = parseEvaluateOptions(input);
  const { quick, threads, batch } = options;
  const extent = { quick, seeds: seedsOf(options) };
  const rows = options.only.filter((row, i, all) => all.indexOf(row) === i);
  const jobs = await jobsOf(options.models, options.folder);
  const records = new Map<Job, Records>();
  const engine = other || given ? undefined : createEngine();
  const source = other ?? engineSource((given ?? engine)!, threads);
  const references = rememberedReferences();
  const models: ModelResult[] = [];
  try {
    const cells = rows.flatMap((row) => cellsOf[row](extent));
    for (const job of jobs) {
      const kept = await openRecords(resolve(job.folder));
      records.set(job, kept);
      yield* judgeAgain(job, cells, kept, signal);
    }
    const meter = { done: 0, total: jobs.reduce((sum, job) => sum + workIn(cells, records.get(job)!), 0) };
    for (const job of jobs) {
      const kept = records.get(job)!;
      const shots = cells.flatMap((cell) => cell.shots.map((shot) => kept.find(cell, shot)));
      const known = shots.filter((outcome) => outcome !== undefined).length;
      yield { type: "model", ...pick(job), pictures: shots.length, known };
      const results: RowResult[] = [];
      for (const row of rows) {
        const ofRow = cells.filter((cell) => cell.row === row);
        for (const cell of ofRow) yield* draw(job, cell, { records: kept, source, batch, meter, signal });
        const outcomes = ofRow.flatMap((cell) => cell.shots.map((shot) => kept.find(cell, shot) ?? lost()));
        const result = await figuresOf(row, extent, outcomes, references);
        results.push(result);
        yield { type: "row", model: job.name, result, outcomes };
        if (sheets) yield { type: "sheet", model: job.name, row, image: await contactSheet(ofRow, kept) };
      }
      models.push({ name: job.name, hash: job.hash, rows: results });
    }
  } finally {
    for (const kept of records.values()) await kept.close();
    await engine?.close();
  }
  const evaluation: Evaluation = {
    format: "illustrious.evaluation",
    version: 1,
    how: HOW,
    judged: JUDGED,
    ...extent,
    models,
  };
  yield { type: "done", evaluation };
}

/** Of a traced cell the trace is not kept: it is drawn again. */
async function* judgeAgain(
  job: Job,
  cells: readonly Cell[],
  records: Records,
  signal: AbortSignal | undefined,
): AsyncGenerator<EvaluateEvent, void> {
  const outdated = cells
    .filter(({ traced }) => !traced)
    .flatMap((cell) => cell.shots.filter((shot) => records.outdated(cell, shot)).map((shot) => ({ cell, shot })));
  for (const [done, { cell, shot }] of outdated.entries()) {
    if (signal?.aborted) throw cancelled();
    const image = await records.picture(cell, shot);
    if (image) await records.judgedAgain(cell, shot, judge[cell.row]({ image }, shot.description));
    yield { type: "judging", model: job.name, row: cell.row, cell: cell.name, done: done + 1, total: outdated.length };
  }
}

const cancelled = () => new IllustriousError("cancelled", "evaluate was cancelled");

type Drawing = {
  readonly records: Records;
  readonly source: PictureSource;
  readonly batch: number;
  readonly meter: { done: number; readonly total: number };
  readonly signal: AbortSignal | undefined;
};

/** What is missing of a cell, batch by batch; each picture is kept as soon as it is there. */
async function* draw(job: Job, cell: Cell, how: Drawing): AsyncGenerator<EvaluateEvent, void> {
  const { records, source, batch, meter, signal } = how;
  for (const shots of batches(cell, records, batch)) {
    if (signal?.aborted) throw cancelled();
    const work = workOf(cell) * shots.length;
    const before = meter.done;
    const missing = new Map(shots.map((shot) => [shot.seed, shot]));
    for await (const event of source({ model: job.path, cell, shots }, signal)) {
      if (event.type === "drawn") {
        const shot = missing.get(event.seed) ?? lost();
        missing.delete(event.seed);
        const { drawn } = event;
        await records.add(cell, shot, judge[cell.row](drawn, shot.description), drawn.image);
      } else yield* told(event, job, cell, { ...meter, done: before + shareDone(event) * work });
    }
    if (missing.size > 0) lost();
    meter.done = before + work;
    yield { type: "progress", model: job.name, row: cell.row, cell: cell.name, ...meter };
  }
}

function* told(
  event: Exclude<DrawEvent, { type: "drawn" }>,
  job: Job,
  cell: Cell,
  meter: { done: number; total: number },
) {
  if (event.type === "warning") yield { ...event, model: job.name };
  else yield { type: "progress" as const, model: job.name, row: cell.row, cell: cell.name, ...meter };
}

const shareDone = (event: DrawEvent): number => (event.type === "step" ? event.step / event.steps : 0);

/** Shots of one prompt each, those that are not known. */
function batches(cell: Cell, records: Records, size: number): Shot[][] {
  const byPrompt = new Map<string, Shot[]>();
  for (const shot of cell.shots) {
    if (records.find(cell, shot)) continue;
    byPrompt.set(shot.prompt, [...(byPrompt.get(shot.prompt) ?? []), shot]);
  }
  return [...byPrompt.values()].flatMap((shots) =>
    Array.from({ length: Math.ceil(shots.length / size) }, (_, i) => shots.slice(i * size, (i + 1) * size)),
  );
}

/** Side at which a picture counts as one; that of the models that scenes are for. */
const USUAL_SIDE = 128;

/** Of one picture, by its area. */
const workOf = ({ side = USUAL_SIDE }: Cell): number => (side / USUAL_SIDE) ** 2;

function workIn(cells: readonly Cell[], records: Records): number {
  const missing = (cell: Cell) => cell.shots.filter((shot) => !records.find(cell, shot)).length;
  return cells.reduce((sum, cell) => sum + workOf(cell) * missing(cell), 0);
}

/**
 * A model's folder is named for it and for its bytes, so that other weights under the same name begin anew. All models are looked at
 * before the first is read: the last must not fail when the others are drawn.
 */
async function jobsOf(models: readonly string[], folder: string): Promise<Job[]> {
  const paths: string[] = [];
  for (const model of models) paths.push(await drawable(model));
  const jobs: Job[] = [];
  for (const [i, model] of models.entries()) {
    const path = paths[i]!;
    const hash = await modelHash(path);
    const short = basename(resolve(path)).replace(/\.safetensors$/, "");
    const name = jobs.some((job) => job.name === short) ? model : short;
    const own = `${short.replace(/[^\p{L}\d._-]+/gu, "-")}-${hash}`;
    if (jobs.some((job) => job.hash === hash)) {
      throw new IllustriousError(
        "bad_option",
        `${model}: named twice`,
        "Name each model once; copies are the same model.",
      );
    }
    jobs.push({ name, path: resolve(path), hash, folder: join(folder, own) });
  }
  return jobs;
}

/** The path of a model that opens, by its headers, and can give pictures. */
async function drawable(model: string): Promise<string> {
  const { path } = await findModel(model);
  const { configs } = await openCheckpoint(path);
  if (configs.vae) return path;
  throw new IllustriousError(
    "missing_weight",
    `${model} has no VAE`,
    "Write one into it: illustrious export MODEL --vae VAE -o FILE.safetensors.",
  );
}

const pick = ({ name, hash, folder }: Job) => ({ name, hash, folder });

/** Each found once, for all models. */
function rememberedReferences(): References {
  let deviations: Promise<Record<ControlFamily, number>> | undefined;
  const colours = new Map<number, Promise<ColourReference>>();
  return {
    colours(cells, side) {
      const scenes = [...new Set(cells.flatMap(({ shots }) => shots.map(({ description }) => description)))];
      const found = colours.get(side) ?? colourReference(scenes, side);
      colours.set(side, found);
      return found;
    },
    deviations() {
      deviations ??= controlDeviations();
      return deviations;
    },
  };
}

function lost(): never {
  throw internalError("a picture that was asked for is not there");
}
