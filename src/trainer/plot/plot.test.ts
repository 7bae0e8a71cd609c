import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { discreteTable, flowTable } from "../../sampling/tables.ts";
import { curvePath, thinned } from "./curve.ts";
import { namedPlan, planCsv, planJson, planPng, planSvg, planText } from "./index.ts";
import { linearScale, logScale } from "./scales.ts";
import { escapeMarkup } from "./svg.ts";

const table = discreteTable({ zeroSnr: "exact" });
const uniform = namedPlan("v", { prediction: "v", table });
const minSnr = namedPlan('min "5" <script>', { prediction: "v", table, weighting: { kind: "min_snr", gamma: 5 } });

test("a curve of a constant weight is a straight line at the scale's place, and the terminal level a dot", () => {
  const svg = planSvg([uniform]);
  const [weight] = [...svg.matchAll(/class="curve s0 d0" d="(M[^"]*L[^"]*)"/g)].map((m) => m[1]!);
  const heights = new Set([...weight!.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map((m) => m[1]));
  expect(heights.size).toBe(1);
  const dots = [...svg.matchAll(/<circle[^>]*cy="([\d.]+)"/g)].map((m) => m[1]);
  expect(dots).toHaveLength(3);
  expect(heights).toContain(dots[0]);
});

test("what is written beside the curves: the shares of docs/training-objectives.md, for eyes and for readers aloud", () => {
  const svg = planSvg([uniform, minSnr]);
  const shares = ["1.6 %", "31.4 %", "47.7 %", "19.3 %", "0.279"];
  for (const share of ["28.4 %", "37.9 %", ...shares]) expect(svg).toContain(`>${share}<`);
  expect(svg).toContain("min &quot;5&quot; &lt;script&gt;: of the loss 1.6 % on SNR &lt; 0.05, 31.4 % on 0.05 to 1");
  expect(svg).not.toContain("<script");
  const text = planText([minSnr]);
  for (const share of shares) expect(text).toContain(share);
  expect(text).toContain("terminal      weight 1, drawn once in 1000");
});

test("the figure is a picture of its size, and its curves are there in their colours", async () => {
  const png = await planPng(planSvg([uniform, minSnr]), 1);
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  expect(info.width).toBe(960);
  const count = (colour: number[]) => {
    let found = 0;
    for (let i = 0; i < data.length; i += 3) if (colour.every((c, k) => Math.abs(data[i + k]! - c) < 8)) found++;
    return found;
  };
  // Lines some 900 pixels long in three panels; paper for most of the rest.
  expect(count([0x00, 0x72, 0xb2])).toBeGreaterThan(900);
  expect(count([0xd5, 0x5e, 0x00])).toBeGreaterThan(500);
  expect(count([255, 255, 255])).toBeGreaterThan(0.5 * (data.length / 3));
});

test("plans that are hard to draw: infinite weights, no terminal level, times of flow, shares that stand far out", () => {
  const hard = [
    namedPlan("inf", {
      prediction: "eps",
      table,
      weighting: { kind: "debiased" },
      terminalWeight: "limit",
      timesteps: { maxTimestep: 999 },
    }),
    namedPlan("eps", { prediction: "eps", table: discreteTable() }),
    namedPlan("flow", { prediction: "flow", table: flowTable({ shift: 3 }), timesteps: { terminalShare: 0.5 } }),
  ];
  for (const plans of [hard, ...hard.map((plan) => [plan])]) {
    // The one infinity to be told is that of a weight that no draw meets.
    const told = planSvg(plans).replace(/weight Infinity, never drawn|>terminal: Infinity</g, "");
    expect(/NaN|Infinity|undefined/.exec(told)?.[0]).toBe(undefined);
    expect(/NaN|undefined/.exec(planText(plans))?.[0]).toBe(undefined);
    expect(JSON.parse(JSON.stringify(planJson(plans)))).toEqual(planJson(plans));
  }
  expect(planJson(hard)[0]!.weight[999]).toBe("Infinity");
  expect(() => planSvg([])).toThrow(expect.objectContaining({ code: "bad_option" }));
});

test("the table of levels is read back as the plan, and a name is never a formula", () => {
  const rows = planCsv([namedPlan('=HYPERLINK("x")', { prediction: "v", table })])
    .trim()
    .split("\n");
  expect(rows).toHaveLength(1001);
  expect(rows[0]).toBe("recipe,level,t,snr,weight,probability,product");
  const { probability } = uniform.plan;
  expect(rows[1000]).toBe(`"'=HYPERLINK(""x"")",999,999,0,1,${probability[999]},${probability[999]}`);
  const snr = rows.slice(1).map((row) => Number(row.split(",").at(-4)));
  expect(snr).toEqual([...uniform.plan.snr]);
});

test("bars in a terminal: a line as wide as asked, full at the largest value and empty at none", () => {
  const lines = planText([namedPlan("p", { prediction: "v", table, timesteps: { maxTimestep: 500 } })], 60).split("\n");
  const draws = lines.slice(lines.findIndex((l) => l.includes("draws")) + 1).slice(0, 4);
  // 500 of 1000 levels are drawn, twice as often as evenly: 25 full columns of 50.
  expect(draws[0]).toBe(`       2 ${"█".repeat(25)}`);
  expect(draws[3]).toBe(`       0 ${"█".repeat(25)}`);
  expect(Math.max(...lines.map((l) => l.length))).toBeLessThanOrEqual(100);
});

test("ticks are round, within the scale, and few", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      (low, size) => {
        const scale = linearScale(low, low + size);
        expect(scale.ticks.length).toBeLessThan(14);
        for (const { value } of scale.ticks) {
          // Rounding of the ends themselves.
          expect(scale.at(value)).toBeGreaterThanOrEqual(-1e-6);
          expect(scale.at(value)).toBeLessThanOrEqual(1 + 1e-6);
        }
      },
    ),
  );
  expect(linearScale(0, 1).ticks.map(({ text }) => text)).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
  expect(logScale(0.001, 10).ticks.map(({ text }) => text)).toEqual(["0.001", "0.01", "0.1", "1", "10"]);
  expect(logScale(1, 100).at(10)).toBeCloseTo(0.5, 12);
});

