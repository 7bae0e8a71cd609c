import { expect, test } from "vitest";
import { scheduleNames } from "../schedules/schedule.ts";
import { sampleDpmpp2m } from "./dpmpp.ts";
import {
  callsPerStep,
  lookUpSampler,
  lookUpSchedule,
  samplerLabels,
  samplerNames,
  samplers,
  scheduleLabels,
} from "./named.ts";

test.each([
  ["Euler a", "euler_ancestral", undefined],
  ["euler_ancestral", "euler_ancestral", undefined],
  ["Euler", "euler", undefined],
  ["DPM++ 2M", "dpmpp_2m", undefined],
  ["DPM++ 2M Karras", "dpmpp_2m", "karras"],
  ["dpm++ 2m  karras", "dpmpp_2m", "karras"],
  ["DPM++ 2M SDE Heun Exponential", "dpmpp_2m_sde_heun", "exponential"],
  ["DPM++ 2M SDE SGM Uniform", "dpmpp_2m_sde", "sgm_uniform"],
  ["Euler Align Your Steps", "euler", "ays"],
  ["DDIM", "ddim", undefined],
  ["UniPC", "uni_pc", undefined],
  ["uni_pc_bh2", "uni_pc_bh2", undefined],
  ["dpmpp_2m_sde_gpu", "dpmpp_2m_sde", undefined],
])("%s is %s with schedule %s", (text, name, schedule) => {
  const found = lookUpSampler(text);
  expect([found.name, found.schedule]).toEqual([name, schedule]);
  expect(found.sampler).toBe(samplers[found.name]);
});

test("every name and every label finds itself, alone and together", () => {
  for (const name of samplerNames) {
    expect(lookUpSampler(samplerLabels[name].label)).toEqual({ name, sampler: samplers[name] });
    for (const schedule of scheduleNames) {
      expect(lookUpSchedule(scheduleLabels[schedule])).toBe(schedule);
      const both = lookUpSampler(`${samplerLabels[name].label} ${scheduleLabels[schedule]}`);
      expect([both.name, both.schedule]).toEqual([name, schedule]);
    }
  }
  expect(samplers.dpmpp_2m).toBe(sampleDpmpp2m);
  expect(lookUpSchedule("Uniform")).toBe("normal");
});

test.each(["eular", "Euler b", "", "Karras", "constructor", "__proto__"])(
  "%j is refused with the list of names",
  (text) => {
    expect(() => lookUpSampler(text)).toThrow(
      expect.objectContaining({ code: "bad_option", hint: expect.stringContaining('dpmpp_2m ("DPM++ 2M")') }),
    );
  },
);

test.each(["karas", "", "toString"])("schedule %j is refused with the list of names", (text) => {
  expect(() => lookUpSchedule(text)).toThrow(
    expect.objectContaining({ code: "bad_option", hint: expect.stringContaining("karras, exponential") }),
  );
});

test.each(samplerNames)("%s calls the network as often as it says", async (name) => {
  let calls = 0;
  const denoise = async (x: Float32Array) => {
    calls++;
    return x.map((v) => v / 2);
  };
  const noise = () => Float32Array.of(0.1);
  const steps = 6;
  const sigmas = [14, 8, 4, 2, 1, 0.5, 0];
  for await (const _ of samplers[name](denoise, Float32Array.of(14), sigmas, { noise }));
  // The step to 0 has no slope at its end to look ahead to.
  expect(calls).toBe((steps - 1) * callsPerStep(name) + 1);
});
