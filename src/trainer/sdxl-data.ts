/** @file The batches of an SDXL run: which examples, their latents from a cache, their captions as tokens, their sizes. */

import { IllustriousError } from "../base/error.ts";
import type { Seed } from "../base/random/seed.ts";
import {
  type Batch,
  batchesFrom,
  captionFor,
  type DataItem,
  type DataSet,
  type Example,
  fewTexts,
  type LoadedImage,
  loadImage,
  type Moment,
  type Place,
  sizesOf,
  viewFor,
} from "../data/sets/index.ts";
import type { VaeConfig } from "../models/sdxl/config.ts";
import { timeIdsOf } from "../pipeline/conditioning.ts";
import { encodeImage, type Latents } from "../pipeline/vae.ts";
import type { Session } from "../runtime/runtime.ts";
import type { CaptionChunks, CaptionText } from "./caption-chunks.ts";
import { type ContentHashes, hashOf } from "./content-hashes.ts";
import type { FrozenEncoders } from "./frozen-encoders.ts";
import { type LeftOut, whyBroken } from "./left-out.ts";
import type { CachedTensor, TensorCache } from "./tensor-cache.ts";

/** An autoencoder that turns pictures into latents, and what tells it from others. */
export type PictureEncoder = { readonly session: Session; readonly config: VaeConfig; readonly identity: string };

export type SdxlDataOptions = {
  readonly set: DataSet;
  readonly seed: Seed;
  readonly captions: CaptionChunks;
  readonly encoder: PictureEncoder;
  readonly cache: TensorCache;
  readonly hashes: ContentHashes;
};

export type SdxlBatch = {
  /** [b, 4, height, width], scaled. */
  readonly latents: Float32Array;
  readonly shape: readonly [pictures: number, channels: number, height: number, width: number];
  /** [b, 6] */
  readonly timeIds: Float32Array;
  /** One a picture, all of the same number of chunks. */
  readonly texts: readonly CaptionText[];
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
    texts: examples.map((example) => textOf(captionFor(example, moment), example, options)),
    lossWeights: Float32Array.from(examples, ({ item }) => item.lossWeight),
  };
}

function textOf(text: string, { item: { image } }: Pick<Example, "item">, { captions }: SdxlDataOptions): CaptionText {
  return { chunks: captions(text), recurs: text === "" || fewTexts(image.caption, image.subset) !== undefined };
}

/** Latents as the UNet sees them, scaled. */
async function latentsFor(example: Example, moment: Moment, options: SdxlDataOptions): Promise<Latents> {
  const { cache } = options;
  const key = await keyOf(example, moment, options);
  const known = await cache.get(key);
  if (known) return latentsOf(known);
  const latents = await encode(await loadImage(example, moment), options);
  // Views at random hardly ever come twice.
  if (!example.item.image.subset.randomCrop) await cache.add(key, tensorOf(latents));
  return latents;
}

function latentsOf({ data, shape }: CachedTensor): Latents {
  const [, height, width] = shape as [number, number, number];
  return { data, height, width };
}

function tensorOf({ data, height, width }: Latents): CachedTensor {
  return { data, shape: [data.length / (height * width), height, width] };
}

async function keyOf({ item, repeat }: Example, moment: Moment, { encoder, hashes }: SdxlDataOptions): Promise<string> {
  const { left, top, flipped } = viewFor({ item, repeat }, moment);
  const { resized, bucket, image } = item;
  const sizes = [resized.width, resized.height, left, top, bucket.width, bucket.height, flipped ? "flipped" : ""];
  const kernel = image.subset.resizeInterpolation;
  return hashOf(`${await hashes.of(image.path)} ${encoder.identity} ${kernel} ${sizes.join(" ")}`);
}

async function encode({ rgb, width, height }: LoadedImage, { encoder }: SdxlDataOptions): Promise<Latents> {
  return encodeImage(encoder.session, encoder.config, { rgb, width, height });
}

/** So many of those that are to be known before the first step are. */
export type Caching = { readonly what: "pictures" | "captions"; readonly done: number; readonly total: number };

/** Pictures that are decoded and encoded at the same time. */
const AHEAD = 8;

/**
 * Encodes beforehand what an epoch will ask for and the cache does not have. Returns which pictures cannot be decoded, and why. Those
 * with random views are left to their time.
 */
export async function* encodePictures(options: SdxlDataOptions): AsyncGenerator<Caching, LeftOut> {
  const { set, seed, cache } = options;
  const fixed = set.items.filter(({ image: { subset } }) => !subset.randomCrop);
  // A flip is drawn anew in each epoch: the first epoch's is made now, the other one when it comes.
  const moment = { seed, epoch: 0 };
  async function begin(item: DataItem): Promise<{ key: string; latents: Latents } | { broken: string } | undefined> {
    const example = { item, repeat: 0 };
    const key = await keyOf(example, moment, options);
    if (await cache.get(key)) return undefined;
    const picture = await loadImage(example, moment).catch((error: unknown) => ({ broken: whyBroken(error) }));
    return "broken" in picture ? picture : { key, latents: await encode(picture, options) };
  }
  const leftOut: Record<string, string> = {};
  const ahead: ReturnType<typeof begin>[] = [];
  for (let done = 0, next = 0; done < fixed.length; done++) {
    while (next < fixed.length && ahead.length < AHEAD) {
      const begun = begin(fixed[next++]!);
      // Whoever comes first in order tells; what comes behind it is not heard any more.
      begun.catch(() => {});
      ahead.push(begun);
    }
    const made = await ahead.shift();
    if (made && "broken" in made) leftOut[fixed[done]!.image.key] = made.broken;
    else if (made) await cache.add(made.key, tensorOf(made.latents));
    yield { what: "pictures", done: done + 1, total: fixed.length };
  }
  await cache.flush();
  return leftOut;
}

/** Encodes beforehand all texts that will come again. */
export async function* encodeCaptions(
  options: SdxlDataOptions,
  encoders: FrozenEncoders,
): AsyncGenerator<Caching, void> {
  const { set, captions } = options;
  const texts = [...new Set(set.items.flatMap(({ image }) => fewTexts(image.caption, image.subset) ?? []))];
  for (const [i, text] of texts.entries()) {
    await encoders.prepare({ chunks: captions(text), recurs: true });
    yield { what: "captions", done: i + 1, total: texts.length };
  }
}