test("thinning keeps the extremes and the order, at most four points a column", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.double(), fc.constant(Number.NaN)), { minLength: 1, maxLength: 500 }), (ys) => {
      const points = thinned(
        ys.map((_, i) => i),
        ys,
        10,
      );
      const numbers = ys.filter((y) => !Number.isNaN(y));
      const kept = points.map(([, y]) => y).filter((y) => !Number.isNaN(y));
      expect(points.length).toBeLessThanOrEqual(Math.max(40, 4 * 10));
      expect(Math.max(...kept)).toBe(Math.max(...numbers));
      expect(Math.min(...kept)).toBe(Math.min(...numbers));
      const xs = points.map(([x]) => x);
      expect(xs).toEqual([...xs].sort((a, b) => a - b));
    }),
  );
});

test("a curve with gaps: pieces, and a dot where a point stands alone", () => {
  const box = { x: 0, y: 0, width: 10, height: 10 };
  const path = curvePath(
    [
      [0, 0],
      [0.1, 1],
      [0.2, Number.NaN],
      [0.3, 0.5],
      [0.4, Number.NaN],
      [0.5, 2],
      [0.6, -1],
    ],
    box,
  );
  expect(path).toBe("M0 10L1 0M3 5L3 5M5 0L6 10");
});

test("markup from strangers stays text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const safe = escapeMarkup(text);
      expect(safe).not.toMatch(/[<>"']/);
      expect(safe.replace(/&(amp|lt|gt|quot|#39);/g, "")).not.toContain("&");
    }),
  );
  expect(escapeMarkup("a\u0000\ud800b\n")).toBe("a\ufffd\ufffdb\n");
});
