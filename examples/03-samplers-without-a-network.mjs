/** @file Samplers know only `denoise(x, sigma)`: here the data is one number, 2, so the best guess is always 2. */

import { discreteTable, makeSchedule, sampleEuler } from "illustrious/sampling";

const { sigmas } = makeSchedule("normal", discreteTable({ zeroSnr: "exact" }), 5);
const denoise = async (x) => x.map(() => 2);

for await (const { index, sigma, x } of sampleEuler(denoise, Float32Array.of(0.3), sigmas)) {
  console.log(`step ${index}: sigma ${sigma}, x ${x[0]}`);
}
