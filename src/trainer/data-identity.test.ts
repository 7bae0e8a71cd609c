import { expect, test } from "vitest";
import type { DataItem } from "../data/sets/items.ts";
import { changedDataFinding, dataIdentity } from "./data-identity.ts";

const item = (key: string, change: object = {}): DataItem =>
  ({
    image: { key, width: 64, height: 96, repeats: 1, caption: "1girl", ...change },
    bucket: { width: 64, height: 64 },
    dataset: 0,
  }) as unknown as DataItem;

const set = [item("a.png"), item("b.png")];
const before = dataIdentity({ items: set });

test("the same set is the same, also read anew", () => {
  expect(changedDataFinding(before, dataIdentity({ items: structuredClone(set) }))).toEqual([]);
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
  const [finding] = changedDataFinding(before, dataIdentity({ items }));
  expect(finding).toMatchObject({ level: "warning", code: "data_changed" });
  expect(finding!.message).toContain(words);
});
