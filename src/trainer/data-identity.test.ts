import { expect, test } from "vitest";
import { datasetConfigOf } from "../data/sets/index.ts";
import type { DataItem } from "../data/sets/items.ts";
import { changedDataFinding, dataIdentity } from "./data-identity.ts";

const item = (key: string, change: object = {}): DataItem =>
  ({
    image: { key, width: 64, height: 96, repeats: 1, caption: "1girl", ...change },
    bucket: { width: 64, height: 64 },
    dataset: 0,
  }) as unknown as DataItem;

const configOf = (options: object, folder = "a") =>
  datasetConfigOf({ datasets: [{ resolution: 64, ...options, subsets: [{ image_dir: folder }] }] }, ".");
const config = configOf({});
const set = [item("a.png"), item("b.png")];
const before = dataIdentity({ config, items: set });

test("the same set is the same, also read anew", () => {
  expect(
    changedDataFinding(before, dataIdentity({ config: configOf({}, "moved"), items: structuredClone(set) })),
  ).toEqual([]);
  expect(changedDataFinding(undefined, before)).toEqual([]);
});

test.each([
  ["a picture more", [...set, item("c.png")], "2 then, 3 now"],
  ["one less", set.slice(1), "2 then, 1 now"],
  ["another name", [set[0]!, item("c.png")], "pictures: 2"],
  ["another order", [...set].reverse(), "pictures: 2"],
  ["another caption", [set[0]!, item("b.png", { caption: "1boy" })], "pictures: 2"],
  ["other repeats", [set[0]!, item("b.png", { repeats: 2 })], "pictures: 2"],
  ["another size", [set[0]!, item("b.png", { width: 63 })], "pictures: 2"],
])("%s is told", (_, items, words) => {
  const [finding] = changedDataFinding(before, dataIdentity({ config, items }));
  expect(finding).toMatchObject({ level: "warning", code: "data_changed" });
  expect(finding!.message).toContain(words);
});

test.each([{ batch_size: 2 }, { caption_dropout_rate: 0.1 }, { shuffle_caption: true }, { enable_bucket: true }])(
  "%o of a data set's own file is told",
  (options) => {
    const now = dataIdentity({ config: configOf(options), items: set });
    expect(changedDataFinding(before, now)[0]!.message).toContain("options differ");
  },
);
