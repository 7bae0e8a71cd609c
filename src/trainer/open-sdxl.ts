/** @file Puts an SDXL run together: model, parameters, data and learner into a lesson. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { IllustriousError } from "../base/error.ts";
import type { Seed } from "../base/random/seed.ts";
import { shared } from "../base/shared.ts";
import type { DataSet, Place } from "../data/sets/index.ts";
import type { LoraFile } from "../models/sdxl/lora-file.ts";
import type { LoraSettings } from "../models/sdxl/lora-metadata.ts";
import { LORA_COMPONENTS, type LoraComponent, type LoraRanks, loraTargets } from "../models/sdxl/lora-targets.ts";
import { type LoraValues, writeLora } from "../models/sdxl/lora-write.ts";
import { parametersOf } from "../models/sdxl/names.ts";
import { modelTokenizer, type Tokenizer } from "../models/sdxl/tokenizer.ts";
import { vaeEncoderGraph } from "../models/sdxl/vae.ts";
import { initialLoraValues } from "../nn/lora.ts";
import { weightBytes } from "../runtime/memory.ts";
import { readWeight } from "../runtime/read-weight.ts";
import { openAll, type Runtime, type Session } from "../runtime/runtime.ts";
import { sessionPool } from "../runtime/session-pool.ts";
import type { Finding } from "../sampling/finding.ts";
import {
  createLearner,
  type Learner,
  type LearnerOptions,
  type Parameter,
  takeOut,
} from "../training/learner/learner.ts";
import type { Recipe } from "../training/plan.ts";
import { nextUniform, randomState } from "../training/random.ts";
import type { Replicas, SegmentsChoice } from "../training/segments/open-step.ts";
import { captionChunks } from "./caption-chunks.ts";
import type { SavedState } from "./checkpoints.ts";
import { type ContentHashes, openContentHashes } from "./content-hashes.ts";
import { checkFoundation, foundationOf } from "./foundation.ts";
import { type FrozenEncoders, frozenEncoders } from "./frozen-encoders.ts";
import { type LeftOut, leftOutOf, withoutPictures } from "./left-out.ts";
import type { Lesson } from "./lesson.ts";
import { type NetworkValues, type StoredDType, widenedFindings } from "./model-files.ts";
import { type FolderContents, writeModelFolder } from "./model-folder.ts";
import { writeModelSingleFile } from "./model-single-file.ts";
import { passNoiseThrough } from "./pass-noise-through.ts";
import type { TrainedSchedule } from "./scheduler-config.ts";
import {
  type Caching,
  encodeCaptions,
  encodePictures,
  type PictureEncoder,
  type SdxlDataOptions,
  sdxlBatches,
} from "./sdxl-data.ts";
import { openSdxlLesson } from "./sdxl-lesson.ts";
import { checkTrained, checkWeights, startingValues, storedValues, type TrainingModel } from "./sdxl-model.ts";
import { partWeights, type SdxlStep, sdxlStep, TOKEN_TABLE } from "./sdxl-step.ts";
import { openTensorCache, type TensorCache } from "./tensor-cache.ts";

export type SdxlRunOptions = {
  readonly runtime: Runtime;
  readonly model: TrainingModel;
  readonly set: DataSet;
  readonly seed: Seed;
  readonly recipe: Recipe;
  readonly schedule: TrainedSchedule;
  /** The networks that learn, whole or by their pairs. */
  readonly train: readonly LoraComponent[];
  /** Low-rank pairs instead of whole networks, and what their file says. */
  readonly lora?: {
    /** The file's name in a model's folder. */
    readonly file: string;
    readonly ranks: LoraRanks;
    readonly settings: (step: number) => LoraSettings;
    /** Pairs to begin with. */
    readonly begin?: LoraFile;
  };
  /** Groups are the networks' names. */
  readonly learner: LearnerOptions;
  readonly clipSkip?: number;
  /** Whether the step runs in segments, for networks that do not fit into memory as a whole; `off` if not given. */
  readonly segments?: SegmentsChoice;
  readonly replicas?: Replicas;
  readonly cacheFolder?: string | undefined;
  /** Captions are encoded before the first step, and encoders that do not learn leave memory. */
  readonly captionsFirst?: boolean;
  /** The factor on sigma of a picture of so many latents. */
  readonly shiftOf?: (height: number, width: number) => number;
  readonly dtype?: StoredDType;
  readonly metadata?: (step: number) => Readonly<Record<string, string>>;
  /** Name of the one file as which checkpoints hold a whole model; a diffusers folder if not given. */
  readonly singleFile?: string;
  readonly saved?: SavedState | undefined;
  readonly examine?: (step: number, saveModel: Lesson["saveModel"]) => ReturnType<NonNullable<Lesson["examine"]>>;
};

