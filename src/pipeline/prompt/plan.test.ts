/** @file Plans as data, and whole conditionings against an independent model in PyTorch (scripts/goldens/conditioning.py). */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../models/sdxl/checkpoint.ts";
import { clipGraph } from "../../models/sdxl/clip.ts";
import { loadTokenizer } from "../../models/sdxl/tokenizer.ts";
import { onnxRuntime } from "../../runtime/onnx/session.ts";
import { int64 } from "../../runtime/runtime.ts";
import { type Emphasis, meanRatio } from "./emphasis.ts";
import type { Context } from "./lengths.ts";
import { assembleContext, type EncodedChunk, findingOf, planPrompt, planText, type TextPlan } from "./plan.ts";

const ROOT = join(import.meta.dirname, "../../..");
const tokenizer = await loadTokenizer();

describe("conditioning on the bootstrap checkpoint", async () => {
  type Summary = {
    shape: [tokens: number, width: number];
    sum: number;
    norm: number;
    tokenNorms: number[];
    tokens: Record<string, number[]>;
    pooled: number[];
  };
  type Case = { prompt: string; results: Record<string, Summary>; literal?: { result: Summary } };
  const fixture = join(ROOT, "test/fixtures/conditioning.json.gz");
  const goldens: { a1111: Case[]; comfy: Case[] } = JSON.parse(gunzipSync(readFileSync(fixture)).toString("utf8"));

  const { configs, weights } = await openCheckpoint(join(ROOT, "test/fixtures/nano-bootstrap"));
  const runtime = onnxRuntime({ threads: 1 });
  const first = await runtime.open(clipGraph(configs.textEncoder), weights.textEncoder);
  const second = await runtime.open(clipGraph(configs.textEncoder2), weights.textEncoder2);
  afterAll(() => Promise.all([first.release(), second.release()]));

  async function encode({ chunks }: TextPlan): Promise<EncodedChunk[]> {
    const shape = [chunks.length, 77];
    const one = await first.run({
      ids: int64(
        chunks.flatMap(({ ids }) => [...ids]),
        shape,
      ),
    });
    const two = await second.run({
      ids: int64(
        chunks.flatMap(({ ids2 }) => [...ids2]),
        shape,
      ),
      endRows: int64(
        chunks.map(({ end }, n) => n * 77 + end),
        [chunks.length],
      ),
    });
    const part = ({ data }: { data: unknown }, n: number) => {
      const values = data as Float32Array;
      return values.slice((n * values.length) / chunks.length, ((n + 1) * values.length) / chunks.length);
    };
    return chunks.map((_, n) => ({
      states: part(one.states!, n),
      states2: part(two.states!, n),
      pooled: part(two.pooled!, n),
    }));
  }

  /** Largest difference relative to the largest value; 1e-4 is float32 through both encoders against float64. */
  const close = (ours: Iterable<number>, theirs: readonly number[], bound = 1e-4) => {
    const values = [...ours];
    expect(values.length).toBe(theirs.length);
    const scale = Math.max(...theirs.map(Math.abs));
    expect(Math.max(...values.map((value, i) => Math.abs(value - theirs[i]!))) / scale).toBeLessThan(bound);
  };

  function compare({ states, tokens, width, pooled }: Context, golden: Summary): void {
    expect([tokens, width]).toEqual(golden.shape);
    const row = (token: number) => [...states.subarray(token * width, (token + 1) * width)];
    for (const [token, values] of Object.entries(golden.tokens)) close(row(Number(token)), values);
    const norms = Array.from({ length: tokens }, (_, token) => Math.hypot(...row(token)));
    close(norms, golden.tokenNorms);
    close(pooled, golden.pooled);
    close([Math.hypot(...norms)], [golden.norm]);
    // A sum of thousands of numbers of both signs is small beside them: its error is measured against their norm.
    const sum = states.reduce((total, value) => total + value, 0);
    expect(Math.abs(sum - golden.sum) / golden.norm).toBeLessThan(1e-3);
  }

  const MODES: Record<string, Emphasis> = { Original: "original", "No norm": "no-norm", Ignore: "ignore" };

  test.each(goldens.a1111)("A1111: $prompt", async ({ prompt, results, literal }) => {
    for (const [name, golden] of Object.entries(results)) {
      const plan = planText(prompt, tokenizer, { emphasis: MODES[name]! });
      compare(assembleContext(plan, await encode(plan)), golden);
    }
    if (!literal) return;
    const plan = planText(prompt, tokenizer, { emphasis: "none" });
    compare(assembleContext(plan, await encode(plan)), literal.result);
  });

  test.each(goldens.a1111.filter(({ results }) => "No norm" in results))("the scaling of $prompt", async (golden) => {
    // What "Original" scales by is the quotient of the two modes' vectors; the first encoder's stand first in each.
    const [scaled, plain] = [golden.results.Original!, golden.results["No norm"]!];
    const plan = planText(golden.prompt, tokenizer);
    const encoded = await encode(plan);
    for (const [token, row] of Object.entries(scaled.tokens)) {
      const section = Math.floor(Number(token) / 77);
      const [first, last] = [row[0]! / plain.tokens[token]![0]!, row.at(-1)! / plain.tokens[token]!.at(-1)!];
      const { states, states2 } = encoded[section]!;
      const { weights } = plan.chunks[section]!;
      // The goldens' numbers are rounded, and a mean of both signs keeps four digits of float32's seven.
      expect(meanRatio(states, weights, states.length / 77)).toBeCloseTo(first, 3);
      expect(meanRatio(states2, weights, states2.length / 77)).toBeCloseTo(last, 3);
    }
  });

  test("a mean that cannot be restored is said in mode original alone", async () => {
    const findingIn = async (emphasis: Emphasis, prompt: string) => {
      const plan = planText(prompt, tokenizer, { emphasis });
      return findingOf(plan, await encode(plan));
    };
    const heavy = "1girl, (red eyes:4), (smile:-3)";
    expect(await findingIn("original", heavy)).toMatchObject({
      message: expect.stringMatching(/multiplies every token by -?\d+\.\d\d .*"1girl, \(red eyes:4\), \(smile:-3\)"/),
      hint: expect.stringContaining("--emphasis no-norm"),
    });
    for (const mode of ["no-norm", "ignore", "none", "comfy"] as const)
      expect(await findingIn(mode, heavy)).toBeUndefined();
    expect(await findingIn("original", "1girl, (red eyes:1.1)")).toBeUndefined();
  });

  test.each(goldens.comfy)("ComfyUI: $prompt", async ({ prompt, results }) => {
    const plan = planText(prompt, tokenizer, { syntax: "comfyui" });
    compare(assembleContext(plan, await encode(plan)), results.weighted!);
  });
});

