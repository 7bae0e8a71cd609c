import fc from "fast-check";
import { expect, test } from "vitest";
import { datasetConfigOf } from "./dataset-config.ts";
import { batchesFrom, batchesOf } from "./epochs.ts";
import type { Example } from "./examples.ts";
import { balancedRepeats, type DataImage, itemsOf } from "./items.ts";
import type { DataSet } from "./scan.ts";

type Made = { repeats: number; sides: number[]; dataset?: number };

/** A data set of images at square buckets, without files. */
function setOf(images: readonly Made[], options: Record<string, unknown> = {}): DataSet {
  const datasets = [0, 1].map(() => ({ resolution: 512, batch_size: 4, ...options, subsets: [{ image_dir: "x" }] }));
  const config = datasetConfigOf({ datasets }, "/");
  const items = images.flatMap(({ repeats, sides, dataset = 0 }, i) => {
    const subset = config.datasets[dataset]!.subsets[0]!;
    const image: DataImage = {
      ...{ key: `${i}.png`, path: `/${i}.png`, caption: "", hasAlpha: false, width: 999, height: 999 },
      ...{ subset, repeats },
    };
    const placements = sides.map((side) => ({
      bucket: { width: side, height: side },
      resized: { width: side, height: side },
    }));
    return itemsOf([image], [placements], dataset, config.datasets[dataset]!);
  });
  return { config, items, report: { datasets: [], passedOver: { count: 0, first: [] } } };
}

const nameOf = ({ item, repeat }: Example) => `${item.image.key} ${item.bucket.width} ${repeat}`;
const side = fc.constantFrom(256, 320, 384);
const images = fc.array(
  fc.record({ repeats: fc.nat(4), sides: fc.uniqueArray(side, { minLength: 1 }), dataset: fc.nat(1) }),
  { minLength: 1, maxLength: 30 },
);
const examplesIn = (made: readonly Made[]) => made.reduce((sum, { repeats, sides }) => sum + repeats * sides.length, 0);