const INITIAL_STREAM = 1;

export async function* openSdxlRun(options: SdxlRunOptions): AsyncGenerator<Caching, Lesson> {
  const { runtime, model, train, recipe, seed, saved, clipSkip = 2, lora } = options;
  // Pairs stand beside networks that have learnt already.
  checkTrained(model, lora ? [] : train);
  const tokenizer = await modelTokenizer(model);
  // A whole model is saved with what does not learn; of damage there one should not hear after hours.
  if (!lora) await checkWeights(model);
  const targets = Object.fromEntries(
    train.map((component) => [component, lora && loraTargets(component, model.configs, lora.ranks)]),
  );
  const step = sdxlStep(model.configs, {
    train: lora ? [] : train,
    ...(lora && { lora: targets as never }),
    loss: recipe.loss?.kind ?? "l2",
    clipSkip,
  });
  const networks = await trainedNetworks(options);
  const learner = createLearner(
    lora ? await pairsToLearn(step, options) : networksToLearn(step, networks),
    options.learner,
    saved?.learner,
    options.replicas?.crew,
  );
  const whole = await openData(options, tokenizer);
  const standing = { model, schedule: options.schedule, whole: lora ? [] : train };
  const foundation = await foundationOf(standing, whole.hashes);
  checkFoundation(saved, foundation);
  const leftOut = yield* picturesLeftOut(whole, saved);
  const data = { ...whole, set: withoutPictures(whole.set, leftOut) };
  await data.encoder.session.release();
  const texts = step.encodes ? undefined : yield* openTexts(options, data);
  const place: Place = saved ? (saved.position as Place) : { epoch: 0, index: 0 };
  const tables = step.encodes ? await frozenTables(model, lora ? [] : train) : {};
  const { examine, shiftOf } = options;
  const segments = saved?.segments ?? options.segments;
  const saveModel = async (folder: string) => {
    // A run that goes on from this checkpoint need not encode again what this one has.
    await data.cache.flush();
    await texts?.cache.flush();
    return save(folder, options, step, learner, networks);
  };
  // Looked at as a folder, which has the model's tokenizers.
  const { singleFile: _, ...asFolder } = options;
  const saveToExamine = (folder: string) => save(folder, asFolder, step, learner, networks);
  const lesson = await openSdxlLesson({
    runtime,
    configs: model.configs,
    step,
    frozen: partWeights(model.weights),
    learner,
    recipe,
    seed,
    batches: sdxlBatches(data, place),
    place,
    tables,
    saveModel,
    ...(segments && { segments }),
    ...(options.replicas && { replicas: options.replicas }),
    ...(shiftOf && { shiftOf }),
    ...(texts && { encoders: texts.encoders }),
    ...(examine && { examine: (at: number) => examine(at, saveToExamine) }),
  });
  return {
    ...lesson,
    leftOut,
    foundation,
    async release() {
      await lesson.release();
      // A view or a text that came anew has opened them again.
      await data.encoder.session.release();
      await texts?.encoders.rest();
    },
  };
}

/** Encodes the pictures, and finds those that the run goes without. */
async function* picturesLeftOut(
  data: SdxlDataOptions,
  saved: SavedState | undefined,
): AsyncGenerator<Caching, LeftOut> {
  const { leftOut: before = {} } = saved ?? {};
  const broken = yield* encodePictures({ ...data, set: withoutPictures(data.set, before) });
  return leftOutOf(broken, saved);
}

type Texts = { readonly encoders: FrozenEncoders; readonly cache: TensorCache };

/** Encoders that do not learn, and the cache of what they give. */
async function* openTexts(options: SdxlRunOptions, data: SdxlDataOptions): AsyncGenerator<Caching, Texts> {
  const { runtime, model, clipSkip = 2, cacheFolder, captionsFirst } = options;
  const cache = await openTensorCache(cacheFolder && join(cacheFolder, "texts"));
  const hashes = await openContentHashes(cacheFolder && join(cacheFolder, "texts"));
  const encoders = await frozenEncoders({ runtime, model, clipSkip, cache, hashes });
  if (captionsFirst) {
    yield* encodeCaptions(data, encoders);
    await cache.flush();
    await encoders.rest();
  }
  return { encoders, cache };
}

