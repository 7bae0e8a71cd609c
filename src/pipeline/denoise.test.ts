/** @file Which text the network reads at which call, through real samplers, with the timesteps of ComfyUI's rounding. */

import { expect, test } from "vitest";
import { loadTokenizer } from "../models/sdxl/tokenizer.ts";
import type { Session } from "../runtime/runtime.ts";
import {
  callsPerStep,
  discreteTable,
  guidedDenoise,
  makeSchedule,
  predictionFor,
  type SamplerName,
  samplers,
} from "../sampling/index.ts";
import { atCall } from "./conditioning.ts";
import { type Conditioning, unetCall } from "./denoise.ts";
import { planPrompt } from "./prompt/plan.ts";

const tokenizer = await loadTokenizer();

/** A call's text is a letter, and its code is the context that the network is fed. */
const conditioning = (text: string): Conditioning => ({
  context: Float32Array.of(text.charCodeAt(0)),
  tokens: 1,
  pooled: Float32Array.of(0),
  timeIds: [0, 0, 0, 0, 0, 0],
});

async function textsRead(name: SamplerName, prompt: string, steps: number) {
  const table = discreteTable({ rounding: "nearest" });
  const { sigmas } = makeSchedule("karras", table, steps);
  const plan = planPrompt(prompt, tokenizer, { steps: steps * callsPerStep(name) });
  const { schedule } = plan.parts[0]!;
  const texts: string[] = [];
  const timesteps: number[] = [];
  const session: Session = {
    async run({ sample, context, timestep }) {
      texts.push(String.fromCharCode(Number(context!.data[0])));
      timesteps.push(Number(timestep!.data[0]));
      return { output: { data: sample!.data.slice() as Float32Array, shape: sample!.shape } };
    },
    async release() {},
  };
  const network = unetCall(session, { batch: 1, channels: 1, height: 1, width: 1 }, (call) => ({
    conditional: [{ weight: 1, conditioning: conditioning(atCall(schedule, call).text) }],
    unconditional: conditioning("-"),
  }));
  const denoise = guidedDenoise(predictionFor("v", table), network, { scale: 1 }, { batch: 1 });
  const noise = () => Float32Array.of(0.5);
  for await (const _ of samplers[name](denoise, noise(), sigmas, { noise }));
  return { texts: texts.join(""), timesteps };
}

// What A1111's `current_step <= end_at_step` makes of a count from 0 and schedules from 1, worked out by hand.
test.each<[SamplerName, string, number, string]>([
  ["euler", "[a:b:0.5]", 10, "aaaaaabbbb"],
  ["euler", "[a:b:3]", 10, "aaaabbbbbb"],
  ["euler", "[a|b]", 6, "aababa"],
  ["euler", "[a:b:1.0]", 4, "aaaa"],
  ["euler", "[a:b:0]", 4, "bbbb"],
  ["dpmpp_2m", "[a:b:0.5]", 10, "aaaaaabbbb"],
  ["ddim", "[a:b:0.5]", 10, "aaaaaabbbb"],
  ["uni_pc", "[a:b:0.5]", 10, "aaaaaabbbb"],
  ["dpmpp_2m_sde_heun", "[a:b:0.5]", 10, "aaaaaabbbb"],
  // Nineteen calls, for the last step is Euler's; a share is of twice the steps, and a whole number is a call.
  ["heun", "[a:b:0.5]", 10, "aaaaaaaaaaabbbbbbbb"],
  ["heun", "[a:b:3]", 10, "aaaabbbbbbbbbbbbbbb"],
  ["heun", "[a|b]", 3, "aabab"],
])("%s reads %s over %i steps as %s", async (name, prompt, steps, expected) => {
  expect((await textsRead(name, prompt, steps)).texts).toBe(expected);
});

test("steps whose rounded timesteps are equal keep their own texts", async () => {
  const { texts, timesteps } = await textsRead("euler", "[a:b:0.5]", 200);
  expect(new Set(timesteps).size).toBeLessThan(timesteps.length);
  expect(texts).toBe("a".repeat(101) + "b".repeat(99));
});
