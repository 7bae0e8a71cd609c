/** @file The batches of an SDXL run: which examples, their latents from a cache, their captions as tokens, their sizes. */

import { IllustriousError } from "../base/error.ts";
import type { Seed } from "../base/random/seed.ts";
import {
  type Batch,
  batchesFrom,
  captionFor,
  type DataSet,
  type Example,
  loadImage,
  type Moment,
  type Place,
  sizesOf,
  viewFor,
} from "../data/sets/index.ts";
import type { VaeConfig } from "../models/sdxl/config.ts";
import { timeIdsOf } from "../pipeline/conditioning.ts";
import type { PromptChunk } from "../pipeline/prompt/chunks.ts";
import { encodeImage, type Latents } from "../pipeline/vae.ts";
import type { Session } from "../runtime/runtime.ts";
import type { CaptionChunks } from "./caption-chunks.ts";
import { type ContentHashes, hashOf, type LatentCache } from "./latent-cache.ts";

/** An autoencoder that turns pictures into latents, and what tells it from others. */
export type PictureEncoder = { readonly session: Session; readonly config: VaeConfig; readonly identity: string };

export type SdxlDataOptions = {
  readonly set: DataSet;
  readonly seed: Seed;
  readonly captions: CaptionChunks;
  readonly encoder: PictureEncoder;
  readonly cache: LatentCache;
  readonly hashes: ContentHashes;
};

export type SdxlBatch = {
  /** [b, 4, height, width], scaled. */
  readonly latents: Float32Array;
  readonly shape: readonly [pictures: number, channels: number, height: number, width: number];
  /** [b, 6] */
  readonly timeIds: Float32Array;
  /** One a picture, all of the same number of chunks. */
  readonly texts: readonly (readonly PromptChunk[])[];
  /** What multiplies each picture's loss, beside what its noise says. */
  readonly lossWeights: Float32Array;
  /** The place after it. */
  readonly next: Place;
};

/** Batch after batch, from a place on. */
export async function* sdxlBatches(options: SdxlDataOptions, from: Place): AsyncGenerator<SdxlBatch, never> {
  const { set, seed, captions } = options;
  const textClass = (example: Example, moment: Moment) => captions(captionFor(example, moment)).length;
  const order = batchesFrom(set, { seed, textClass }, from);
  for (;;) {
    const { batch, place, next } = order.next().value;
    yield { ...(await batchOf(batch, { seed, epoch: place.epoch }, options)), next };
  }
}

async function batchOf(
  { examples, bucket }: Batch,
  moment: Moment,
  options: SdxlDataOptions,
): Promise<Omit<SdxlBatch, "next">> {
  const found = await Promise.all(examples.map((example) => latentsFor(example, moment, options)));
  const { height, width, data } = found[0]!;
  const latents = new Float32Array(found.length * data.length);
  for (const [i, one] of found.entries()) {
    if (one.data.length !== data.length) {
      const sizes = `${one.width} x ${one.height} and ${width} x ${height}`;
      throw new IllustriousError(
        "internal",
        `internal: latents of ${sizes} in the bucket ${bucket.width} x ${bucket.height}`,
      );
    }
    latents.set(one.data, i * data.length);
  }
  const sizes = examples.map((example) => timeIdsOf(sizesOf(example.item, viewFor(example, moment))));
  return {
    latents,
    shape: [found.length, data.length / (height * width), height, width],
    timeIds: Float32Array.from(sizes.flat()),
    texts: examples.map((example) => options.captions(captionFor(example, moment))),
    lossWeights: Float32Array.from(examples, ({ item }) => item.lossWeight),
  };
}

async function latentsFor(example: Example, moment: Moment, options: SdxlDataOptions): Promise<Latents> {
  const { cache } = options;
  const key = await keyOf(example, moment, options);
  if (cache.has(key)) return cache.get(key);
  const latents = await encode(example, moment, options);
  // Views at random hardly ever come twice.
  if (!example.item.image.subset.randomCrop) await cache.add(key, latents);
  return latents;
}

async function keyOf({ item, repeat }: Example, moment: Moment, { encoder, hashes }: SdxlDataOptions): Promise<string> {
  const { left, top, flipped } = viewFor({ item, repeat }, moment);
  const { resized, bucket, image } = item;
  const sizes = [resized.width, resized.height, left, top, bucket.width, bucket.height, flipped ? "flipped" : ""];
  const kernel = image.subset.resizeInterpolation;
  return hashOf(`${await hashes.of(image.path)} ${encoder.identity} ${kernel} ${sizes.join(" ")}`);
}

async function encode(example: Example, moment: Moment, { encoder }: SdxlDataOptions): Promise<Latents> {
  const { rgb, width, height } = await loadImage(example, moment);
  return encodeImage(encoder.session, encoder.config, { rgb, width, height });
}

/** Pictures that are decoded and encoded at the same time. */
const AHEAD = 8;

/**
 * Encodes beforehand what an epoch will ask for and the cache does not have. Yields how many of how many examples are there. Pictures
 * with random views are left to their time.
 */
export async function* fillCache(options: SdxlDataOptions): AsyncGenerator<{ done: number; total: number }, void> {
  const { set, seed, cache } = options;
  const fixed = set.items.filter(({ image: { subset } }) => !subset.randomCrop);
  // A flip is drawn anew in each epoch: the first epoch's is made now, the other one when it comes.
  const moment = { seed, epoch: 0 };
  async function begin(item: DataSet["items"][number]) {
    const example = { item, repeat: 0 };
    const key = await keyOf(example, moment, options);
    return cache.has(key) ? undefined : { key, latents: await encode(example, moment, options) };
  }
  const ahead: ReturnType<typeof begin>[] = [];
  for (let done = 0, next = 0; done < fixed.length; done++) {
    while (next < fixed.length && ahead.length < AHEAD) {
      const begun = begin(fixed[next++]!);
      // Whoever comes first in order tells; what comes behind it is not heard any more.
      begun.catch(() => {});
      ahead.push(begun);
    }
    const made = await ahead.shift();
    if (made) await cache.add(made.key, made.latents);
    yield { done: done + 1, total: fixed.length };
  }
  await cache.flush();
}
