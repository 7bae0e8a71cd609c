/**
 * @file SDXL that learns from a data set: noise levels and noise for each batch, the step's graph, and the gradients given to
 * the learner. Whole networks or low-rank pairs, with both encoders or without.
 */

import { IllustriousError } from "../base/error.ts";
import type { Seed } from "../base/random/seed.ts";
import type { Place } from "../data/sets/index.ts";
import type { SdxlConfigs } from "../models/sdxl/config.ts";
import { float32, int64, type Runtime, releaseAll, type Value, type Values } from "../runtime/runtime.ts";
import type { Weights } from "../runtime/weights.ts";
import type { Crew } from "../training/crew/crew.ts";
import type { BatchGradients, Learner, Parameter } from "../training/learner/learner.ts";
import { gradientName } from "../training/learner/step-graph.ts";
import { drawNoise } from "../training/noise/training-noise.ts";
import { lossWeights, makeBatch } from "../training/objectives/objective.ts";
import type { Recipe } from "../training/plan.ts";
import { randomState } from "../training/random.ts";
import { joinedRows, meansOf, type Part, type Range, runParts } from "../training/replicas.ts";
import { openStepParts, type Replicas, type SegmentsChoice } from "../training/segments/open-step.ts";
import { timestepSampler } from "../training/timesteps/sampler.ts";
import { lookUp, type WordRows, wordRows } from "./caption-chunks.ts";
import type { FrozenEncoders } from "./frozen-encoders.ts";
import type { BatchResult, Lesson } from "./lesson.ts";
import type { SdxlBatch } from "./sdxl-data.ts";
import { type SdxlStep, TOKEN_TABLE, WORDS } from "./sdxl-step.ts";

export type SdxlLessonOptions = {
  readonly runtime: Runtime;
  readonly configs: SdxlConfigs;
  readonly step: SdxlStep;
  /** What is not trained, where it lies. */
  readonly frozen: Weights;
  readonly learner: Learner;
  readonly recipe: Recipe;
  readonly seed: Seed;
  /** Networks that do not fit into memory learn in segments. `off` if not given. */
  readonly segments?: SegmentsChoice;
  /** Parts of a batch that are computed beside each other. */
  readonly replicas?: Replicas;
  /** From the place where the run stands. */
  readonly batches: AsyncIterator<SdxlBatch, never>;
  readonly place: Place;
  /** The factor on sigma of a picture of so many latents, for a schedule that shifts with size. */
  readonly shiftOf?: (height: number, width: number) => number;
  /** For a step without encoders. */
  readonly encoders?: FrozenEncoders;
  /** Rows of a token table that is not trained while its encoder is in the step, by part. */
  readonly tables: Partial<Readonly<Record<"textEncoder" | "textEncoder2", Float32Array>>>;
  readonly saveModel: Lesson["saveModel"];
  readonly examine?: Lesson["examine"];
};

const BATCH_STREAM = 2 ** 32;