type Networks = ReadonlyMap<LoraComponent, NetworkValues>;

/** Values of networks that are trained as a whole. */
async function trainedNetworks({ model, train, lora, seed, saved, recipe }: SdxlRunOptions): Promise<Networks> {
  const random = randomState(seed, INITIAL_STREAM);
  const networks = new Map<LoraComponent, NetworkValues>();
  if (lora) return networks;
  for (const component of LORA_COMPONENTS) {
    if (!train.includes(component)) continue;
    const { values, isNew } = await startingValues(model, component, random, saved?.learner);
    if (isNew && component === "unet" && recipe.prediction === "eps") passNoiseThrough(values, model.configs.unet);
    networks.set(component, values);
  }
  return networks;
}

function networksToLearn(step: SdxlStep, networks: Networks): Parameter[] {
  return [...networks].flatMap(([component, network]) =>
    [...network].flatMap(([name, { shape, values }]) => {
      const full = `${component}.${name}`;
      const table = name === TOKEN_TABLE;
      if (!table && !step.parameters.has(full)) return [];
      return [{ name: full, shape, values, group: component, ...(table && { table }) }];
    }),
  );
}

async function pairsToLearn(step: SdxlStep, options: SdxlRunOptions): Promise<Parameter[]> {
  const { seed, saved, lora } = options;
  const random = randomState(seed, INITIAL_STREAM);
  const parameters: Parameter[] = [];
  checkBegin(options);
  for (const parameter of step.loraParameters) {
    const { part, shape } = parameter;
    const name = `${part}.${parameter.name}`;
    const fresh = initialLoraValues(parameter, () => nextUniform(random));
    const kept = takeOut(saved?.learner, `parameter/${name}`);
    const given = lora?.begin?.parts[part].weights.get(parameter.name);
    if (lora?.begin) checkPair(lora.begin.path, name, shape, given?.shape);
    const values = kept instanceof Float32Array ? kept : given ? await readWeight({ ...given, shape }) : fresh;
    parameters.push({ name, shape, values: shared(values), group: part });
  }
  return parameters;
}

/**
 * How far an alpha in a file may be from the recipe's, as a share: files keep it in their own number type, of which bfloat16 has eight
 * significant bits and may have been cut off to them.
 */
const ALPHA_ROUNDING = 2 ** -8;

/** Pairs that the recipe would leave, and strengths that it would change: the run would begin from another LoRA than the file's. */
function checkBegin({ train, model, lora }: SdxlRunOptions): void {
  if (!lora?.begin) return;
  const { path, parts } = lora.begin;
  const hint = "Give network_alpha, network_args and the trained networks as they were for that file.";
  for (const component of LORA_COMPONENTS) {
    const targets = train.includes(component) ? loraTargets(component, model.configs, lora.ranks) : undefined;
    for (const [name, { alpha }] of parts[component].targets) {
      const own = targets?.get(name);
      if (own && Math.abs(alpha - own.alpha) <= own.alpha * ALPHA_ROUNDING) continue;
      const wrong = own
        ? `an alpha of ${alpha} for ${component}.${name}, the recipe ${own.alpha}`
        : `${component}.${name}, which the recipe does not train`;
      throw new IllustriousError("bad_option", `${path} has ${wrong}`, hint);
    }
  }
}

/** Pairs of another rank, or of other layers, are not those that the recipe trains. */
function checkPair(path: string, name: string, shape: readonly number[], given: readonly number[] | undefined): void {
  if (given && given.reduce((a, b) => a * b, 1) === shape.reduce((a, b) => a * b, 1)) return;
  throw new IllustriousError(
    "bad_option",
    `${path} has ${given ? `[${given.join(", ")}]` : "nothing"} for ${name}, the recipe trains [${shape.join(", ")}]`,
    "Give network_dim, network_args and the trained networks as they were for that file.",
  );
}

