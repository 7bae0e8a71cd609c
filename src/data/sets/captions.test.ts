import fc from "fast-check";
import { expect, test } from "vitest";
import { type CaptionOptions, drawCaption, fewTexts } from "./captions.ts";
import { drawsOf } from "./draws.ts";

const plain: CaptionOptions = {
  shuffleCaption: false,
  captionSeparator: ",",
  keepTokens: 0,
  enableWildcard: false,
  captionDropoutRate: 0,
  captionDropoutEveryNEpochs: 0,
  captionTagDropoutRate: 0,
};

const draw = (caption: string, options: Partial<CaptionOptions> = {}, image = 0, epoch = 0) =>
  drawCaption(caption, { ...plain, ...options }, epoch, drawsOf(7, "caption", image, epoch));

/** All texts that 120 draws give; of six equally likely ones, one is missed with a chance of 6 * (5 / 6)^120 = 2e-9. */
const texts = (caption: string, options: Partial<CaptionOptions>, epoch = 0) =>
  [...new Set(Array.from({ length: 120 }, (_, i) => draw(caption, options, i, epoch)))].sort();

/** Worked out by sd-scripts' rules. */
test.each<[caption: string, options: Partial<CaptionOptions>, texts: string[]]>([
  ["a,b ,  c", {}, ["a,b ,  c"]],
  ["a,b , c", { shuffleCaption: true }, ["a, b, c", "a, c, b", "b, a, c", "b, c, a", "c, a, b", "c, b, a"]],
  ["a, b, c, d", { shuffleCaption: true, keepTokens: 2 }, ["a, b, c, d", "a, b, d, c"]],
  ["a, b", { shuffleCaption: true, keepTokens: 9 }, ["a, b"]],
  ["a, b ||| c, d", { shuffleCaption: true, keepTokensSeparator: "|||" }, ["a, b, c, d", "a, b, d, c"]],
  [
    "a ||| b, c ||| d",
    { shuffleCaption: true, keepTokensSeparator: "|||", keepTokens: 3 },
    ["a, b, c, d", "a, c, b, d"],
  ],
  ["a ||| b ||| c ||| d", { shuffleCaption: true, keepTokensSeparator: "|||" }, ["a, b, c ||| d"]],
  ["a;;;b, c", { shuffleCaption: true, secondarySeparator: ";;;" }, ["a,b, c", "c, a,b"]],
  ["a;;;b, c", { secondarySeparator: ";;;" }, ["a,b, c"]],
  ["a. b", { shuffleCaption: true, captionSeparator: "." }, ["a, b", "b, a"]],
  ["one\ntwo", {}, ["one"]],
  ["one\ntwo", { enableWildcard: true }, ["one", "two"]],
  ["a {x|y|} b", { enableWildcard: true }, ["a  b", "a x b", "a y b"]],
  ["a {x|y}", {}, ["a {x|y}"]],
  ["{{a|b}} {c}", { enableWildcard: true }, ["{a|b} c"]],
  ["{{{x|y}}}", { enableWildcard: true }, ["{x", "{y}"]],
  ["{a|b}, c", { enableWildcard: true, shuffleCaption: true, keepTokens: 1 }, ["a, c", "b, c"]],
  ["a, b", { captionPrefix: "P,", captionSuffix: ", S" }, ["P, a, b , S"]],
  [
    "a, b",
    { captionPrefix: "P,", captionSuffix: ", S", shuffleCaption: true, keepTokens: 2 },
    ["P, a, S, b", "P, a, b, S"],
  ],
  ["a, b, c", { captionTagDropoutRate: 0.5, keepTokens: 1 }, ["a", "a, b", "a, b, c", "a, c"]],
  ["a, b", { captionTagDropoutRate: 1 }, [""]],
  ["a, b", { captionDropoutRate: 0.5 }, ["", "a, b"]],
])("%j with %j", (caption, options, expected) => {
  expect(texts(caption, options)).toEqual(expected);
});

