import { expect, test } from "vitest";
import { discreteTable, edmTable, flowTable } from "../tables.ts";
import { betaDistribution, betaQuantile } from "./beta-quantile.ts";
import { makeSchedule, type ScheduleName, scheduleNames } from "./schedule.ts";

const base = discreteTable();
const exact = discreteTable({ zeroSnr: "exact" });
const comfyui = discreteTable({ zeroSnr: "comfyui" });

const tables = { base, comfyui };

// Ten steps, computed independently with numpy and scipy in float64 and printed to five decimals.
const golden: [keyof typeof tables, ScheduleName, string][] = [
  ["base", "normal", "14.61464 7.83988 4.60917 2.91831 1.95016 1.34493 0.93236 0.62498 0.36866 0.02917"],
  ["base", "sgm_uniform", "14.61464 8.30717 5.09241 3.32507 2.27973 1.61558 1.16286 0.83188 0.57119 0.34370"],
  ["base", "simple", "14.61464 8.30280 5.08776 3.32108 2.27646 1.61289 1.16058 0.82986 0.56928 0.34167"],
  ["base", "ddim_uniform", "8.39068 5.13443 3.34776 2.29285 1.62369 1.16822 0.83565 0.57405 0.34619 0.04131"],
  ["base", "karras", "14.61464 9.10293 5.47839 3.16860 1.74942 0.91407 0.44692 0.20140 0.08191 0.02917"],
  ["base", "exponential", "14.61464 7.32487 3.67123 1.84002 0.92222 0.46222 0.23166 0.11611 0.05819 0.02917"],
  ["base", "beta", "14.61464 11.54277 7.37184 4.37280 2.61524 1.61828 1.02733 0.65489 0.39551 0.19906"],
  ["base", "beta_forge", "14.61464 13.92778 12.49098 10.59761 8.44244 6.20137 4.04620 2.15283 0.71602 0.02917"],
  ["base", "kl_optimal", "14.61464 4.23235 2.39372 1.59707 1.13300 0.81524 0.57291 0.37248 0.19529 0.02917"],
  ["comfyui", "normal", "4518.7637 15.96012 6.40333 3.50093 2.18303 1.45223 0.98690 0.65404 0.38323 0.02917"],
  ["comfyui", "sgm_uniform", "4518.7637 18.15212 7.42098 4.12047 2.60919 1.77132 1.24396 0.87695 0.59677 0.35711"],
  ["comfyui", "simple", "4518.7637 18.13005 7.41070 4.11418 2.60485 1.76808 1.24137 0.87474 0.59475 0.35499"],
  [
    "comfyui",
    "karras",
    "4518.7637 2317.94137 1108.13888 485.58945 190.54378 64.70325 18.03182 3.77349 0.50191 0.02917",
  ],
  [
    "comfyui",
    "exponential",
    "4518.7637 1197.67509 317.43763 84.13521 22.29961 5.91040 1.56652 0.41520 0.11005 0.02917",
  ],
  ["comfyui", "beta", "4518.7637 51.61954 14.04808 5.94039 3.06617 1.77456 1.09196 0.68599 0.41138 0.20629"],
  ["comfyui", "kl_optimal", "4518.7637 5.77398 2.80235 1.77099 1.22331 0.86692 0.60347 0.38982 0.20315 0.02917"],
];

test.each(golden)("ten steps over the %s table: %s", (table, name, printed) => {
  const { sigmas } = makeSchedule(name, tables[table], 10);
  const expected = printed.split(" ").map(Number);
  expect(sigmas.length).toBe(11);
  expect(sigmas[10]).toBe(0);
  expected.forEach((e, i) => {
    // Half of the last printed digit: the fifth decimal, the fourth where the number is 4518.7637.
    expect(Math.abs(sigmas[i]! - e)).toBeLessThan(e > 4000 ? 5.1e-5 : 5.1e-6);
  });
});