test("an epoch has each image at each size as often as it repeats, in batches of one bucket of one dataset", () => {
  fc.assert(
    fc.property(images, fc.nat(), fc.nat(9), (made, seed, epoch) => {
      fc.pre(examplesIn(made) > 0);
      const batches = batchesOf(setOf(made), { seed, epoch });
      const expected = made.flatMap(({ repeats, sides }, i) =>
        sides.flatMap((size) => Array.from({ length: repeats }, (_, repeat) => `${i}.png ${size} ${repeat}`)),
      );
      expect(batches.flatMap(({ examples }) => examples.map(nameOf)).sort()).toEqual(expected.sort());
      const groups = new Map<string, number[]>();
      for (const { dataset, bucket, examples } of batches) {
        const own = examples.filter(({ item }) => item.dataset === dataset && item.bucket.width === bucket.width);
        expect(own.length).toBe(examples.length);
        const name = `${dataset} ${bucket.width}`;
        groups.set(name, [...(groups.get(name) ?? []), examples.length]);
      }
      // One batch of a bucket at most is not full.
      for (const sizes of groups.values()) expect(sizes.filter((size) => size !== 4).length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 100 },
  );
});

const made = Array.from({ length: 40 }, (_, i) => ({ repeats: 1 + (i % 3), sides: i % 2 === 0 ? [256] : [320, 384] }));
const listed = (set: DataSet, seed: number, epoch: number) =>
  batchesOf(set, { seed, epoch }).map(({ examples }) => examples.map(nameOf).join(", "));

test("the order follows from seed and epoch, and both move it", () => {
  const set = setOf(made);
  expect(listed(set, 1, 2)).toEqual(listed(setOf(made), 1, 2));
  for (const other of [listed(set, 1, 3), listed(set, 2, 2)]) {
    expect(other).not.toEqual(listed(set, 1, 2));
    // Batches are made anew, not only moved.
    expect([...other].sort()).not.toEqual(listed(set, 1, 2).sort());
  }
});

test("a run goes on from any place as if it had never stopped", () => {
  const set = setOf(made);
  const take = (from: { epoch: number; index: number } | undefined, count: number) => {
    const walk = batchesFrom(set, { seed: 5 }, from);
    return Array.from({ length: count }, () => walk.next().value);
  };
  const whole = take(undefined, 100);
  expect(whole[99]!.place.epoch).toBeGreaterThan(1);
  for (const at of [0, 7, batchesOf(set, { seed: 5, epoch: 0 }).length - 1, 60]) {
    expect(take(whole[at]!.next, 20)).toEqual(whole.slice(at + 1, at + 21));
  }
});

test("text classes do not share batches", () => {
  const textClass = ({ item }: Example) => Number(item.image.key.replace(".png", "")) % 3;
  const batches = batchesOf(setOf(made), { seed: 1, epoch: 0, textClass });
  const moments: unknown[] = [];
  batchesOf(setOf([{ repeats: 1, sides: [256] }]), {
    seed: 1,
    epoch: 4,
    textClass: (_, moment) => moments.push(moment),
  });
  expect(moments).toEqual([{ seed: 1, epoch: 4 }]);
  for (const batch of batches) expect(new Set(batch.examples.map(textClass))).toEqual(new Set([batch.textClass]));
  expect(new Set(batches.map((batch) => batch.textClass))).toEqual(new Set([0, 1, 2]));
});

test("the rest can be left out, and then differs from epoch to epoch", () => {
  const set = setOf([{ repeats: 7, sides: [256] }]);
  const sizes = (rest: "keep" | "drop") =>
    batchesOf(set, { seed: 1, epoch: 0, rest }).map(({ examples }) => examples.length);
  expect(sizes("keep").sort()).toEqual([3, 4]);
  expect(sizes("drop")).toEqual([4]);
  const kept = (epoch: number) =>
    batchesOf(set, { seed: 1, epoch, rest: "drop" })
      .flatMap(({ examples }) => examples.map(nameOf))
      .sort();
  expect(new Set([0, 1, 2, 3].map((epoch) => kept(epoch).join())).size).toBeGreaterThan(1);
  const few = setOf([{ repeats: 3, sides: [256] }]);
  expect(() => batchesOf(few, { seed: 1, epoch: 0, rest: "drop" })).toThrow(
    expect.objectContaining({ code: "bad_option" }),
  );
});

test("one size an epoch: each repeat at one of its image's sizes, all of them in time", () => {
  const set = setOf([{ repeats: 3, sides: [256, 320, 384] }], { resolution_choice: "one" });
  const epochs = Array.from({ length: 40 }, (_, epoch) =>
    batchesOf(set, { seed: 1, epoch }).flatMap(({ examples }) => examples),
  );
  for (const examples of epochs) expect(examples.map(({ repeat }) => repeat).sort()).toEqual([0, 1, 2]);
  const counts = [256, 320, 384].map((width) => epochs.flat().filter(({ item }) => item.bucket.width === width).length);
  // 120 draws of three: 40 each, with a standard deviation of 5.2; four of those.
  for (const count of counts) expect(Math.abs(count - 40)).toBeLessThan(21);
});

test("an empty set has no epoch", () => {
  expect(() => batchesOf(setOf([]), { seed: 1, epoch: 0 })).toThrow(expect.objectContaining({ code: "bad_option" }));
});

/** As sd-scripts' own words have it: repeats first, then one by one around the folders until both kinds are as many. */
test("regularisation images come as often as the others together", () => {
  const subset = fc.record({ isReg: fc.boolean(), numRepeats: fc.nat(5) });
  const { subsets } = datasetConfigOf({ datasets: [{ resolution: 512, subsets: [{ image_dir: "x" }] }] }, "/")
    .datasets[0]!;
  fc.assert(
    fc.property(fc.array(subset, { maxLength: 20 }), (list) => {
      const repeats = balancedRepeats(list.map((given) => ({ ...subsets[0]!, ...given })));
      const wanted = list.reduce((sum, { isReg, numRepeats }) => sum + (isReg ? 0 : numRepeats), 0);
      const expected = list.map(({ isReg, numRepeats }) => (isReg ? 0 : numRepeats));
      const reg = [...list.keys()].filter((i) => list[i]!.isReg && list[i]!.numRepeats > 0);
      let have = 0;
      for (let turn = 0; have < wanted && reg.length > 0; turn++) {
        for (const i of reg) {
          if (have >= wanted) break;
          const more = turn === 0 ? list[i]!.numRepeats : 1;
          expected[i]! += more;
          have += more;
        }
      }
      expect(repeats).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});
