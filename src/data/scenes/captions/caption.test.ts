import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONTROL_FAMILIES } from "../../../colour/index.ts";
import { loadTokenizer } from "../../../models/sdxl/tokenizer.ts";
import type { HairColour } from "../palette.ts";
import { MOUTHS, PLACES, type Scene } from "../scene.ts";
import { sceneAt } from "../scene-at.ts";
import { ARTICLE_COMPLEX, ARTICLE_SIMPLE } from "../trials.ts";
import { appended, captionOf, GRAMMARS } from "./caption.ts";
import type { CaptionKind } from "./grammar.ts";
import * as lexicon from "./lexicon.ts";
import { leastTokens } from "./long.ts";

const tokenizer = await loadTokenizer();
const tokens = (text: string) => tokenizer.encode(text).length;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const KINDS: readonly CaptionKind[] = ["tags", "sentences", "long"];

const told = (name: string, scene: Scene, seed: number) => {
  const { kind } = GRAMMARS.find((grammar) => grammar.name === name)!;
  return captionOf(scene, kind, seed, { grammar: name });
};

test.each(GRAMMARS.map(({ name, kind }) => [name, kind] as const))("grammar %s keeps its length", (name, kind) => {
  for (const seed of range(kind === "long" ? 30 : 80)) {
    const caption = told(name, sceneAt(seed), seed);
    // Short ones leave room in a chunk of 75 for six control tokens, but for a few.
    if (kind === "long") expect(tokens(caption)).toBeGreaterThanOrEqual(300);
    else expect(tokens(caption)).toBeLessThanOrEqual(70);
    expect(tokens(caption)).toBeLessThanOrEqual(450);
    expect(caption).not.toMatch(/undefined|[{}]| {2}| ,| \.|\.\.|^[ ,.]/);
  }
});

const GENRES = ["tale", "order", "sheet", "tour", "prose", "gossip"];

test.each(["loose", ...GENRES])("a long caption of %s says no sentence of talk twice", (name) => {
  for (const seed of range(40)) {
    const caption = told(name, sceneAt(seed, { girls: 2 }), seed);
    const sentences = caption.split(/(?<=[.?!]) /);
    const twice = sentences.filter(
      (sentence, i) => sentences.indexOf(sentence) !== i && !/\b(hair|eyes|dress|face)\b/i.test(sentence),
    );
    expect(twice).toEqual([]);
  }
});

test("talk and words taken at random tell nothing of a picture", async () => {
  const words = (await readFile(join(import.meta.dirname, "../../../../assets/english-words.txt"), "utf8")).split("\n");
  const lists = [lexicon.HAIR_WORDS, lexicon.EYE_WORDS, lexicon.DRESS_WORDS, lexicon.PLAIN_WORDS, CONTROL_FAMILIES];
  const telling = new Set(
    lists.flatMap((list) =>
      Object.values(list)
        .flat()
        .flatMap((text: string) => text.split(/[ -]/)),
    ),
  );
  expect(words.filter((word) => telling.has(word))).toEqual([]);
  for (const name of GENRES) {
    for (const seed of range(30)) {
      const caption = told(name, sceneAt(seed, { girls: 1 }), seed);
      expect(caption).not.toMatch(/\b(?:left|right)\b/i);
    }
  }
});

test("a caption of an empty picture speaks of nobody", () => {
  for (const seed of range(40)) expect(told("tale", sceneAt(seed, { girls: 0 }), seed)).not.toMatch(/\bher\b/i);
});

test("the count that long captions go by is never more than CLIP's own", () => {
  for (const seed of range(60)) {
    const caption = captionOf(sceneAt(seed), KINDS[seed % 3]!, seed);
    expect(leastTokens(caption)).toBeLessThanOrEqual(tokens(caption));
  }
});

/** A girl of another colour each, so that a word for hair tells which girl is meant. */
function pair(seed: number, left: HairColour, right: HairColour): Scene {
  const scene = sceneAt(seed, { girls: 2, split: "any" });
  const [l, r] = scene.girls;
  return {
    ...scene,
    girls: [
      { ...l!, hair: left },
      { ...r!, hair: right },
    ],
  };
}

