import { expect, test } from "vitest";
import { discreteTable, flowTable } from "../../sampling/tables.ts";
import { huberThreshold, type LossOptions } from "./losses.ts";
import { lossWeights, makeBatch, type Objective } from "./objective.ts";

const zero = discreteTable({ zeroSnr: "exact" });
const base = discreteTable();
const minSnr: Objective = { prediction: "v", table: zero, weighting: { kind: "min_snr", gamma: 5 } };

test("the terminal level has a weight of its own, 1 unless said; the level before it has the formula's", () => {
  expect([...lossWeights(minSnr).slice(-2)]).toEqual([zero.sigmas[998]! ** -2 / (zero.sigmas[998]! ** -2 + 1), 1]);
  expect(lossWeights({ ...minSnr, terminalWeight: 0.3 })[999]).toBe(0.3);
  expect(lossWeights({ ...minSnr, terminalWeight: "limit" })[999]).toBe(0);
  // Also where the end is written as a number.
  expect(lossWeights({ ...minSnr, table: discreteTable({ zeroSnr: "comfyui" }) })[999]).toBe(1);
  // A schedule without zero SNR has no such level.
  const plain = lossWeights({ ...minSnr, table: base });
  expect(plain[999]).toBeCloseTo(0.00466, 5);
});

test("weights of kohya's stale SNR and of another prediction's formula", () => {
  const stale = { ...minSnr, weightTable: base };
  // The levels of a golden table of sd-scripts' arithmetic, the last one among them.
  const golden = [0.00425, 0.52888, 0.5905, 0.27633, 0.08252, 0.01415, 0.00466];
  [0, 100, 300, 500, 700, 900, 999].forEach((level, i) => {
    expect(lossWeights(stale)[level]).toBeCloseTo(golden[i]!, 5);
  });
  expect(lossWeights({ ...stale, weighting: { kind: "debiased", form: "kohya" } })[999]).toBeCloseTo(0.9953, 4);
  expect(lossWeights({ ...stale, terminalWeight: 1 })[999]).toBe(1);
  const foreign = lossWeights({ ...minSnr, weightFor: "eps" });
  // min(1, 5 / SNR): 1 wherever SNR < 5, on level 200 and beyond.
  expect([...new Set(foreign.slice(200))]).toEqual([1]);
});

test.each([
  ["v on flow's levels", { ...minSnr, table: flowTable() }, 'v prediction on a table of family "flow"'],
  [
    "a weight table of other length",
    { ...minSnr, weightTable: discreteTable({ levels: 10 }) },
    "weights from 10 levels",
  ],
  ["a negative terminal weight", { ...minSnr, terminalWeight: -1 }, "terminal weight -1"],
  ["a loss without threshold", { ...minSnr, loss: { kind: "huber", threshold: 0 } as LossOptions }, "threshold 0"],
])("%s is refused", (_, objective, message) => {
  expect(() => lossWeights(objective)).toThrow(message);
});

test("a batch of two pictures, each at its own level", () => {
  const loss: LossOptions = { kind: "huber", threshold: 0.2 };
  const weights = lossWeights(minSnr);
  const examples = {
    x0: Float32Array.of(1, 2, 3, 4),
    noise: Float32Array.of(5, 6, 7, 8),
    inputNoise: Float32Array.of(5, 6, -7, -8),
    levels: Int32Array.of(0, 999),
  };
  const batch = makeBatch({ ...minSnr, loss }, weights, examples);
  const alpha = Math.sqrt(0.99915);
  const share = Math.sqrt(1 - 0.99915);
  [alpha + share * 5, alpha * 2 + share * 6, -7, -8].forEach((v, k) => {
    expect(batch.input[k]).toBeCloseTo(v, 6);
  });
  [alpha * 5 - share, alpha * 6 - share * 2, -3, -4].forEach((v, k) => {
    expect(batch.target[k]).toBeCloseTo(v, 6);
  });
  expect([...batch.timesteps]).toEqual([0, 999]);
  expect([...batch.weights]).toEqual([Math.fround(weights[0]!), 1]);
  const thresholds = [huberThreshold(loss, 0, zero.sigmas[0]!, 1000), 0.2];
  expect([...batch.thresholds]).toEqual(thresholds.map(Math.fround));
  expect([...makeBatch(minSnr, weights, examples).thresholds]).toEqual([1, 1]);
});

test("a flow network is told 1000 s", () => {
  const table = flowTable({ shift: 3 });
  const objective: Objective = { prediction: "flow", table };
  const examples = { x0: new Float32Array(2), noise: new Float32Array(2), levels: Int32Array.of(499, 999) };
  // s = 3 * 0.5 / (1 + 2 * 0.5)
  expect([...makeBatch(objective, lossWeights(objective), examples).timesteps]).toEqual([750, 1000]);
});

test("pictures of unequal size and levels that are none are refused", () => {
  const weights = lossWeights(minSnr);
  const three = new Float32Array(3);
  expect(() => makeBatch(minSnr, weights, { x0: three, noise: three, levels: Int32Array.of(1, 2) })).toThrow(
    "2 levels",
  );
  expect(() => makeBatch(minSnr, weights, { x0: three, noise: three, levels: Int32Array.of(1000) })).toThrow(
    "level 1000",
  );
});