test("the empty prompt is encoded too only where ComfyUI's weights need it", () => {
  const chunksOf = (prompt: string, emphasis: Emphasis) => planText(prompt, tokenizer, { emphasis });
  expect(chunksOf("a (b:1.5)", "comfy")).toMatchObject({ sections: 1, chunks: { length: 2 } });
  expect(chunksOf("a b", "comfy")).toMatchObject({ sections: 1, chunks: { length: 1 } });
  expect(chunksOf("a (b:1.5)", "original")).toMatchObject({ sections: 1, chunks: { length: 1 } });
});

test("tags, AND and editing come apart; equal texts are planned once", () => {
  const plan = planPrompt("<lora:style:0.5>a [b|c] :2 AND d # not this\n", tokenizer, { steps: 4 });
  expect(plan.loras).toEqual([{ name: "style", textEncoder: 0.5, unet: 0.5 }]);
  expect(plan.parts.map(({ weight }) => weight)).toEqual([2, 1]);
  const [first, second] = plan.parts.map(({ schedule }) => schedule.map(({ until, text }) => [until, text]));
  expect(first).toEqual([
    [1, "a b"],
    [2, "a c"],
    [3, "a b"],
    [4, "a c"],
  ]);
  expect(second).toEqual([[4, " d"]]);
  const [step1, step2, step3] = plan.parts[0]!.schedule;
  expect(step3!.chunks).toBe(step1!.chunks);
  expect(step2!.chunks).not.toBe(step1!.chunks);
  expect(plan.warnings).toEqual(["What follows a # is a comment up to the end of its line, and is not read."]);
});

test("without a number of steps the prompt is as at its end, and that is said", () => {
  const plan = planPrompt("a [b:c:0.5]", tokenizer);
  expect(plan.parts[0]!.schedule.map(({ text }) => text)).toEqual(["a c"]);
  expect(plan.warnings).toEqual(["Prompt editing needs a number of steps; the prompt is read as at its end."]);
});

test("AND is a word in a negative prompt", () => {
  const plan = planPrompt("a AND b", tokenizer, { isNegative: true });
  expect(plan.parts.map(({ schedule }) => schedule[0]!.text)).toEqual(["a AND b"]);
});

test("ComfyUI's syntax has no tags, no AND, no editing and no comments", () => {
  const prompt = "<lora:a:1> b AND [c:d:0.5] # e";
  const plan = planPrompt(prompt, tokenizer, { syntax: "comfyui", steps: 20 });
  expect(plan.loras).toEqual([]);
  expect(plan.parts).toMatchObject([{ weight: 1, schedule: [{ until: 20, text: prompt, emphasis: "comfy" }] }]);
});

test("a plan wants all its chunks encoded", () => {
  const plan = planText("a BREAK b", tokenizer);
  expect(() => assembleContext(plan, [])).toThrow("internal: 0 encoded chunks for a plan of 2");
});

test("no prompt breaks planning, and its steps are covered", () => {
  const sign = fc.constantFrom(
    ..."()[]:\\|#<> ,-.019ab",
    "BREAK ",
    " AND ",
    "(a:1.5)",
    "<lora:x:1>",
    "[a:b:0.5]",
    "[a|b]",
    "word ".repeat(80),
  );
  const soup = fc.array(sign, { maxLength: 30 }).map((signs) => signs.join(""));
  const options = fc.record({
    syntax: fc.constantFrom("a1111" as const, "comfyui" as const),
    steps: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(soup, options, (prompt, given) => {
      for (const { weight, schedule } of planPrompt(prompt, tokenizer, given).parts) {
        expect(Number.isFinite(weight)).toBe(true);
        expect(schedule.at(-1)!.until).toBe(given.steps);
        for (const { chunks, sections } of schedule) {
          expect(sections).toBeGreaterThanOrEqual(1);
          expect(chunks.length - sections).toBeLessThanOrEqual(1);
        }
      }
    }),
    { numRuns: 500 },
  );
});
