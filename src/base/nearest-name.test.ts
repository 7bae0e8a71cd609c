import { expect, test } from "vitest";
import { nearestName } from "./nearest-name.ts";

const names = ["min_snr_gamma", "max_train_steps", "seed", "unet_lr"];

test.each([
  ["min_snr_gama", "min_snr_gamma"],
  ["minSnrGamma", "min_snr_gamma"],
  ["Seed", "seed"],
  ["unet_learning_rate_of_all", undefined],
  ["", undefined],
])("%s was meant to be %s", (typed, meant) => {
  expect(nearestName(typed, names)).toBe(meant);
});

test("nothing is near where nothing is known", () => {
  expect(nearestName("seed", [])).toBe(undefined);
});
