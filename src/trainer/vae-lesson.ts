/** @file An autoencoder that learns from pictures: crops of several sizes, and how well it gives back what it never saw. */

import { IllustriousError } from "../base/error.ts";
import type { Seed } from "../base/random/seed.ts";
import { shared } from "../base/shared.ts";
import { type VaeConfig, vaeFactor } from "../models/sdxl/config.ts";
import { vaeToJson } from "../models/sdxl/config-json.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "../models/sdxl/vae.ts";
import { float32, type Runtime, releaseAll } from "../runtime/runtime.ts";
import type { Weights } from "../runtime/weights.ts";
import { initialValues } from "../training/learner/initialise.ts";
import {
  createLearner,
  type LearnerOptions,
  type Parameter,
  type SavedLearner,
  takeOut,
} from "../training/learner/learner.ts";
import { gradientName } from "../training/learner/step-graph.ts";
import { nextInteger, nextNormals, nextUniform, type RandomState, randomState } from "../training/random.ts";
import { meansOf, runParts } from "../training/replicas.ts";
import { openStepParts, type Replicas } from "../training/segments/open-step.ts";
import type { BatchResult, Lesson } from "./lesson.ts";
import { type StoredDType, widenedFindings, writeNetwork } from "./model-files.ts";
import { type Reconstruction, reconstruct } from "./vae-examine.ts";
import { type VaeObjective, vaeStep } from "./vae-step.ts";

/** 8-bit sRGB, row by row. */
export type Picture = { readonly width: number; readonly height: number; readonly rgb: Uint8Array };

export type VaeLessonOptions = {
  readonly config: VaeConfig;
  readonly objective?: VaeObjective;
  readonly learner: LearnerOptions;
  readonly seed: Seed;
  readonly pictures: readonly Picture[];
  /** Square crops: how large, how many a batch, and how often such a batch comes. */
  readonly crops: readonly { readonly side: number; readonly batch: number; readonly share: number }[];
  /** What it is examined on. */
  readonly heldOut: readonly Picture[];
  /** Of what does not learn, as it lies in its file. */
  readonly frozen?: Weights;
  /** Values to begin with, by name; random ones where there are none. */
  readonly initial?: ReadonlyMap<string, Float32Array>;
  readonly saved?: SavedLearner;
  readonly replicas?: Replicas;
  /** Of the saved weights; F32 if not given. */
  readonly dtype?: StoredDType;
};

const MOMENTS_BIAS = "quant_conv.bias";
const INITIAL_LOG_VARIANCE = -10;

const INITIAL_STREAM = 1;
const BATCH_STREAM = 2 ** 32;

