/** @file Lines of a file of prompts, as sd-scripts has them. */

import { expect, test } from "vitest";
import { previewOf, previewSampler } from "./previews.ts";

test("options behind a prompt are what sd-scripts means by them", () => {
  expect(previewOf("1girl, solo --n lowres, bad hands --w 768 --h 1024 --d 7 --s 20 --l 6.5")).toEqual({
    prompt: "1girl, solo",
    negativePrompt: "lowres, bad hands",
    ...{ width: 768, height: 1024, seed: 7, steps: 20, cfg: 6.5 },
  });
  expect(previewOf("a -- dash, and --words of a prompt")).toEqual({ prompt: "a -- dash, and --words of a prompt" });
});

test("what is wrong with previews is told beforehand", () => {
  expect(previewSampler("k_euler_a", ["a"])).toBe("euler_a");
  expect(previewSampler("dpmsolver++", ["a"])).toBe("dpmpp_2m");
  expect(previewSampler(undefined, ["a"])).toBeUndefined();
  for (const [sampler, line] of [
    ["lms", "a"],
    [undefined, "a --w 7"],
    [undefined, "a --s many"],
  ] as const) {
    expect(() => previewSampler(sampler, [line])).toThrow(expect.objectContaining({ code: "bad_option" }));
  }
});