async function openData(options: SdxlRunOptions, tokenizer: Tokenizer) {
  const { set, seed, cacheFolder } = options;
  const hashes = await openContentHashes(cacheFolder && join(cacheFolder, "latents"));
  return {
    set,
    seed,
    captions: captionChunks(tokenizer),
    encoder: await pictureEncoder(options, hashes),
    cache: await openTensorCache(cacheFolder && join(cacheFolder, "latents")),
    hashes,
  };
}

/** Bytes of an encoder's weights up to which it is opened once a thread: larger ones use all threads on one picture. */
const SMALL_ENCODER = 2 ** 26;

/** Opened when a picture comes that the cache does not have, and after a release once more. */
async function pictureEncoder(options: SdxlRunOptions, hashes: ContentHashes): Promise<PictureEncoder> {
  const { runtime, replicas, model } = options;
  const config = model.configs.vae;
  const identity = `${await hashes.ofEncoder(model.vae)} ${config.scalingFactor} ${config.shiftFactor ?? 0}`;
  const graph = vaeEncoderGraph(config);
  async function open(): Promise<Session> {
    if (!replicas || weightBytes(graph, model.vae).float32 > SMALL_ENCODER) return runtime.open(graph, model.vae);
    const opening = Array.from({ length: replicas.count }, () => replicas.runtime.open(graph, model.vae));
    return sessionPool(await openAll(opening));
  }
  let opened: Promise<Session> | undefined;
  const session: Session = {
    async run(...args) {
      opened ??= open();
      return (await opened).run(...args);
    },
    async release() {
      const open = opened;
      opened = undefined;
      // What did not open was told to whoever asked for it.
      await open?.then(
        (session) => session.release(),
        () => {},
      );
    },
  };
  return { session, config, identity };
}

/** Token tables of encoders that are in the step and whose tables do not learn. */
async function frozenTables({ weights }: TrainingModel, trained: readonly LoraComponent[]) {
  const tables: Partial<Record<"textEncoder" | "textEncoder2", Float32Array>> = {};
  for (const component of ["textEncoder", "textEncoder2"] as const) {
    const source = weights[component]?.get(TOKEN_TABLE);
    if (source && !trained.includes(component)) tables[component] = await readWeight(source);
  }
  return tables;
}

async function save(
  folder: string,
  options: SdxlRunOptions,
  step: SdxlStep,
  learner: Learner,
  networks: Networks,
): Promise<Finding[]> {
  const { dtype = "F16" } = options;
  return widenedFindings(await write(folder, { ...options, dtype }, step, learner, networks), dtype);
}

/** Returns the names of tensors that are F32 because the type cannot hold them. */
async function write(
  folder: string,
  options: SdxlRunOptions & { readonly dtype: StoredDType },
  step: SdxlStep,
  learner: Learner,
  networks: Networks,
): Promise<string[]> {
  const { model, lora, schedule, dtype, metadata, singleFile } = options;
  const learnt = (name: string, values: Float32Array) => learner.averages.get(name) ?? values;
  if (lora) {
    const parts: Partial<Record<LoraComponent, LoraValues>> = {};
    for (const component of options.train) {
      const parameters = step.loraParameters.filter(({ part }) => part === component);
      const values = new Map(
        parameters.map(({ name }) => [name, learner.averages.get(`${component}.${name}`)!] as const),
      );
      parts[component] = { targets: loraTargets(component, model.configs, lora.ranks), parameters, values };
    }
    await mkdir(folder, { recursive: true });
    return writeLora(join(folder, lora.file), model.configs, parts, lora.settings(learner.updates), dtype);
  }
  const networkOf = async (component: LoraComponent): Promise<NetworkValues> => {
    const trained = networks.get(component);
    if (!trained) return storedValues(model.weights[component]!, parametersOf(component, model.configs)!);
    return new Map(
      [...trained].map(([name, { shape, values }]) => [
        name,
        { shape, values: learnt(`${component}.${name}`, values) },
      ]),
    );
  };
  const contents: FolderContents = {
    configs: model.configs,
    networks: {
      unet: await networkOf("unet"),
      textEncoder: await networkOf("textEncoder"),
      textEncoder2: await networkOf("textEncoder2"),
      vae: await storedValues(model.vae, parametersOf("vae", model.configs)!),
    },
    tokenizerFolders: model.tokenizerFolders,
    schedule,
    dtype,
    metadata: metadata?.(learner.updates) ?? {},
  };
  if (singleFile === undefined) return writeModelFolder(folder, contents);
  return writeModelSingleFile(join(folder, singleFile), contents);
}