test.each<[caption: string, options: Partial<CaptionOptions>, texts: string[]]>([
  ["a\nb", { enableWildcard: true, captionPrefix: "P", captionSuffix: "S" }, ["P a S", "P b S"]],
  ["a\nb", { captionPrefix: "P", captionSuffix: "S" }, ["P a S"]],
  ["a ||| b", { keepTokensSeparator: "|||" }, ["a, b"]],
  ["a,, b,", { shuffleCaption: true, keepTokens: 2 }, ["a, b"]],
])("where it is not as in sd-scripts: %j with %j", (caption, options, expected) => {
  expect(texts(caption, options)).toEqual(expected);
});

test.each<[caption: string, options: Partial<CaptionOptions>]>([
  ["a,b ,  c", {}],
  ["one\ntwo", {}],
  ["one\ntwo", { enableWildcard: true, captionPrefix: "P", captionDropoutRate: 0.3 }],
  ["{{a|b}} c", { enableWildcard: true }],
  ["a {x|y}", {}],
  ["a;;;b ||| c", { secondarySeparator: ";;;", keepTokensSeparator: "|||" }],
])("texts that come again are known beforehand: %j with %j", (caption, options) => {
  expect([...fewTexts(caption, { ...plain, ...options })!].sort()).toEqual(texts(caption, options));
});

test.each<Partial<CaptionOptions>>([
  { shuffleCaption: true },
  { captionTagDropoutRate: 0.1 },
  { enableWildcard: true },
  { enableWildcard: true, captionPrefix: "{x|y}" },
])("and those that are drawn anew each time are not: %j", (options) => {
  expect(fewTexts("a, {b|c}", { ...plain, ...options })).toBeUndefined();
});

test("every third epoch without captions, counted from 1", () => {
  const epochs = Array.from({ length: 7 }, (_, epoch) => draw("a", { captionDropoutEveryNEpochs: 3 }, 0, epoch));
  expect(epochs).toEqual(["a", "a", "", "a", "a", "", "a"]);
});

test("shares are kept: a rate of 0.3 drops 0.3 of the captions and of the tags", () => {
  const count = 4000;
  const share = (dropped: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => dropped(i)).reduce((a, b) => a + b, 0) / count;
  // Four standard deviations of a mean of 4,000 draws: 4 * sqrt(0.21 / 4000); of four times as many tags, half of that.
  expect(Math.abs(share((i) => (draw("a", { captionDropoutRate: 0.3 }, i) === "" ? 1 : 0)) - 0.3)).toBeLessThan(0.029);
  const lost = (i: number) =>
    1 - draw("a,b,c,d", { captionTagDropoutRate: 0.3 }, i).split(", ").filter(Boolean).length / 4;
  expect(Math.abs(share(lost) - 0.3)).toBeLessThan(0.0145);
});

test("each order of three tags is as likely as any other", () => {
  const counts = new Map<string, number>();
  const draws = 3000;
  for (let i = 0; i < draws; i++) {
    const text = draw("a,b,c", { shuffleCaption: true }, i);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const expected = draws / 6;
  const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(counts.size).toBe(6);
  // The 99.9 % point of chi-squared with five degrees of freedom.
  expect(chiSquared).toBeLessThan(20.5);
});

test("shuffling and keeping lose and add no tag", () => {
  const tag = fc.stringMatching(/^[a-z]{1,4}$/);
  fc.assert(
    fc.property(fc.array(tag, { minLength: 1, maxLength: 12 }), fc.nat(5), fc.nat(), (tags, keepTokens, image) => {
      const text = draw(tags.join(","), { shuffleCaption: true, keepTokens }, image).split(", ");
      expect(text.slice(0, keepTokens)).toEqual(tags.slice(0, keepTokens));
      expect([...text].sort()).toEqual([...tags].sort());
    }),
    { numRuns: 200 },
  );
});

test("a text depends on seed, image and epoch alone", () => {
  const options = { shuffleCaption: true, captionTagDropoutRate: 0.2 };
  const tags = "a,b,c,d,e,f,g,h";
  expect(draw(tags, options, 3, 5)).toBe(draw(tags, options, 3, 5));
  const others = [draw(tags, options, 3, 6), draw(tags, options, 4, 5)];
  expect(others).not.toContain(draw(tags, options, 3, 5));
});
