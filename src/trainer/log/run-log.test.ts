import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import fc from "fast-check";
import { afterAll, expect, test, vi } from "vitest";

// Files are flushed to the disk, which others may keep busy.
vi.setConfig({ testTimeout: 90_000 });

import { encodePng } from "../../formats/index.ts";
import { emptyHistory, remember } from "./history.ts";
import { openRunLog, type RunLog, type RunLogOptions } from "./index.ts";
import type { StepLine } from "./lines.ts";
import { runPage } from "./page.ts";
import { previewFile } from "./previews.ts";
import { chosen, emptySample, take } from "./sample.ts";
import { emptySeries, push } from "./series.ts";

const folders: string[] = [];
const folder = () => {
  folders.push(mkdtempSync(join(tmpdir(), "run-log-")));
  return folders.at(-1)!;
};
afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true });
});

const png = encodePng({ width: 3, height: 2, rgb: new Uint8Array(18).fill(200) });
const options: RunLogOptions = { name: "a run", recipe: "seed = 1", totalSteps: 9, clock: () => 1.7e12 };
const warning = { level: "warning", code: "low", message: "1.6 %", hint: "More." } as const;

async function train(log: RunLog, from: number, to: number): Promise<void> {
  await log.finding(warning);
  for (let step = from; step <= to; step++) {
    const levels = [0, 999].map((level) => ({ level, loss: (level + 1) / step }));
    const figures = { loss: 1 / step / 3, "white pixels": step };
    const rest = { gradientNorm: 1 / step, pictures: 2, seconds: 0.5, levels, epoch: step / 7 };
    await log.step({ step, figures, learningRates: { unet: 1e-4 / step }, ...rest });
    if (step % 2 === 0) await log.preview({ step, prompt: "1girl", seed: 7, png });
    if (step % 3 === 0) await log.figures(step, { colours: step / 9 });
  }
}

const jsonl = (dir: string) => readFileSync(join(dir, "log.jsonl"), "utf8");
const lines = (dir: string) =>
  jsonl(dir)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const page = (dir: string) => readFileSync(join(dir, "index.html"), "utf8");

test("a run that was killed anywhere and resumed from a checkpoint has the log of one that was not", async () => {
  const whole = folder();
  const undisturbed = await openRunLog(whole, options);
  await train(undisturbed, 1, 9);
  await undisturbed.close("finished");
  const expected = jsonl(whole);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 3 }),
      fc.nat(60),
      async (from, more, torn) => {
        const dir = folder();
        await train(await openRunLog(dir, options), 1, from + more);
        if (more > 0) truncateSync(join(dir, "log.jsonl"), jsonl(dir).length - torn);
        const resumed = await openRunLog(dir, { ...options, resumeFrom: from });
        await train(resumed, from + 1, 9);
        await resumed.close("finished");
        // A kill may have taken what followed the checkpoint's own step: its preview and figures. With torn at most 60
        // bytes of the last step's line, that never happens here but where no step came after the checkpoint.
        expect(jsonl(dir)).toBe(expected);
        expect(page(dir)).toBe(page(whole));
      },
    ),
    { numRuns: 6 },
  );
});