/** Eyes, clothes and background in colours that no hair of these tests has. */
function plainly({ girls, tone }: Scene): Scene {
  return {
    tone,
    girls: girls.map((girl) => ({ ...girl, eyes: "aqua", dress: "yellow", trim: "plain" })),
    background: { kind: "plain", colour: "grey" },
  };
}

type Hit = { at: number; what: string };

/** Where any of the words stands in the text; the longest at each place. */
function hits(text: string, words: readonly string[], what: string, behind: string, before = "(?<![\\w-])"): Hit[] {
  const pattern = new RegExp(
    `${before}(?:${[...words].sort((a, b) => b.length - a.length).join("|")})(?=${behind})`,
    "gi",
  );
  return [...text.matchAll(pattern)].map((match) => ({ at: match.index, what }));
}

/** What stands before a hair's colour where it is told behind the word. */
const BEHIND_HAIR = "(?<=\\bhair(?: is| was|:| should be)(?: an? [\\w-]+ shade of)? )";

/** How a grammar ties a girl to her side: by the last word for a side before her hair, or the first behind it. */
const SIDE_BEHIND = ["place first", "grouped"];
const NO_SIDES = ["tags", "shuffled tags"];
const sided = GRAMMARS.map(({ name }) => name).filter((name) => !NO_SIDES.includes(name) && name !== "next to");

test.each(sided)("grammar %s puts each girl on her own side", (name) => {
  for (const seed of range(60)) {
    const loose = name.startsWith("loose");
    const [left, right] = [
      ["red", "blue"],
      ["green", loose ? "orange" : "pink"],
      [loose ? "purple" : "black", "white"],
      ["white", "brown"],
    ][seed % 4] as [HairColour, HairColour];
    // Where hair is told in many forms, its words are looked for alone, and nothing else of the caption has them.
    const scene = pair(seed, left, right);
    const caption = told(name, loose ? plainly(scene) : scene, seed);
    const behind = loose ? "\\b" : " hair";
    const words = { left: lexicon.HAIR_WORDS[left], right: lexicon.HAIR_WORDS[right] };
    const hair = Object.entries(words).flatMap(([what, its]) => [
      ...hits(caption, its, what, behind),
      ...(loose ? [] : hits(caption, its, what, "\\b", BEHIND_HAIR)),
    ]);
    expect(new Set(hair.map(({ what }) => what)).size).toBe(2);
    const sides = [...hits(caption, ["left"], "left", "\\b"), ...hits(caption, ["right"], "right", "\\b")];
    sides.sort((a, b) => a.at - b.at);
    for (const { at, what } of hair) {
      const side = SIDE_BEHIND.includes(name)
        ? sides.find((side) => side.at > at)
        : sides.findLast((side) => side.at < at);
      expect(`${side?.what}: ${caption}`).toBe(`${what}: ${caption}`);
    }
  }
});

test("grammar next to: the first girl is where it says", () => {
  for (const seed of range(40)) {
    const caption = told("next to", pair(seed, "green", "orange"), seed);
    const green = hits(caption, lexicon.HAIR_WORDS.green, "green", " hair")[0]!.at;
    const orange = hits(caption, lexicon.HAIR_WORDS.orange, "orange", " hair")[0]!.at;
    expect(green < orange).toBe(caption.includes("to the left of"));
    expect(caption.includes("to the left of")).not.toBe(caption.includes("to the right of"));
  }
});

test("a caption tells nothing that the scene does not show", () => {
  for (const seed of range(400)) {
    const scene = sceneAt(seed);
    const tags = captionOf(scene, "tags", seed).split(", ");
    const places = PLACES.filter((place) => tags.includes(lexicon.PLACE_WORDS[place].tag));
    const shown = scene.background.kind === "place" ? scene.background.place : undefined;
    expect(places.filter((place) => place !== shown)).toEqual([]);
    const mouths = MOUTHS.filter((mouth) => tags.includes(lexicon.MOUTH_WORDS[mouth].tag));
    expect(mouths.filter((mouth) => scene.girls.every((girl) => girl.mouth !== mouth))).toEqual([]);
    expect(tags.includes("1girl")).toBe(scene.girls.length === 1);
    expect(tags.includes("2girls")).toBe(scene.girls.length === 2);
  }
});

