/** @file The batches of an SDXL run: which examples, their latents from a cache, their captions as tokens, their sizes. */

import { IllustriousError } from "../base/error.ts";
import type { Seed } from "../base/random/seed.ts";
import {
  type Batch,
  batchesFrom,
  captionFor,
  type DataItem,
  type DataSet,
  decodeThrough,
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
import { brokenSince, type LeftOut, whyBroken } from "./left-out.ts";
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
  const { key: image } = example.item.image;
  const refuse = (error: unknown): never => {
    throw brokenSince({ [image]: whyBroken(error) });
  };
  const key = await keyOf(example, moment, options).catch(refuse);
  const known = await cache.get(key);
  if (known) return latentsOf(known);
  const latents = await encode(await loadImage(example, moment).catch(refuse), options);
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
 * Encodes beforehand what an epoch will ask for and the cache does not have; pictures with random views are only decoded. Returns which
 * cannot be, and why.
 */
export async function* encodePictures(options: SdxlDataOptions): AsyncGenerator<Caching, LeftOut> {
  const { set, seed, cache } = options;
  const isRandom = ({ image: { subset } }: DataItem) => subset.randomCrop;
  const random = new Map(set.items.filter(isRandom).map((item) => [item.image.key, item]));
  const looked = [...set.items.filter((item) => !isRandom(item)), ...random.values()];
  // A flip is drawn anew in each epoch: the first epoch's is made now, the other one when it comes.
  const moment = { seed, epoch: 0 };
  async function begin(item: DataItem): Promise<{ key: string; latents: Latents } | { broken: string } | undefined> {
    const example = { item, repeat: 0 };
    let found: { key: string; picture: LoadedImage };
    try {
      if (isRandom(item)) {
        await decodeThrough(item.image.path);
        return undefined;
      }
      const key = await keyOf(example, moment, options);
      if (await cache.get(key)) return undefined;
      found = { key, picture: await loadImage(example, moment) };
    } catch (error) {
      return { broken: whyBroken(error) };
    }
    return { key: found.key, latents: await encode(found.picture, options) };
  }
  const leftOut: Record<string, string> = {};
  const ahead: ReturnType<typeof begin>[] = [];
  for (let done = 0, next = 0; done < looked.length; done++) {
    while (next < looked.length && ahead.length < AHEAD) {
      const begun = begin(looked[next++]!);
      // Whoever comes first in order tells; what comes behind it is not heard any more.
      begun.catch(() => {});
      ahead.push(begun);
    }
    const made = await ahead.shift();
    if (made && "broken" in made) leftOut[looked[done]!.image.key] = made.broken;
    else if (made) await cache.add(made.key, tensorOf(made.latents));
    yield { what: "pictures", done: done + 1, total: looked.length };
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