test("a run's log has what was told, in numbers that JSON can say", async () => {
  const dir = folder();
  const log = await openRunLog(dir, options);
  const first = { step: 1, figures: { loss: 2 }, learningRates: { unet: 1e-4 }, pictures: 4, seconds: 2 };
  expect(await log.step(first)).toBe(2);
  const levels = [
    { level: 0, loss: 1 },
    { level: 99, loss: 3 },
    { level: 999, loss: 5 },
  ];
  const nan = { figures: { loss: Number.NaN, other: Infinity }, gradientNorm: Number.NaN, skipped: true };
  await log.step({ step: 2, learningRates: {}, pictures: 4, seconds: 2, levels, ...nan });
  const smoothed = await log.step({ step: 3, figures: { loss: 4 }, learningRates: {}, pictures: 4, seconds: 4 });
  await log.close("stopped");
  const [run, one, two, finding, three, end] = lines(dir);
  expect(run).toEqual({
    kind: "run",
    name: "a run",
    recipe: "seed = 1",
    totalSteps: 9,
    time: "2023-11-14T22:13:20.000Z",
  });
  expect(one).toEqual({
    kind: "step",
    step: 1,
    loss: 2,
    smoothedLoss: 2,
    learningRates: { unet: 1e-4 },
    samplesPerSecond: 2,
    seconds: 2,
  });
  expect(two).toMatchObject({
    loss: null,
    smoothedLoss: 2,
    gradientNorm: null,
    skipped: true,
    figures: { other: null },
  });
  expect(two!.binLosses).toEqual([2, ...new Array(8).fill(null), 5]);
  expect(finding).toMatchObject({ kind: "finding", step: 2, code: "loss_not_finite" });
  // The closed form of two values of which the older weighs 0.99 of the newer.
  expect(three!.smoothedLoss).toBeCloseTo((0.99 * 2 + 4) / 1.99, 6);
  expect(smoothed).toBe(three!.smoothedLoss);
  expect(three!.seconds).toBe(8);
  expect(end).toMatchObject({ kind: "end", step: 3, reason: "stopped" });
  // Half a second a picture twice, then a whole one that counts for a fiftieth: 1 / 0.51.
  expect(page(dir)).toContain("<dt>pictures a second</dt><dd>1.96</dd>");
  expect(readdirSync(dir).filter((name) => name.includes("tfevents"))).toHaveLength(1);
});

test("a run has begun when it did at first, wherever it goes on from", async () => {
  const dir = folder();
  const first = await openRunLog(dir, options);
  await train(first, 1, 2);
  await first.close("stopped");
  const later = { ...options, clock: () => 1.8e12 };
  const resumed = await openRunLog(dir, { ...later, resumeFrom: 2 });
  await resumed.close("stopped");
  expect([first.startedAt, resumed.startedAt]).toEqual([new Date(1.7e12), new Date(1.7e12)]);
  // Without a checkpoint nothing is gone on with.
  const anew = await openRunLog(dir, { ...later, resumeFrom: 0 });
  await anew.close("stopped");
  expect(anew.startedAt).toEqual(new Date(1.8e12));
});

test("another run's log is not written over, and steps do not fall", async () => {
  const dir = folder();
  const log = await openRunLog(dir, options);
  await train(log, 1, 2);
  await expect(openRunLog(dir, options)).rejects.toMatchObject({ code: "bad_option" });
  await expect(
    log.step({ step: 2, figures: { loss: 1 }, learningRates: {}, pictures: 1, seconds: 1 }),
  ).rejects.toMatchObject({
    message: "step 2 after step 2",
  });
  await log.step({ step: 3, figures: { loss: 1 }, learningRates: {}, pictures: 1, seconds: 1 });
  expect(lines(dir).at(-1)).toMatchObject({ step: 3 });
});

test("calls that are not waited for are written in their order", async () => {
  const dir = folder();
  const log = await openRunLog(dir, options);
  const step = (n: number) => log.step({ step: n, figures: { loss: n }, learningRates: {}, pictures: 1, seconds: 1 });
  await Promise.all([step(1), log.preview({ step: 1, prompt: "p", png }), step(2), step(3), log.close("finished")]);
  expect(lines(dir).map(({ kind }) => kind)).toEqual(["run", "step", "preview", "step", "step", "end"]);
});

test("the page is written as often as asked, and whole at every end", async () => {
  const dir = folder();
  let now = 1.7e12;
  const log = await openRunLog(dir, { ...options, every: 10, clock: () => now });
  const shown = () => /step (\d+)<\/title>/.exec(page(dir))![1];
  const step = (n: number) => log.step({ step: n, figures: { loss: n }, learningRates: {}, pictures: 1, seconds: 200 });
  await step(1);
  now += 9000;
  await step(2);
  expect(shown()).toBe("0");
  now += 1000;
  await step(3);
  await vi.waitFor(() => expect(shown()).toBe("3"), 30_000);
  expect(page(dir)).toContain('data-state="running"');
  // Steps of 200 seconds: dead after three of those and two minutes.
  expect(page(dir)).toContain('data-quiet="720"');
  await log.close("failed", "the disk is full");
  expect(page(dir)).toContain('data-state="failed"');
  expect(page(dir)).toContain("failed: the disk is full");
});

