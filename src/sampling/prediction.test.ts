import { expect, test } from "vitest";
import { denoiseWith, type PredictionType, predictionFor } from "./prediction.ts";
import { discreteTable, edmTable, flowTable, type NoiseTable } from "./tables.ts";

const base = discreteTable();
const exact = discreteTable({ zeroSnr: "exact" });

test("v at time 500 of the rescaled schedule: an independent float64 computation", () => {
  // alpha 0.4909366382, sigma 0.8711952808; x0 0.7 and noise -1.3 give z and v as below.
  const sigma = exact.sigmas[500]!;
  const v = predictionFor("v", exact);
  expect(sigma).toBeCloseTo(1.7745574743, 9);
  const x = Float32Array.of(-1.6069247166);
  // The samplers hold float32: seven digits.
  expect(v.denoised(x, Float32Array.of(-1.2480543262), sigma)[0]).toBeCloseTo(0.7, 6);
  expect(v.outputFrom(x, Float32Array.of(0.7), sigma)[0]).toBeCloseTo(-1.2480543262, 6);
  expect(v.inputScale(sigma) * x[0]!).toBeCloseTo(-0.7888982682, 6);
});

const cases: [PredictionType, NoiseTable][] = [
  ["eps", base],
  ["v", base],
  ["v", exact],
  ["flow", flowTable()],
  ["edm_v", edmTable({ sigmaData: 0.5 })],
];

test.each(cases)("%s: what the definition says, and back", (type, table) => {
  const prediction = predictionFor(type, table);
  const [x0, noise] = [0.7, -1.3];
  for (const sigma of [0.05, 1, 12, table.sigmas.at(-1)!]) {
    const terminal = sigma === Number.POSITIVE_INFINITY;
    const x = Float32Array.of(terminal ? noise : x0 + sigma * noise);
    // Each type's definition in the space where it is usually written, z = signal * x0 + noise share * noise.
    const d = type === "edm_v" ? 0.5 : 1;
    const angle = terminal ? Math.PI / 2 : Math.atan(sigma / d);
    const time = terminal ? 1 : sigma / (1 + sigma);
    const definition = { eps: noise, flow: noise - x0, v: Math.cos(angle) * noise - Math.sin(angle) * x0, edm_v: 0 };
    // EDM-v is v for data and noise both measured in units of sigma_data.
    definition.edm_v = Math.cos(angle) * noise - (Math.sin(angle) * x0) / d;
    const output = Float32Array.of(definition[type]);
    // x holds 24 bits; an eps guess subtracts sigma * noise from it, and so loses log2(sigma) of them.
    const tolerance = 1e-6 * (1 + (terminal ? 0 : sigma));
    expect(Math.abs(prediction.denoised(x, output, sigma)[0]! - x0)).toBeLessThan(tolerance);
    expect(Math.abs(prediction.outputFrom(x, Float32Array.of(x0), sigma)[0]! - output[0]!)).toBeLessThan(
      tolerance / Math.min(1, sigma),
    );
    const vp = (Math.cos(angle) * x0) / d + Math.sin(angle) * noise;
    const latents = type === "flow" ? (1 - time) * x0 + time * noise : vp;
    expect(prediction.inputScale(sigma) * x[0]!).toBeCloseTo(latents, 5);
  }
});

test("at the terminal a v-prediction is minus the picture, whatever the noise", () => {
  const v = predictionFor("v", exact);
  const output = Float32Array.of(0.3, -2);
  const x = Float32Array.of(Number.NaN, 5);
  expect(v.denoised(x, output, Number.POSITIVE_INFINITY)).toEqual(Float32Array.of(-0.3, 2));
});

test("eps at the terminal is refused, and so is a prediction on the wrong family of levels", async () => {
  const eps = predictionFor("eps", exact);
  const denoise = denoiseWith(eps, async (input) => input);
  await expect(denoise(Float32Array.of(1), Number.POSITIVE_INFINITY)).rejects.toMatchObject({ code: "bad_schedule" });
  expect(() => predictionFor("flow", base)).toThrow('a flow prediction on a table of family "discrete"');
});

test("a network that answers with another size is named", async () => {
  const denoise = denoiseWith(predictionFor("v", base), async () => new Float32Array(3));
  await expect(denoise(new Float32Array(4), 1)).rejects.toThrow("the network gave 3 numbers for latents of 4");
});

test("a network is called with the scaled input and its time", async () => {
  const seen: number[] = [];
  const denoise = denoiseWith(predictionFor("v", base), async (input, timestep) => {
    seen.push(input[0]!, timestep);
    return input;
  });
  await denoise(Float32Array.of(base.sigmas[700]!), base.sigmas[700]!);
  const sigma = base.sigmas[700]!;
  expect(seen[0]).toBeCloseTo(sigma / Math.sqrt(1 + sigma * sigma), 6);
  expect(seen[1]).toBe(700);
});
