/** @file What is another recipe, and what is the same in other words. */

import { expect, test } from "vitest";
import { changesOf, withSettings } from "./changed-recipe.ts";

const BEFORE = `seed = 1
vae = ""
[learning]
learning_rate = 1e-4
optimizer_args = ["a=1"]
[general]
keep_tokens = 1
[[datasets]]
resolution = 64
batch_size = 2
`;

test("comments, order, sections and empty words change nothing", () => {
  const same = `# once more
learning_rate = 0.0001 # as before
optimizer_args = ["a=1"]
[run]
seed = 1
[[datasets]]
batch_size = 2
resolution = 64
[general]
keep_tokens = 1
`;
  expect(changesOf(BEFORE, same)).toEqual([]);
  expect(changesOf(withSettings(BEFORE, { seed: 2 }), withSettings(same, { seed: 2 }))).toEqual([]);
  expect(changesOf(withSettings(BEFORE, { seed: 2 }), same.replace("seed = 1", "seed = 2"))).toEqual([]);
});

test("keys that differ are named with both values, lists of tables by name", () => {
  const other = BEFORE.replace("1e-4", "2e-4").replace("= 64", "= 128").replace("keep_tokens = 1", "");
  const changes = changesOf(BEFORE, withSettings(other, { seed: 3, optimizer_args: ["a=2"] }));
  expect(changes.map(({ text }) => text)).toEqual([
    "seed was 1 and is 3",
    "learning_rate was 0.0001 and is 0.0002",
    'optimizer_args was ["a=1"] and is ["a=2"]',
    "general.keep_tokens was 1 and is not set",
    "datasets",
  ]);
});

test("another place of the data is told apart from what else tables say", () => {
  const sets = (options: string) => `[[datasets]]\nbatch_size = 2\n[[datasets.subsets]]\n${options}`;
  const changed = (before: string, now: string) => changesOf(before, now).map(({ text, isPlace }) => [text, isPlace]);
  expect(changed(sets('image_dir = "a"'), sets('image_dir = "b"'))).toEqual([
    ["image_dir or metadata_file of datasets", true],
  ]);
  expect(changed(sets('image_dir = "a"'), sets('image_dir = "b"\nflip_aug = true'))).toEqual([["datasets", false]]);
  expect(changed('train_data_dir = "a"', 'train_data_dir = "b"')).toEqual([
    ['train_data_dir was "a" and is "b"', true],
  ]);
  expect(changed('[dataset]\nconfig = "a.toml"', '[dataset]\nconfig = "b.toml"')).toEqual([
    ['dataset.config was "a.toml" and is "b.toml"', true],
  ]);
});