test("a word for a colour means one colour", () => {
  for (const table of [lexicon.HAIR_WORDS, lexicon.EYE_WORDS, lexicon.DRESS_WORDS, lexicon.PLAIN_WORDS]) {
    const words = Object.values(table).flat();
    expect(words.length).toBe(new Set(words).size);
  }
});

test("the article's words are among them", () => {
  expect(lexicon.EYE_WORDS.black).toContain("sea-black");
  expect(lexicon.EYE_WORDS.red).toContain("fiery ruby");
  expect(captionOf(sceneAt(0, { girls: 0 }), "tags", 0)).toBeDefined();
  const captions = range(300).map((seed) =>
    captionOf(pair(seed, "blue", "red"), "sentences", seed, { grammar: "article" }),
  );
  // The article's simple prompt is of a form that is trained; its colours in that order are not.
  const form =
    /^There are two girls in the image\. The girl in the left is [\w -]+ hair with [\w -]+ eyes\. The girl in the right is [\w -]+ hair, and [\w -]+ eyes/;
  expect(captions.some((caption) => form.test(caption))).toBe(true);
  expect(ARTICLE_SIMPLE.prompt).toMatch(form);
});

test("no six words in a row of the article's complex prompt are in a training caption, but for who stands where", () => {
  const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu)!;
  const sixes = (list: string[]) => list.slice(5).map((_, i) => list.slice(i, i + 6).join(" "));
  const article = new Set(sixes(words(ARTICLE_COMPLEX.prompt)).filter((six) => !/\bon the (left|right)\b/.test(six)));
  const shared = new Set<string>();
  for (const { name } of GRAMMARS.filter(({ trained, kind }) => trained && kind !== "tags")) {
    for (const seed of range(100)) {
      for (const six of sixes(words(told(name, sceneAt(seed), seed)))) if (article.has(six)) shared.add(six);
    }
  }
  expect([...shared]).toEqual([]);
});

test("training never speaks in a held-out grammar, and testing always does", () => {
  expect(GRAMMARS.filter(({ trained, kind }) => !trained && kind === "long").length).toBeGreaterThanOrEqual(3);
  for (const kind of ["sentences", "long"] as const) {
    const heldOut = GRAMMARS.filter((grammar) => grammar.kind === kind && !grammar.trained).map(({ name }) => name);
    for (const seed of range(40)) {
      const scene = sceneAt(seed, { girls: 2 });
      const spoken = heldOut.map((name) => told(name, scene, seed));
      expect(spoken).not.toContain(captionOf(scene, kind, seed));
      // With the grammar chosen by the dice, the words differ from those of a named one; the form does not.
      const opening = (text: string) => text.split(" ").slice(0, 2).join(" ");
      if (kind === "sentences")
        expect(spoken.map(opening)).toContain(opening(captionOf(scene, kind, seed, { heldOut: true })));
    }
  }
});

test("a seed is a caption, and seeds differ", () => {
  const scene = sceneAt(3, { girls: 2 });
  expect(captionOf(scene, "sentences", 9)).toBe(captionOf(scene, "sentences", 9));
  expect(appended("Imagine!", ["dark"])).toBe("Imagine! dark");
  expect(new Set(range(50).map((seed) => captionOf(scene, "sentences", seed))).size).toBeGreaterThan(40);
});

test("tags go behind a text as they would be typed", () => {
  expect(appended("1girl, red hair", ["dark", "blurry"])).toBe("1girl, red hair, dark, blurry");
  expect(appended("A girl stands.", ["dark"])).toBe("A girl stands. dark");
  expect(appended("1girl", [])).toBe("1girl");
});

test("an unknown grammar is refused with the known ones", () => {
  expect(() => captionOf(sceneAt(0), "tags", 0, { grammar: "haiku" })).toThrowError(
    expect.objectContaining({ code: "bad_option", hint: "Known: tags, shuffled tags, tags by side." }),
  );
  expect(() => captionOf(sceneAt(0), "tags", 0, { heldOut: true })).toThrowError(
    expect.objectContaining({ code: "bad_option" }),
  );
});
