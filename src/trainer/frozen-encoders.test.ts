/** @file What encoders that do not learn give is kept: as it was computed, under what it was computed from, and no longer than whole. */

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { CHUNK, type PromptChunk } from "../pipeline/prompt/chunks.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { CaptionText } from "./caption-chunks.ts";
import { openContentHashes } from "./content-hashes.ts";
import { frozenEncoders } from "./frozen-encoders.ts";
import { modelOf } from "./sdxl-model.ts";
import { openTensorCache } from "./tensor-cache.ts";

const tiny = join(import.meta.dirname, "../../test/fixtures/tiny-sdxl");
const root = mkdtempSync(join(tmpdir(), "frozen-encoders-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function chunk(first: number): PromptChunk {
  const ids = Int32Array.from({ length: CHUNK }, (_, i) => (i < 20 ? first + i : 999));
  const ids2 = ids.map((id, i) => (i > 20 ? 0 : id));
  return { ids, ids2, weights: new Float32Array(CHUNK).fill(1), end: 20 };
}
const text = (recurs: boolean, ...firsts: number[]): CaptionText => ({ chunks: firsts.map(chunk), recurs });
const pair = [text(true, 1, 2), text(true, 3, 1)];

type Count = { opened: number; chunks: number };

/** Counts what is opened, and chunks that pass through the first encoder. */
function counting(): { runtime: Runtime; count: Count } {
  const count: Count = { opened: 0, chunks: 0 };
  const inner = onnxRuntime({ threads: 1 });
  const runtime: Runtime = {
    ...inner,
    async open(...args) {
      count.opened++;
      const session = await inner.open(...args);
      const run: typeof session.run = async (feeds, outputs) => {
        if (!("endRows" in feeds)) count.chunks += feeds.ids!.shape[0]!;
        return session.run(feeds, outputs);
      };
      return { run, release: () => session.release() };
    },
  };
  return { runtime, count };
}

async function opened(folder: string | undefined, more: { clipSkip?: number; checkpoint?: string } = {}) {
  const { runtime, count } = counting();
  const { clipSkip = 2, checkpoint = tiny } = more;
  const cache = await openTensorCache(folder);
  const hashes = await openContentHashes(folder);
  const model = modelOf(await openCheckpoint(checkpoint));
  const encoders = await frozenEncoders({ runtime, model, clipSkip, cache, hashes });
  return { encoders, count, cache };
}

/** What a first run leaves in a folder of its own, and what it gave. */
async function filled(name: string) {
  const folder = join(root, name);
  const { encoders, count, cache } = await opened(folder);
  const given = await encoders.contextOf(pair);
  await cache.flush();
  const [shard] = readdirSync(folder).filter((file) => file.endsWith(".safetensors"));
  return { folder, given, count, shard: join(folder, shard!) };
}

test("a second opening gives the same numbers, and opens no encoder", async () => {
  const { folder, given, count } = await filled("again");
  expect(count).toEqual({ opened: 2, chunks: 3 });
  const alone = await (await opened(undefined)).encoders.contextOf([pair[1]!]);
  const second = await opened(folder);
  expect(await second.encoders.contextOf(pair)).toEqual(given);
  expect(await second.encoders.contextOf([pair[1]!])).toEqual(alone);
  expect(second.count).toEqual({ opened: 0, chunks: 0 });
  expect(given.context.shape).toEqual([2, 2 * CHUNK, expect.any(Number)]);
});

test("texts that do not come again are encoded and not kept, unless one that does has the same chunk", async () => {
  const folder = join(root, "passing");
  const { encoders, count, cache } = await opened(folder);
  await encoders.contextOf([text(false, 5, 6), text(true, 7, 6)]);
  await encoders.contextOf([text(false, 5, 6)]);
  expect(count.chunks).toBe(4);
  await cache.flush();
  const second = await opened(folder);
  await second.encoders.contextOf([text(true, 7, 6)]);
  expect(second.count.chunks).toBe(0);
});

test("encoders that rest are opened again for a new chunk only", async () => {
  const { encoders, count } = await opened(undefined);
  await encoders.prepare(text(true, 1, 2));
  await encoders.rest();
  await encoders.contextOf([text(true, 2, 1)]);
  expect(count).toEqual({ opened: 2, chunks: 2 });
  await encoders.contextOf([text(true, 3)]);
  expect(count).toEqual({ opened: 4, chunks: 3 });
});

test.each<[what: string, harm: (shard: string) => void]>([
  ["a flipped bit", (shard) => flip(shard, -50)],
  ["a broken header", (shard) => flip(shard, 20)],
  ["a truncated file", (shard) => truncateSync(shard, 10_000)],
  ["an empty file", (shard) => truncateSync(shard, 0)],
])("%s is noticed, encoded again, and mended for the next run", async (what, harm) => {
  const { folder, given, shard } = await filled(what);
  harm(shard);
  const second = await opened(folder);
  expect(await second.encoders.contextOf(pair)).toEqual(given);
  expect(second.count.chunks).toBeGreaterThan(0);
  await second.cache.flush();
  const third = await opened(folder);
  expect(await third.encoders.contextOf(pair)).toEqual(given);
  expect(third.count).toEqual({ opened: 0, chunks: 0 });
});

test("a file that vanishes or shrinks while a run reads it is no harm either", async () => {
  const { folder, given, shard } = await filled("vanishing");
  const second = await opened(folder);
  truncateSync(shard, 10_000);
  expect(await second.encoders.contextOf(pair)).toEqual(given);
  const third = await opened(folder);
  if (existsSync(shard)) rmSync(shard);
  expect(await third.encoders.contextOf(pair)).toEqual(given);
});

test("another layer, or one other weight of either encoder, has entries of its own", async () => {
  const { folder } = await filled("others");
  const skipped = await opened(folder, { clipSkip: 1 });
  await skipped.encoders.contextOf(pair);
  expect(skipped.count.chunks).toBe(3);
  for (const part of ["text_encoder", "text_encoder_2"]) {
    const checkpoint = join(root, `other-${part}`);
    cpSync(tiny, checkpoint, { recursive: true });
    const [weights] = readdirSync(join(checkpoint, part)).filter((file) => file.endsWith(".safetensors"));
    flip(join(checkpoint, part, weights!), -3);
    const other = await opened(folder, { checkpoint });
    await other.encoders.contextOf(pair);
    expect(other.count.chunks).toBe(3);
  }
  // The same weights elsewhere are the same.
  const copy = join(root, "copy");
  cpSync(tiny, copy, { recursive: true });
  const same = await opened(folder, { checkpoint: copy });
  await same.encoders.contextOf(pair);
  expect(same.count).toEqual({ opened: 0, chunks: 0 });
});

test("what is added while others are written is kept", async () => {
  const folder = join(root, "meanwhile");
  const tensor = (value: number) => ({ data: Float32Array.of(value, value), shape: [2] });
  const cache = await openTensorCache(folder, 16);
  const adding = Array.from({ length: 9 }, (_, n) => cache.add(`k${n}`, tensor(n)));
  await cache.add("k3", tensor(3));
  expect(await Promise.all(Array.from({ length: 9 }, (_, n) => cache.get(`k${n}`)))).not.toContain(undefined);
  await Promise.all(adding);
  await cache.flush();
  const again = await openTensorCache(folder);
  for (let n = 0; n < 9; n++) expect(await again.get(`k${n}`)).toEqual(tensor(n));
});

/** @param at from the end if below 0 */
function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = bytes[place]! ^ 1;
  writeFileSync(path, bytes);
}
