/** @file A recipe with `train_vae` to the lesson of an autoencoder. */

import { IllustriousError } from "../../base/error.ts";
import { type DataItem, type DataSet, folderConfig, loadImage, scanned } from "../../data/sets/index.ts";
import { openVae } from "../../models/sdxl/checkpoint-vae.ts";
import { type VaeConfig, vaeFactor } from "../../models/sdxl/config.ts";
import { readWeight } from "../../runtime/read-weight.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Weights } from "../../runtime/weights.ts";
import type { SavedState } from "../../trainer/checkpoints.ts";
import { checkFoundation } from "../../trainer/foundation.ts";
import { type LeftOut, leftOutOf, whyBroken, withoutPictures } from "../../trainer/left-out.ts";
import type { Lesson } from "../../trainer/lesson.ts";
import type { StoredDType } from "../../trainer/model-files.ts";
import type { Caching } from "../../trainer/sdxl-data.ts";
import { identityOf } from "../../trainer/sdxl-model.ts";
import { openVaeLesson, type Picture } from "../../trainer/vae-lesson.ts";
import type { LearnerOptions } from "../../training/learner/learner.ts";
import type { Replicas } from "../../training/segments/open-step.ts";
import { placeOf, type RecipeFile, vaeConfigOf } from "./recipe-file.ts";

export type VaeRun = {
  readonly runtime: Runtime;
  readonly replicas: Replicas;
  readonly file: RecipeFile;
  readonly set: DataSet;
  readonly seed: number;
  /** With one group, whose learning rate is the recipe's. */
  readonly learner: Omit<LearnerOptions, "groups"> & { readonly rate: LearnerOptions["groups"][string] };
  /** The VAE that training begins with, if not with nothing. */
  readonly begin: string | undefined;
  readonly saved?: SavedState | undefined;
  /** Of the saved weights; F32 if not given. */
  readonly dtype?: StoredDType;
};

export async function* openVaeRun(run: VaeRun): AsyncGenerator<Caching, Lesson> {
  const { file, seed, saved, runtime, replicas } = run;
  const { own } = file;
  const { config, initial, weights } = await startOf(run);
  checkSides(file, vaeFactor(config));
  const { pictures, leftOut } = yield* picturesOf(run);
  const { rate, ...learner } = run.learner;
  const lesson = await openVaeLesson(runtime, {
    config,
    objective: { absolute: own.vae_l1_weight, divergence: own.vae_kl_weight, train: own.train_vae ?? "both" },
    learner: { ...learner, groups: { vae: rate } },
    seed,
    pictures,
    crops: own.vae_crops.map(([side, batch, share]) => ({ side, batch, share })),
    replicas,
    heldOut: await heldOutOf(run, pictures),
    ...(initial && { initial }),
    ...(weights && own.train_vae === "decoder" && { frozen: weights }),
    ...(run.dtype && { dtype: run.dtype }),
    ...(saved && { saved: saved.learner }),
  });
  if (!weights || own.train_vae !== "decoder") return { ...lesson, leftOut };
  const foundation = (await identityOf(weights)).slice(0, 16);
  checkFoundation(saved, foundation);
  return { ...lesson, leftOut, foundation };
}

/** Latents are whole: each stands for a square of so many pixels. */
function checkSides({ name, own }: RecipeFile, factor: number): void {
  const odd = own.vae_crops.find(([side]) => side % factor !== 0);
  if (!odd) return;
  const above = Math.ceil(odd[0] / factor) * factor;
  const near = [above - factor, above].filter((side) => side > 0);
  const message = `${name}: a crop of vae_crops has ${odd[0]} pixels a side, and the autoencoder has a latent for every ${factor}`;
  throw new IllustriousError("bad_option", message, `Use ${near.join(" or ")}.`);
}

/** Those that can be decoded, and which the run goes without. */
async function* picturesOf({
  set,
  seed,
  saved,
}: VaeRun): AsyncGenerator<Caching, { pictures: Picture[]; leftOut: LeftOut }> {
  const { items } = withoutPictures(set, saved?.leftOut ?? {});
  const pictures = new Map<DataItem, Picture>();
  const broken: Record<string, string> = {};
  for (const [i, item] of items.entries()) {
    try {
      pictures.set(item, await loadImage({ item, repeat: 0 }, { seed, epoch: 0 }));
    } catch (error) {
      broken[item.image.key] = whyBroken(error);
    }
    yield { what: "pictures", done: i + 1, total: items.length };
  }
  const leftOut = leftOutOf(broken, saved);
  // Of a picture at several sizes all go, as they will when the run goes on.
  return { pictures: withoutPictures(set, leftOut).items.map((item) => pictures.get(item)!), leftOut };
}

type Start = {
  readonly config: VaeConfig;
  readonly initial?: ReadonlyMap<string, Float32Array>;
  readonly weights?: Weights;
};

async function startOf({ file, begin }: VaeRun): Promise<Start> {
  const { vae_config: sizes } = file.own;
  if (begin === undefined) {
    if (file.own.train_vae === "decoder") {
      const message = `the recipe ${file.name} trains a decoder alone, and names no encoder that has learnt`;
      throw new IllustriousError("bad_option", message, "Set vae to an autoencoder that training begins with.");
    }
    if (sizes === undefined) {
      const hint = "Set vae_config to a JSON file with its sizes, or vae to one that training begins with.";
      throw new IllustriousError("bad_option", `the recipe ${file.name} trains an autoencoder and names none`, hint);
    }
    return { config: await vaeConfigOf(file, sizes) };
  }
  const { config, bound } = await openVae(placeOf(file, begin));
  const initial = new Map<string, Float32Array>();
  for (const [name, source] of bound.weights) initial.set(name, await readWeight(source));
  return { config, initial, weights: bound.weights };
}

/** Pictures of a folder of their own; where none is named, some of those that it learns from, which flatters it. */
async function heldOutOf({ file, seed }: VaeRun, pictures: readonly Picture[]): Promise<readonly Picture[]> {
  const { vae_held_out: folder, vae_crops: crops } = file.own;
  if (folder === undefined) return pictures.slice(0, 24);
  const resolution = Math.max(...crops.map(([side]) => side));
  const set = await scanned(await folderConfig(placeOf(file, folder), { resolution }));
  return Promise.all(set.items.map((item) => loadImage({ item, repeat: 0 }, { seed, epoch: 0 })));
}
