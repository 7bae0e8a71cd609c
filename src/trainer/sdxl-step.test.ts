/** @file A whole training step of SDXL as one graph, against PyTorch's in float64 (scripts/goldens/joint_step.py). */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { LORA_COMPONENTS, loraTargets } from "../models/sdxl/lora-targets.ts";
import { parametersOf } from "../models/sdxl/names.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { readWeight } from "../runtime/read-weight.ts";
import { float32, int64, type Value } from "../runtime/runtime.ts";
import { gradientName } from "../training/learner/step-graph.ts";
import { sumByRow } from "../training/optimisers/rows.ts";
import { lookUp } from "./caption-chunks.ts";
import { partWeights, type SdxlStepOptions, sdxlStep, TOKEN_TABLE } from "./sdxl-step.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
type Golden = {
  ids: number[];
  end: number;
  loss: number;
  losses: number[];
  gradients: Record<string, { norm: number; dot: number }>;
};
const golden: Golden = JSON.parse(readFileSync(join(fixtures, "joint-step.json"), "utf8"));
const { configs, weights } = await openCheckpoint(join(fixtures, "tiny-sdxl"));

const wave = (length: number, phase: number) => Float32Array.from({ length }, (_, i) => Math.sin(0.7 * i + phase));
const [batch, chunks] = [2, 2];
const shape = [batch, configs.unet.inChannels, 8, 8];
const numbers = shape.reduce((product, n) => product * n, 1);

async function valuesOf(component: (typeof LORA_COMPONENTS)[number]): Promise<[string, Value][]> {
  const all = parametersOf(component, configs)!.map(async ({ name, shape }): Promise<[string, Value]> => {
    const values = await readWeight({ ...weights[component].get(name)!, shape });
    return [`${component}.${name}`, float32(values, shape)];
  });
  return Promise.all(all);
}
const parameters = new Map((await Promise.all(LORA_COMPONENTS.map(valuesOf))).flat());

async function words(component: "textEncoder" | "textEncoder2"): Promise<Value> {
  const { hiddenSize, maxPositions } = configs[component];
  const table = parameters.get(`${component}.${TOKEN_TABLE}`)!.data as Float32Array;
  const rows = lookUp(table, hiddenSize, Int32Array.from(golden.ids));
  return float32(rows, [batch, chunks, maxPositions, hiddenSize]);
}

const tokens = configs.textEncoder.maxPositions;
const given: Record<string, Value> = {
  sample: float32(wave(numbers, 0.1), shape),
  target: float32(wave(numbers, 1.3), shape),
  timestep: float32(Float32Array.of(31, 840), [batch]),
  timeIds: float32(Float32Array.of(64, 64, 0, 0, 64, 64, 80, 96, 3, 7, 64, 64), [batch, 6]),
  weights: float32(Float32Array.of(0.5, 2), [batch]),
  words: await words("textEncoder"),
  words2: await words("textEncoder2"),
  endRows: int64([golden.end, chunks * tokens + golden.end], [batch]),
};

async function run(options: SdxlStepOptions, extra: ReadonlyMap<string, Value> = new Map()) {
  const step = sdxlStep(configs, options);
  const session = await onnxRuntime().open(step.graph, partWeights(weights));
  const inputs = step.graph.inputs.map(({ attributes: { name } }) => {
    return [name, given[name] ?? extra.get(name) ?? parameters.get(name)!] as const;
  });
  const results = await session.run(Object.fromEntries(inputs));
  await session.release();
  return { step, results };
}

/** Float32 through two encoders, the UNet and back, as `src/models/sdxl/gradients.test.ts` has it for networks alone. */
const TOLERANCE = 1e-4;

test("losses and all gradients are PyTorch's, those of looked-up words among them", async () => {
  const { step, results } = await run({ train: LORA_COMPONENTS, loss: "l2" });
  expect(Math.abs(Number(results.loss!.data[0]) - golden.loss)).toBeLessThan(TOLERANCE * golden.loss);
  golden.losses.forEach((loss, i) => {
    expect(Math.abs(Number(results.losses!.data[i]) - loss)).toBeLessThan(TOLERANCE * loss);
  });
  const found = new Map(
    [...step.parameters.keys()].map((name) => [name, results[gradientName(name)]!.data as Float32Array]),
  );
  for (const [component, input] of [
    ["textEncoder", "words"],
    ["textEncoder2", "words2"],
  ] as const) {
    const { vocabSize, hiddenSize } = configs[component];
    const used = sumByRow(Int32Array.from(golden.ids), results[gradientName(input)]!.data as Float32Array, hiddenSize);
    const whole = new Float32Array(vocabSize * hiddenSize);
    used.rows.forEach((row, i) => {
      whole.set(used.values.subarray(i * hiddenSize, (i + 1) * hiddenSize), row * hiddenSize);
    });
    found.set(`${component}.${TOKEN_TABLE}`, whole);
  }
  // A parameter that softmax or a norm does not see has a gradient of roundings alone, in either program.
  const largest = Math.max(...Object.values(golden.gradients).map(({ norm }) => norm));
  const wrong = Object.entries(golden.gradients).filter(([name, { norm, dot }]) => {
    const gradient = found.get(name);
    if (!gradient) return true;
    const along = wave(gradient.length, 0.4);
    const ownDot = gradient.reduce((sum, g, i) => sum + g * along[i]!, 0);
    const ownNorm = Math.hypot(...gradient);
    const allowed = TOLERANCE * norm + 1e-7 * largest;
    return Math.abs(ownNorm - norm) > allowed || Math.abs(ownDot - dot) > allowed * Math.sqrt(gradient.length);
  });
  expect(wrong.map(([name]) => name)).toEqual([]);
  expect(found.size).toBeGreaterThanOrEqual(Object.keys(golden.gradients).length);
});

test("a LoRA that adds nothing leaves the loss as it is, and only its own weights have gradients", async () => {
  const ranks = { rank: 2, convRank: 2 };
  const lora = Object.fromEntries(LORA_COMPONENTS.map((c) => [c, loraTargets(c, configs, ranks)]));
  const { loraParameters } = sdxlStep(configs, { train: [], lora, loss: "l2" });
  const pairs = new Map(
    loraParameters.map(({ part, name, shape, role }) => {
      const values = wave(
        shape.reduce((product, n) => product * n, 1),
        0.2,
      ).map((x) => (role === "up" ? 0 : 0.1 * x));
      return [`${part}.${name}`, float32(values, shape)];
    }),
  );
  const { step, results } = await run({ train: [], lora, loss: "l2" }, pairs);
  expect(Math.abs(Number(results.loss!.data[0]) - golden.loss)).toBeLessThan(TOLERANCE * golden.loss);
  expect([...step.parameters.keys()].every((name) => /\.lora_(up|down)\.weight$/.test(name))).toBe(true);
  const norm = (name: string) => Math.hypot(...(results[gradientName(name)]!.data as Float32Array));
  const ups = [...step.parameters.keys()].filter((name) => name.includes("lora_up"));
  // With `up` at zero nothing comes back to `down`.
  expect(Math.max(...ups.map((name) => norm(name.replace("lora_up", "lora_down"))))).toBe(0);
  expect(ups.filter((name) => !(norm(name) > 0))).toEqual([]);
});

test("without encoders to train the step takes contexts as they are", () => {
  const { encodes, graph } = sdxlStep(configs, { train: ["unet"], loss: "huber" });
  expect(encodes).toBe(false);
  const inputs = graph.inputs.map(({ attributes: { name } }) => name);
  expect(inputs).toEqual(expect.arrayContaining(["context", "pooled", "thresholds"]));
});
