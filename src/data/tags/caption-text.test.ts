/** @file Tokens in captions: where they go, that they come out to the letter, and when they are found again. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { findInsertions, insertTokens, removeInsertions, type TokenPlace } from "./caption-text.ts";

const END: TokenPlace = { position: "end", separator: ", ", keepTokens: 0 };
const START: TokenPlace = { ...END, position: "start" };
const put = (text: string, place = END, tokens = ["dark", "sharp"]) => insertTokens(text, tokens, place).text;

test("tokens go to the end of every line that is not blank", () => {
  expect(put("1girl, solo")).toBe("1girl, solo, dark, sharp");
  expect(put("1girl, solo,\r\n\r\na girl.\r\n")).toBe("1girl, solo, dark, sharp\r\n\r\na girl., dark, sharp\r\n");
  expect(put("1girl , \n")).toBe("1girl , dark, sharp \n");
  expect(put("a|b", { ...END, separator: "|" })).toBe("a|b|dark|sharp");
  expect(put("a b", { ...END, separator: " " })).toBe("a b dark sharp");
});

test("an empty caption becomes the tokens", () => {
  expect(put("")).toBe("dark, sharp");
  expect(put("\ufeff\n")).toBe("\ufeffdark, sharp\n");
});

test("at the start they stand behind the tags that keep their place", () => {
  expect(put("\ufeff 1girl, solo", START)).toBe("\ufeff dark, sharp, 1girl, solo");
  expect(put("sks,1girl, solo", { ...START, keepTokens: 1 })).toBe("sks,dark, sharp, 1girl, solo");
  expect(put("sks", { ...START, keepTokens: 1 })).toBe("sks, dark, sharp");
});

test("the user's own words are neither doubled nor taken out", () => {
  const { text, insertions } = insertTokens("dark, 1girl", ["dark", "sharp"], END);
  expect(text).toBe("dark, 1girl, sharp");
  expect(removeInsertions(text, insertions)).toBe("dark, 1girl");
});

test("a word of the user's is one in other letters and with underscores, too, and stays as it is", () => {
  const { text, insertions } = insertTokens("DARK, Sharp", ["dark", "sharp", "low contrast"], END);
  expect(text).toBe("DARK, Sharp, low contrast");
  expect(removeInsertions(text, insertions)).toBe("DARK, Sharp");
  expect(put("1girl, Low_Contrast", END, ["dark", "low contrast"])).toBe("1girl, Low_Contrast, dark");
  expect(put("a_dark", { ...END, separator: "_" })).toBe("a_dark_sharp");
});

test.each([
  ["A girl in a field. dark, 1girl", ", sharp"],
  ["dark. A girl, solo", ", sharp"],
  ["1girl, dark.", ", sharp"],
  ['She said "no!" dark, solo', ", sharp"],
  ["夜の街。dark", ", sharp"],
  ["It is dark. solo", ", dark, sharp"],
  ["a dark. night", ", dark, sharp"],
  ["v1.dark", ", dark, sharp"],
])("a sentence on the line does not hide the word behind or before it: %s", (line, added) => {
  expect(put(line)).toBe(line + added);
});

test("words of several parts are seen where a space parts tags", () => {
  expect(put("very sharp solo", { ...END, separator: " " }, ["very sharp", "dark"])).toBe("very sharp solo dark");
});

const lines = fc.stringMatching(/^\ufeff?([a-z초🎨,{}|. \r\n]{0,30}(dark|sharp)?){0,3}$/u);
const captions = fc.oneof(fc.string({ unit: "binary" }), lines);
const places = fc.record({
  position: fc.constantFrom("start" as const, "end" as const),
  separator: fc.constantFrom(", ", ",", " | ", " ", "."),
  keepTokens: fc.nat(3),
});

test("taken out, the caption is as it was; put in twice is once", () => {
  fc.assert(
    fc.property(captions, places, (text, place) => {
      const once = insertTokens(text, ["dark", "very sharp"], place);
      expect(removeInsertions(once.text, once.insertions)).toBe(text);
      expect(insertTokens(removeInsertions(once.text, once.insertions), ["dark", "very sharp"], place)).toEqual(once);
    }),
  );
});

test("in a changed text they are found where it is plain", () => {
  const { text, insertions } = insertTokens("1girl\nsolo", ["dark", "sharp"], END);
  const found = (changed: string) => findInsertions(changed, insertions, ", ", () => false);
  const changed = `new, ${text}, more`;
  expect(removeInsertions(changed, found(changed) as typeof insertions)).toBe("new, 1girl\nsolo, more");
  expect(found("all of it new")).toBe("none");
  expect(found("1girl, dark\nsolo, dark, sharp")).toBeUndefined();
  expect(found(`${text}\nx, dark, sharp`)).toBeUndefined();
  expect(found("1girl, dark, sharpness\nsolo, dark, sharp")).toBeUndefined();
  // Parted by something else, or in capitals, they are ours no less, and cannot be taken out by a program.
  expect(found("1girl; dark; sharp\nsolo; dark; sharp")).toBeUndefined();
  expect(found("1girl, Dark, Sharp")).toBeUndefined();
  expect(found("a darkened room")).toBe("none");
});

test("one word alone is ours where it was put, or all before it is as it was; elsewhere in a text written anew it is somebody's", () => {
  const { insertions } = insertTokens("1girl, solo", ["dark"], END);
  const found = (changed: string) => findInsertions(changed, insertions, ", ", (text) => text === "1girl, solo");
  expect(found("1girl, solo, dark, more")).toEqual(insertions);
  expect(found("night, 1girl, solo, dark")).toEqual([{ at: 18, text: ", dark" }]);
  expect(found("night, 1girl, solo,dark")).toBeUndefined();
  expect(found("night, 1girl, solo, dark.")).toBeUndefined();
  expect(found("dark, 1girl, solo")).toBeUndefined();
  expect(found("solo, dark, night")).toBeUndefined();
  expect(found("a dark night")).toBe("none");
});

test("a text of which other parts were edited loses one word of ours, wherever it was put, and no word of the user's", () => {
  const tags = fc.array(fc.stringMatching(/^[a-y]{1,5}( [a-y]{1,5})?$/), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(tags, tags, places, (before, after, place) => {
      const { separator, keepTokens, position } = place;
      // Where spaces part tags, pieces are not found again, and captions are left.
      fc.pre(separator !== " ");
      fc.pre(position === "end" || (before.length > keepTokens && after.length > keepTokens));
      const line = (words: readonly string[]) => words.join(separator);
      const { insertions } = insertTokens(line(before), ["zz"], place);
      const { text } = insertTokens(line(after), ["zz"], place);
      const found = findInsertions(text, insertions, separator, () => false, keepTokens);
      expect(found).toHaveLength(1);
      expect(removeInsertions(text, found as typeof insertions)).toBe(line(after));
      // Of words of the user's elsewhere, none is taken.
      const theirs = position === "end" ? `zz${separator}${line(after)}` : `${line(after)}${separator}zz`;
      expect(findInsertions(theirs, insertions, separator, () => false, keepTokens)).not.toBeInstanceOf(Array);
    }),
  );
});

const WHOLE = insertTokens("", ["bright", "vibrant colors"], END);

test.each([
  ["bright, vibrant colors, my words", "my words"],
  ["bright, vibrant colors , my words ", "my words "],
  ["my words, bright, vibrant colors", "my words"],
  ["my words,bright, vibrant colors", "my words"],
  ["a b, bright, vibrant colors, c", "a b, c"],
  ["bright, vibrant colors\nmy words\n", "my words\n"],
  ["my words\r\nbright, vibrant colors", "my words"],
  ["a\nbright, vibrant colors, b\nc", "a\nb\nc"],
  ["\ufeffbright, vibrant colors, my words", "\ufeffmy words"],
  ["bright, vibrant colors\n", ""],
])("where they were all of the caption, the separator of words that have come goes with them: %j", (changed, rest) => {
  const found = findInsertions(changed, WHOLE.insertions, ", ", (text) => text === "");
  expect(removeInsertions(changed, found as typeof WHOLE.insertions)).toBe(rest);
});

test("of words that have come beside a caption of tokens alone none is lost, whatever parts them", () => {
  const words = fc.array(fc.stringMatching(/^[a-y]{1,6}( [a-y]{1,6})?$/), { maxLength: 3 });
  const separators = fc.constantFrom(", ", ",", " | ", ".");
  fc.assert(
    fc.property(words, words, separators, fc.boolean(), (before, behind, separator, atStart) => {
      const place: TokenPlace = { position: atStart ? "start" : "end", separator, keepTokens: 0 };
      const { text, insertions } = insertTokens("", ["zz", "zzz"], place);
      const changed = [...before, text, ...behind].join(separator);
      const found = findInsertions(changed, insertions, separator, (one) => one === "");
      expect(removeInsertions(changed, found as typeof insertions)).toBe([...before, ...behind].join(separator));
    }),
  );
});