test.each([
  ["trailing", 10, [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]],
  ["leading", 10, [901, 801, 701, 601, 501, 401, 301, 201, 101, 1]],
  ["linspace", 10, [999, 888, 777, 666, 555, 444, 333, 222, 111, 0]],
  ["beta", 10, [999, 959, 876, 765, 637, 500, 362, 234, 123, 40]],
] as const)("%s of %i steps: the published time steps", (name, steps, times) => {
  expect(makeSchedule(name, exact, steps).timesteps).toEqual(times);
  expect(makeSchedule(name, base, steps).timesteps).toEqual(times);
});

test("trailing of 28 and 30 steps as diffusers rounds them; leading of 28 starts at 946", () => {
  const trailing28 = makeSchedule("trailing", exact, 28).timesteps;
  expect([...trailing28.slice(0, 5), ...trailing28.slice(-3)]).toEqual([999, 963, 928, 892, 856, 106, 70, 35]);
  const trailing30 = makeSchedule("trailing", exact, 30).timesteps;
  expect([...trailing30.slice(0, 5), ...trailing30.slice(-3)]).toEqual([999, 966, 932, 899, 866, 99, 66, 32]);
  expect(makeSchedule("leading", exact, 28).timesteps[0]).toBe(946);
  // 62.5 levels a step: the half goes to the even level number, as numpy rounds.
  expect(makeSchedule("trailing", exact, 16).timesteps.slice(0, 4)).toEqual([999, 937, 874, 811]);
});

test("beta of 28 steps against scipy's quantiles", () => {
  expect(makeSchedule("beta", exact, 28).timesteps).toEqual([
    999, 992, 976, 955, 928, 897, 862, 823, 782, 739, 693, 646, 598, 549, 500, 450, 401, 353, 306, 260, 217, 176, 137,
    102, 71, 44, 23, 7,
  ]);
});

test("simple and trailing agree where the steps divide 1000, and are one level apart at most elsewhere", () => {
  let differing = 0;
  for (let steps = 1; steps <= 150; steps++) {
    const [a, b] = [makeSchedule("simple", exact, steps).timesteps, makeSchedule("trailing", exact, steps).timesteps];
    if (1000 % steps === 0) expect(a).toEqual(b);
    for (const [i, t] of a.entries()) expect([0, 1]).toContain(t - b[i]!);
    if (a.some((t, i) => t !== b[i])) differing++;
  }
  // Checked, not hoped: they are not the same schedule (28 steps: 964 against 963).
  expect(differing).toBeGreaterThan(100);
});

test("the levels of integer times are the table's own numbers", () => {
  for (const name of ["trailing", "leading", "linspace", "simple", "beta", "ddim_uniform"] as const) {
    const { sigmas, timesteps } = makeSchedule(name, exact, 10);
    expect(sigmas.slice(0, -1)).toEqual(timesteps.map((t) => exact.sigmas[t]));
  }
});

test("ddim_uniform of 28 steps has 29, as in ComfyUI, and says so", () => {
  const { sigmas, timesteps, warnings } = makeSchedule("ddim_uniform", base, 28);
  expect([sigmas.length, timesteps[0], timesteps.at(-1)]).toEqual([30, 981, 1]);
  expect(warnings.map((w) => w.code)).toEqual(["step_count"]);
});

test("Align Your Steps: the published ten, resampled for other counts, from the terminal on zero SNR", () => {
  const published = [14.6146, 6.3184, 3.7682, 2.1811, 1.3405, 0.8621, 0.5551, 0.3799, 0.2332, 0.1114];
  makeSchedule("ays", base, 10)
    .sigmas.slice(0, -1)
    .forEach((sigma, i) => {
      expect(Math.abs(sigma - published[i]!)).toBeLessThan(5.1e-5);
    });
  const twenty = makeSchedule("ays", base, 20).sigmas;
  expect(twenty[3]).toBeCloseTo(Math.sqrt(6.3184485287 * 3.7681790315), 9);
  expect(makeSchedule("ays", exact, 10).sigmas.slice(0, 2)).toEqual([Number.POSITIVE_INFINITY, 6.3184485287]);
  expect(() => makeSchedule("ays", flowTable(), 10)).toThrow('schedule "ays" on a table of family "flow"');
});

