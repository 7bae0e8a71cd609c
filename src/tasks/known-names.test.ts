/** @file Mistyped names: what is suggested, and when nothing is near. */

import { expect, test } from "vitest";
import { samplerLabels, samplerNames, scheduleLabels, scheduleNames } from "../sampling/index.ts";
import { samplerFault, scheduleFault } from "./known-names.ts";

test("every name and label is known", () => {
  for (const name of samplerNames)
    for (const text of [name, samplerLabels[name].label]) expect(samplerFault(text)).toBeUndefined();
  for (const name of scheduleNames)
    for (const text of [name, scheduleLabels[name]]) expect(scheduleFault(text)).toBeUndefined();
  expect(samplerFault("DPM++ 2M Karras")).toBeUndefined();
});

test.each([
  ["eulr", "did you mean euler?"],
  ["dpmpp2m", "did you mean dpmpp_2m?"],
  ["Euler A", undefined],
  ["DPM++ 2M Karas", 'did you mean "DPM++ 2M Karras"?'],
  ["dpm++2m sde", 'did you mean "DPM++ 2M SDE"?'],
  ["restart", "samplers are euler, "],
  ["", "samplers are euler, "],
])("sampler %o: %s", (text, words) => {
  if (words === undefined) expect(samplerFault(text)).toBeUndefined();
  else expect(samplerFault(text)).toContain(`unknown; ${words}`);
});

test.each([
  ["karas", "did you mean karras?"],
  ["sgm uniform ", undefined],
  ["sgm-uniform", "did you mean sgm_uniform?"],
  ["turbo", "schedules are normal, "],
])("schedule %o: %s", (text, words) => {
  if (words === undefined) expect(scheduleFault(text)).toBeUndefined();
  else expect(scheduleFault(text)).toContain(`unknown; ${words}`);
});