export async function openSdxlLesson(options: SdxlLessonOptions): Promise<Lesson> {
  const { runtime, step, frozen, learner, recipe, seed, shiftOf } = options;
  const opened = await openStepParts(runtime, step, frozen, options);
  const { sessions } = opened;
  const crew = options.replicas?.crew;
  const weights = lossWeights(recipe);
  const timesteps = timestepSampler(recipe.table, recipe.timesteps);
  let { epoch, index: at } = options.place;
  /** The next batch, read while this one is computed. */
  let ahead: ReturnType<typeof options.batches.next> | undefined;

  async function batch(index: number): Promise<BatchResult> {
    const { value } = await (ahead ?? options.batches.next());
    ahead = options.batches.next();
    // Who asks for it hears of it.
    ahead.catch(() => {});
    const { latents, shape, timeIds, texts } = value;
    const [count, , height, width] = shape;
    const random = randomState(seed, BATCH_STREAM + index);
    const { shift: usual = 1 } = recipe.timesteps ?? {};
    const shifts = shiftOf ? new Array<number>(count).fill(usual * shiftOf(height, width)) : count;
    const levels = timesteps.draw(random, shifts);
    const { noise, inputNoise } = drawNoise(random, shape, latents, recipe.noise);
    const asked = makeBatch(recipe, weights, { x0: latents, noise, inputNoise, levels });
    const words = step.encodes ? wordRows(texts.map(({ chunks }) => chunks)) : undefined;
    const context = words ? undefined : await options.encoders!.contextOf(texts);
    const parameters = parameterFeeds(learner, step);
    const feedsOf = (range: Range): Values => {
      const { from, to } = range;
      const rows = (values: Float32Array, row: readonly number[]) => {
        const length = row.reduce((product, n) => product * n, 1);
        return float32(values.slice(from * length, to * length), [to - from, ...row]);
      };
      const latentShape = shape.slice(1);
      return {
        sample: rows(asked.input, latentShape),
        target: rows(asked.target, latentShape),
        timestep: rows(asked.timesteps, []),
        timeIds: rows(timeIds, [6]),
        weights: rows(
          asked.weights.map((weight, i) => weight * value.lossWeights[i]!),
          [],
        ),
        thresholds: rows(asked.thresholds, []),
        ...(words ? wordFeeds(options, words, range) : contextFeeds(context!, rows)),
        ...parameters,
      };
    };
    const parts = await runParts(sessions, count, feedsOf);
    const losses = joinedRows(parts, "losses", false);
    ({ epoch, index: at } = value.next);
    return {
      gradients: gradientsOf(step, parts, words, crew),
      figures: { loss: meansOf(parts, ["loss"])[0]![0]! },
      pictures: count,
      levels: Array.from(levels, (level, i) => ({ level, loss: losses[i]! })),
    };
  }

  return {
    learner,
    batch,
    position: () => ({ epoch, index: at }),
    segments: () => opened.segments,
    saveModel: options.saveModel,
    ...(options.examine && { examine: options.examine }),
    async release() {
      // What is being read uses encoders, which whoever opened them closes after this.
      await ahead?.catch(() => {});
      await releaseAll(sessions);
      await crew?.release();
    },
  };
}

const TEXT_PARTS = ["textEncoder", "textEncoder2"] as const;

function wordFeeds(
  { configs, learner, tables }: SdxlLessonOptions,
  { ids, ids2, endRows, chunks }: WordRows,
  { from, to }: Range,
): Record<string, Value> {
  const rows = (part: "textEncoder" | "textEncoder2", which: Int32Array) => {
    const { hiddenSize, maxPositions } = part === "textEncoder" ? configs.textEncoder : configs.textEncoder2;
    const table = learner.parameters.get(tableName(part))?.values ?? tables[part]!;
    const text = chunks * maxPositions;
    const shape = [to - from, chunks, maxPositions, hiddenSize];
    return float32(lookUp(table, hiddenSize, which.subarray(from * text, to * text)), shape);
  };
  // They count rows of all texts, and these texts begin at `from`.
  const before = from * chunks * configs.textEncoder2.maxPositions;
  return {
    [WORDS.textEncoder]: rows("textEncoder", ids),
    [WORDS.textEncoder2]: rows("textEncoder2", ids2),
    endRows: int64(
      endRows.slice(from, to).map((row) => row - before),
      [to - from],
    ),
  };
}

function contextFeeds(
  context: Readonly<Record<string, Value>>,
  rows: (values: Float32Array, row: readonly number[]) => Value,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(context).map(([name, { data, shape }]) => [name, rows(data as Float32Array, shape.slice(1))]),
  );
}

export const tableName = (part: "textEncoder" | "textEncoder2"): string => `${part}.${TOKEN_TABLE}`;

function parameterFeeds(learner: Learner, step: SdxlStep): Record<string, Value> {
  return Object.fromEntries(
    [...step.parameters].map(([name, shape]) => {
      const parameter: Parameter | undefined = learner.parameters.get(name);
      if (!parameter) throw new IllustriousError("internal", `internal: nothing learns ${name}`);
      return [name, float32(parameter.values, shape)];
    }),
  );
}

function gradientsOf(
  step: SdxlStep,
  parts: readonly Part[],
  words: WordRows | undefined,
  crew: Crew | undefined,
): BatchGradients {
  const all = new Map<string, Float32Array | { ids: Int32Array; values: Float32Array }>();
  const names = [...step.parameters.keys()];
  const gradients = meansOf(parts, names.map(gradientName), crew);
  names.forEach((name, i) => {
    all.set(name, gradients[i]!);
  });
  for (const part of TEXT_PARTS) {
    const gradient = gradientName(WORDS[part]);
    if (!words || !step.graph.outputs.has(gradient)) continue;
    const ids = part === "textEncoder" ? words.ids : words.ids2;
    all.set(tableName(part), { ids, values: joinedRows(parts, gradient, true) });
  }
  return all;
}