export async function openVaeLesson(runtime: Runtime, options: VaeLessonOptions): Promise<Lesson> {
  const { config, saved, pictures, crops } = options;
  const crew = options.replicas?.crew;
  const step = vaeStep(config, options.objective);
  const parameters = parametersOf(config, step.parameters, options);
  const learning = parameters.filter(({ name }) => step.parameters.has(name));
  const learner = createLearner(learning, options.learner, saved, crew);
  const fits = crops.map(({ side }) => pictures.filter(({ width, height }) => Math.min(width, height) >= side));
  crops.forEach(({ side }, i) => {
    if (fits[i]!.length > 0) return;
    throw new IllustriousError(
      "bad_option",
      `no picture has ${side} pixels a side`,
      "Use smaller crops or larger pictures.",
    );
  });
  const { sessions } = await openStepParts(
    runtime,
    step,
    options.frozen ?? new Map(),
    options.replicas && { replicas: options.replicas },
  );
  const feedsOf = (fed: readonly Parameter[], values: (parameter: Parameter) => Float32Array) =>
    Object.fromEntries(fed.map((p) => [p.name, float32(values(p), p.shape)]));
  const factor = vaeFactor(config);

  async function batch(index: number): Promise<BatchResult> {
    const random = randomState(options.seed, BATCH_STREAM + index);
    const which = weighted(
      crops.map(({ share }) => share),
      nextUniform(random),
    );
    const { side, batch: count } = crops[which]!;
    const image = new Float32Array(count * 3 * side * side);
    for (let i = 0; i < count; i++) {
      const picture = fits[which]![nextInteger(random, fits[which]!.length)]!;
      cropInto(image.subarray(i * 3 * side * side), picture, side, random);
    }
    const latent = [config.latentChannels, side / factor, side / factor];
    const numbers = latent.reduce((product, n) => product * n, 1);
    const noise = nextNormals(random, count * numbers);
    const parts = await runParts(sessions, count, ({ from, to }) => ({
      ...pictureFeeds(image.slice(from * 3 * side * side, to * 3 * side * side), [to - from, 3, side, side]),
      noise: float32(noise.slice(from * numbers, to * numbers), [to - from, ...latent]),
      ...feedsOf(learning, ({ values }) => values),
    }));
    const names = [...step.parameters.keys()];
    const gradients = meansOf(parts, names.map(gradientName), crew);
    const [loss, squared, divergence] = meansOf(parts, ["loss", "squared", "divergence"]).map(([value]) => value!);
    return {
      gradients: new Map(names.map((name, i) => [name, gradients[i]!])),
      figures: { loss: loss!, squared: squared!, divergence: divergence! },
      pictures: count,
    };
  }

  const averaged = ({ name, values }: Parameter) => learner.averages.get(name) ?? values;
  // Other parameters are fed than those a graph has: each takes its own.
  let examined: { readonly update: number; readonly result: Promise<Reconstruction> } | undefined;
  /** Once an update, for whoever asks: the figures of a step, and the scale of the model that is saved after it. */
  const examine = () => {
    if (examined?.update !== learner.updates) {
      const result = reconstruct(runtime, config, feedsOf(parameters, averaged), options.heldOut);
      examined = { update: learner.updates, result };
    }
    return examined.result;
  };

  /** Models that have learnt on an encoder's latents have learnt on its scaling of them. */
  const scalingFactor = async () =>
    options.objective?.train === "decoder" ? config.scalingFactor : 1 / (await examine()).deviation;

  return {
    learner,
    batch,
    async saveModel(folder) {
      const network = new Map(parameters.map((p) => [p.name, { shape: p.shape, values: averaged(p) }]));
      const sizes = vaeToJson({ ...config, scalingFactor: await scalingFactor() });
      const { dtype = "F32" } = options;
      return widenedFindings(await writeNetwork(folder, "vae", sizes, network, dtype), dtype);
    },
    async examine() {
      const { psnr, deviation, sheet } = await examine();
      return { figures: { psnr, latentDeviation: deviation }, previews: [{ name: "reconstructions", png: sheet }] };
    },
    async release() {
      await releaseAll(sessions);
      await crew?.release();
    },
  };
}

/** All of the autoencoder's weights: those that the step trains and those that it leaves. */
function parametersOf(
  config: VaeConfig,
  trained: ReadonlyMap<string, readonly number[]>,
  { seed, initial, saved }: VaeLessonOptions,
): Parameter[] {
  const random = randomState(seed, INITIAL_STREAM);
  const weights = [...vaeEncoderGraph(config).weights, ...vaeDecoderGraph(config).weights];
  return weights.map(({ attributes: { name }, shape }) => {
    const fresh = initialValues(name, shape as number[], random);
    // The second half are logarithms of variances. At 0 the noise drowns the first latents, and colours are learnt late.
    if (name === MOMENTS_BIAS) fresh.fill(INITIAL_LOG_VARIANCE, fresh.length / 2);
    const values = takeOut(saved, `parameter/${name}`) ?? initial?.get(name) ?? fresh;
    return {
      name,
      shape: shape as number[],
      values: shared(values as Float32Array),
      group: trained.has(name) ? "vae" : "frozen",
    };
  });
}

/** 255 and 0 are exactly 1 and -1. */
const endOf = (value: number) => (Math.abs(value) === 1 ? value : 0);

const pictureFeeds = (image: Float32Array, shape: number[]) => ({
  image: float32(image, shape),
  ends: float32(image.map(endOf), shape),
});

function weighted(shares: readonly number[], uniform: number): number {
  let rest = uniform * shares.reduce((sum, share) => sum + share, 0);
  for (const [i, share] of shares.entries()) {
    rest -= share;
    if (rest < 0) return i;
  }
  return shares.length - 1;
}

/** A random square of a picture, as three planes from -1 to 1. */
function cropInto(out: Float32Array, { width, height, rgb }: Picture, side: number, random: RandomState): void {
  const left = nextInteger(random, width - side + 1);
  const top = nextInteger(random, height - side + 1);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = 3 * ((top + y) * width + left + x);
      for (let c = 0; c < 3; c++) out[(c * side + y) * side + x] = rgb[from + c]! / 127.5 - 1;
    }
  }
}
