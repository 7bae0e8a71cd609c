import { expect, test } from "vitest";
import { CONTROL_FAMILIES, CONTROL_FAMILY_NAMES, parseThresholds, printThresholds } from "../../colour/index.ts";
import { loadTokenizer } from "../../models/sdxl/tokenizer.ts";
import { captionOf } from "./captions/caption.ts";
import { HAIR_WORDS } from "./captions/lexicon.ts";
import { controlTokensOf, SCENE_THRESHOLDS, withControlTokens } from "./control.ts";
import { renderScene } from "./drawing/render.ts";
import { HELD_OUT } from "./held-out.ts";
import { sceneAt } from "./scene-at.ts";
import { trainingCaption } from "./training-caption.ts";
import { ARTICLE_COMPLEX, longTrials, simpleTrials } from "./trials.ts";

const tokenizer = await loadTokenizer();
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test("eleven trials each, of held-out pairs, that tell both girls' hair", () => {
  for (const trials of [simpleTrials(), longTrials()]) {
    expect(trials.length).toBe(11);
    for (const { prompt, description } of trials) {
      const [left, right] = description.girls;
      expect(HELD_OUT.pairs).toContainEqual([left!.hair, right!.hair]);
      for (const { hair } of [left!, right!]) {
        expect(HAIR_WORDS[hair!].some((word) => prompt.includes(word))).toBe(true);
      }
    }
    expect(new Set(trials.map(({ prompt }) => prompt)).size).toBe(11);
  }
});

test("long trials have 300 tokens and more, the article's 400 and more; simple ones fit one chunk", () => {
  const tokens = (text: string) => tokenizer.encode(text).length;
  for (const { prompt } of longTrials()) expect(tokens(prompt)).toBeGreaterThanOrEqual(300);
  expect(tokens(ARTICLE_COMPLEX.prompt)).toBeGreaterThan(400);
  for (const { prompt } of simpleTrials()) expect(tokens(prompt)).toBeLessThanOrEqual(75);
});

test("control tokens are measured: of 250 training scenes each family gives its tokens in about the shares it was cut by", async () => {
  const counts = new Map<string, number>();
  const scenes = range(250);
  for (const seed of scenes) {
    const tokens = controlTokensOf(await renderScene(sceneAt(10_000 + seed)));
    expect(
      tokens.map((token, i) => (CONTROL_FAMILIES[CONTROL_FAMILY_NAMES[i]!] as readonly string[]).includes(token)),
    ).toEqual(CONTROL_FAMILY_NAMES.map(() => true));
    for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  for (const family of CONTROL_FAMILY_NAMES) {
    [0.25, 0.35, 0.3, 0.1].forEach((share, level) => {
      const seen = (counts.get(CONTROL_FAMILIES[family][level]!) ?? 0) / scenes.length;
      // Four standard deviations of a binomial of 250 at 0.35.
      expect(Math.abs(seen - share)).toBeLessThan(0.12);
    });
  }
});

test("the set's thresholds are a valid record", () => {
  expect(parseThresholds(printThresholds(SCENE_THRESHOLDS))).toEqual(SCENE_THRESHOLDS);
});

test("a caption tells none, some or all of its control tokens, and loses nothing", () => {
  const tokens = ["low contrast", "dark", "sharp", "static colors", "monotonic color", "muted colors"] as const;
  const told = range(400).map((seed) => {
    const caption = captionOf(sceneAt(seed), "sentences", seed);
    const text = withControlTokens(caption, tokens, seed);
    expect(text).toContain(caption);
    const rest = text.replace(caption, "");
    return tokens.filter((token) => rest.includes(token)).length;
  });
  for (const [count, share] of [
    [0, 0.35],
    [1, 0.25],
    [2, 0.2],
    [6, 0.2],
  ] as const) {
    // Four standard deviations of a binomial of 400.
    expect(Math.abs(told.filter((n) => n === count).length / 400 - share)).toBeLessThan(0.1);
  }
  expect(withControlTokens("1girl", tokens, 5)).toBe(withControlTokens("1girl", tokens, 5));
});

test.each(["dark", "very vibrant colors"] as const)(
  "%s is told in every caption of a scene with a tone, and of no other",
  (outer) => {
    const tokens = ["dark", "very vibrant colors", "sharp"] as const;
    const plain = range(50).filter((seed) => withControlTokens("1girl", tokens, seed).includes(outer));
    expect(plain.length).toBeLessThan(40);
    const toned = range(50).map((seed) => withControlTokens("1girl", tokens, seed, "often", true));
    for (const text of toned) expect(text.split(outer)).toHaveLength(2);
    expect(toned.filter((text) => text.includes(", sharp") || text.includes("sharp, ")).length).toBeLessThan(40);
  },
);

test("training captions come in the shares asked for, and only trained pairs are told", () => {
  const captions = range(600).map((seed) => trainingCaption(sceneAt(seed), seed));
  const long = captions.filter((caption) => tokenizer.encode(caption).length >= 300).length / captions.length;
  const tags = captions.filter((caption) => /^(?:1girl|2girls|no humans)\b/.test(caption)).length / captions.length;
  // Four standard deviations of a binomial of 600; empty scenes' tags may start with something else.
  expect(Math.abs(long - 0.38)).toBeLessThan(0.08);
  expect(Math.abs(tags - 0.19)).toBeLessThan(0.065);
  const scene = sceneAt(1, { girls: 2 });
  expect(trainingCaption(scene, 5, { shares: [["tags", 1]], tokens: ["dark"] })).toMatch(/2girls/);
  expect(trainingCaption(scene, 5)).not.toBe(trainingCaption(scene, 6));
});