test("captions, names and recipes from strangers stay text, and the page asks for nothing outside of it", async () => {
  const evil = `</pre></title><script>alert(1)</script><img src=x onerror="alert(1)">' &`;
  const dir = folder();
  const log = await openRunLog(dir, { ...options, name: evil, recipe: evil });
  await log.finding({ level: "warning", code: evil, message: evil, hint: evil });
  await log.step({ step: 1, figures: { loss: 1, [evil]: 2 }, learningRates: { [evil]: 1 }, pictures: 1, seconds: 1 });
  await log.preview({ step: 1, prompt: evil, name: evil, png });
  await log.close("failed", evil);
  const html = page(dir);
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).not.toContain("<img src=x");
  // Every attribute of every tag is one that the page itself has.
  const names = [
    ...html.replace(/<(script|style)>[\s\S]*?<\/\1>/g, "").matchAll(/<[a-z0-9]+((?:\s+[a-z-]+="[^"]*")*)\s*\/?>/gi),
  ];
  const attributes = new Set(names.flatMap((tag) => [...tag[1]!.matchAll(/([a-z-]+)="/gi)].map((m) => m[1]!)));
  expect([...attributes].filter((name) => name.startsWith("on"))).toEqual([]);
  const sources = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map((m) => m[1]!);
  expect(
    sources.filter(
      (source) => !/^(data:image\/webp;base64,|previews\/\d{8}-[a-z0-9-]+\.png$|log\.jsonl$)/.test(source),
    ),
  ).toEqual([]);
  expect(html).toContain("default-src &#39;none&#39;");
  const script = /<script>([\s\S]*?)<\/script>/.exec(html)![1]!;
  // A browser runs the script only if its text has the policy's hash, and it is one that can be run.
  const policy = `script-src &#39;sha256-${createHash("sha256").update(script).digest("base64")}&#39;`;
  expect(html).toContain(policy);
  expect(() => new Script(script)).not.toThrow();
});

test("the charts' numbers can be read without seeing them", async () => {
  const dir = folder();
  const log = await openRunLog(dir, options);
  await train(log, 1, 5);
  await log.close("finished");
  const html = page(dir);
  const row = /<tr><th scope="row">4<\/th>(.*?)<\/tr>/.exec(html)![1]!;
  expect([...row.matchAll(/<td>(.*?)<\/td>/g)].map((m) => m[1])).toEqual(["0.0833", "0.173", "0.25", "2.5e-5"]);
  expect(html).toContain("<title>Loss</title><desc>At step 5: each step: 0.0667, smoothed: 0.151</desc>");
  expect(html.match(/<svg viewBox[^>]*role="img"><title>/g)).toHaveLength(6);
});

test("previews have one file a step and prompt, and only those of dropped steps are deleted", async () => {
  const dir = folder();
  const log = await openRunLog(dir, options);
  await train(log, 1, 6);
  writeFileSync(join(dir, "previews", "00000099-mine.txt"), "mine");
  await openRunLog(dir, { ...options, resumeFrom: 3 });
  expect(readdirSync(join(dir, "previews")).sort()).toEqual(
    ["00000002-1girl-6362d0d2.png", "00000099-mine.txt"].sort(),
  );
  expect(previewFile(1, "ÄÖ/../x")).toMatch(/^previews\/00000001-x-[0-9a-f]{8}\.png$/);
  expect(previewFile(1, "a b")).not.toBe(previewFile(1, "a-b"));
});

test("a picture that is none is refused before anything is written", async () => {
  const dir = folder();
  const log = await openRunLog(dir, options);
  await expect(log.preview({ step: 1, prompt: "p", png: Buffer.from("no") })).rejects.toMatchObject({
    code: "bad_file",
  });
  expect(existsSync(join(dir, "previews"))).toBe(false);
});

function stepLine(step: number): StepLine {
  const loss = step === 12_345 ? 99 : 1 + Math.sin(step);
  const binLosses = Array.from({ length: 10 }, (_, i) => (step % 10 === i ? loss : null));
  const rest = { gradientNorm: 1 / step, learningRates: { unet: 1e-4, textEncoder: 1e-5 }, figures: { colours: loss } };
  return { kind: "step", step, loss: step === 7 ? null : loss, smoothedLoss: 1, seconds: step, binLosses, ...rest };
}

test("a run of any length is remembered in the same memory and shown on a page of the same size", () => {
  const history = emptyHistory();
  const state = { name: "long", recipe: "", totalSteps: 1e6, updated: 0, every: 10, quiet: 120, thumbnails: new Map() };
  const sizes: number[] = [];
  const pages: number[] = [];
  for (let step = 1; step <= 120_000; step++) {
    remember(history, stepLine(step));
    if (step % 100 === 0) {
      remember(history, { kind: "preview", step, name: "1", file: previewFile(step, "1") });
      const finding = { ...warning, code: "loss_not_finite", message: `the loss of step ${step}` };
      remember(history, { kind: "finding", step, ...finding });
    }
    if (step % 40_000 === 0) {
      sizes.push(JSON.stringify([history, [...history.figures], [...history.strips]]).length);
      pages.push(runPage(history, state).length);
    }
  }
  for (const list of [sizes, pages]) expect(Math.max(...list)).toBeLessThan(1.5 * Math.min(...list));
  expect(pages[2]).toBeLessThan(400_000);
  expect(history.findings).toHaveLength(20);
  for (const series of [
    history.loss,
    ...history.bins,
    ...history.figures.values(),
    ...history.learningRates.values(),
  ]) {
    expect(series.steps.length).toBeLessThanOrEqual(4096 + 3);
    expect(series.steps.every((step, i) => i === 0 || step >= series.steps[i - 1]!)).toBe(true);
  }
  // Evenly over the whole run, with its one spike and its end.
  const { steps, values } = history.loss;
  expect([steps.at(-1), values.at(-1)]).toEqual([120_000, 1 + Math.sin(120_000)]);
  expect(steps[values.indexOf(99)]).toBe(12_345);
  const firstHalf = steps.filter((step) => step <= 60_000).length / steps.length;
  expect(Math.abs(firstHalf - 0.5)).toBeLessThan(0.01);
  expect(chosen(history.strips.get("1")!).map(({ step }) => step)).toContain(120_000);
});

test("points of a curve are all there at first, then the least and greatest of each stretch", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.double(), fc.constant(null)), { maxLength: 300 }), (values) => {
      const series = emptySeries();
      for (const [i, value] of values.entries()) push(series, i, value);
      expect(series.values).toEqual(values.map((value) => value ?? Number.NaN));
    }),
  );
  const long = emptySeries();
  const wave = (i: number) => Math.sin(i * i);
  for (let i = 0; i < 50_000; i++) push(long, i, i < 10_000 ? null : wave(i));
  const { span, open } = long;
  for (let at = 0; at < open; at += 2) {
    const stretch = Array.from({ length: span }, (_, k) => (at / 2) * span + k).filter((i) => i >= 10_000);
    const expected = stretch.length === 0 ? [Number.NaN] : stretch.map(wave);
    const kept = [long.values[at]!, long.values[at + 1]!];
    expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...expected), Math.max(...expected)]);
  }
});

test("of a list without an end, evenly many are chosen, the first and the newest among them", () => {
  const sample = emptySample<number>(23);
  for (let n = 0; n < 1000; n++) {
    take(sample, n);
    const now = chosen(sample);
    expect([now[0], now.at(-1)]).toEqual([0, n]);
    expect(now.length).toBeLessThanOrEqual(24);
    if (n >= 23) expect(now.length).toBeGreaterThanOrEqual(12);
    const gaps = now.slice(1, -1).map((member, i) => member - now[i]!);
    expect(new Set(gaps).size).toBeLessThanOrEqual(1);
  }
});
