/** @file Settings of a command line, which stand in place of a recipe's values. */

import { expect, test } from "vitest";
import { parseTrainOptions, settingOf } from "./train-options.ts";

test.each<[string, ReturnType<typeof settingOf>]>([
  ["10", 10],
  [".5", 0.5],
  ["1_000", 1000],
  ["true", true],
  ['["a=1", "betas=0.9,0.99"]', ["a=1", "betas=0.9,0.99"]],
  [
    "[[64, 8, 0.5], [32, 2, 0.5]]",
    [
      [64, 8, 0.5],
      [32, 2, 0.5],
    ],
  ],
  ['"10"', "10"],
  ["AdaFactor", "AdaFactor"],
  ["1girl, [solo", "1girl, [solo"],
  ["2026-01-02", "2026-01-02"],
  ["{ a = 1 }", "{ a = 1 }"],
  ["", ""],
])("%s is a value as TOML has it, else text", (text, value) => {
  expect(settingOf(text)).toEqual(value);
  expect(parseTrainOptions({ recipe: "a.toml", set: { key: value } }).set).toEqual({ key: value });
});