test("schedules that divide sigma start at 4518.76 on an exact table and say so; others at Infinity", () => {
  for (const name of scheduleNames) {
    const { sigmas, warnings } = makeSchedule(name, exact, 28);
    const finite = ["karras", "exponential", "beta_forge", "kl_optimal"].includes(name);
    const missed = ["leading", "ddim_uniform"].includes(name);
    const codes = warnings.map((w) => w.code);
    expect([name, codes.includes("finite_terminal")]).toEqual([name, finite]);
    expect([name, codes.includes("terminal_missed")]).toEqual([name, missed]);
    if (finite) expect(sigmas[0]).toBeCloseTo(4518.7637, 3);
    else expect(sigmas[0] === Number.POSITIVE_INFINITY).toBe(!missed);
    const onBase = makeSchedule(name, base, 25).warnings.map((w) => w.code);
    expect([name, onBase]).toEqual([name, name === "beta_forge" ? ["steps_before_detail"] : []]);
  }
});

test("warnings carry the measured numbers: karras spends 19 of 28 steps in noise, beta_forge 27", () => {
  const message = (name: ScheduleName, steps: number) =>
    makeSchedule(name, exact, steps)
      .warnings.map((w) => w.message)
      .join("\n");
  expect(message("karras", 28)).toContain("19 of 28 steps above sigma 14.61");
  expect(message("beta_forge", 28)).toContain("27 of 28 steps");
  expect(message("leading", 28)).toContain("starts at sigma 37.86");
  expect(message("kl_optimal", 10)).toContain("from sigma 4519 to 5.774 in its first of 10 steps");
});

test.each(["karras", "exponential", "simple", "normal", "sgm_uniform", "trailing", "beta"] as const)(
  "%s falls from the largest level on every family of tables, for every count",
  (name) => {
    for (const table of [
      base,
      exact,
      flowTable({ shift: 3 }),
      edmTable(),
      discreteTable({ shift: 0.125, zeroSnr: "exact" }),
    ]) {
      for (const steps of [1, 2, 3, 7, 28, 150]) {
        const { sigmas, timesteps } = makeSchedule(name, table, steps);
        expect(timesteps.length).toBe(sigmas.length - 1);
        for (let i = 1; i < sigmas.length; i++) expect(sigmas[i]).toBeLessThan(sigmas[i - 1]!);
        if (Number.isFinite(sigmas[0])) expect(sigmas[0]! / Math.min(table.sigmas[999]!, sigmas[0]!)).toBeCloseTo(1, 9);
      }
    }
  },
);

test("a count of steps that no table can give is refused", () => {
  for (const steps of [0, -3, 2.5, 1000]) expect(() => makeSchedule("simple", base, steps)).toThrow(`${steps} steps`);
});

test("discarding the level before 0 takes one more step and drops it", () => {
  const plain = makeSchedule("karras", base, 11).sigmas;
  const discarded = makeSchedule("karras", base, 10, { discardPenultimate: true }).sigmas;
  expect(discarded).toEqual([...plain.slice(0, 10), 0]);
});

test("the beta distribution against its closed forms", () => {
  for (const x of [0.001, 0.1, 0.35, 0.5, 0.72, 0.99]) {
    // Beta(1/2, 1/2) is the arcsine law, Beta(a, 1) is x^a, Beta(2, 3) a polynomial.
    expect(betaDistribution(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 13);
    expect(betaDistribution(x, 0.6, 1)).toBeCloseTo(x ** 0.6, 13);
    expect(betaDistribution(x, 2, 3)).toBeCloseTo(x * x * (6 - 8 * x + 3 * x * x), 13);
    expect(betaQuantile(betaDistribution(x, 0.6, 0.6), 0.6, 0.6)).toBeCloseTo(x, 12);
  }
  expect([betaQuantile(0, 0.6, 0.6), betaQuantile(0.5, 0.6, 0.6), betaQuantile(1, 0.6, 0.6)]).toEqual([
    0,
    expect.closeTo(0.5, 12),
    1,
  ]);
});
