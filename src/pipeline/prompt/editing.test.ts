import fc from "fast-check";
import { expect, test } from "vitest";
import { scheduleTexts } from "./editing.ts";

type Entry = [until: number, text: string];
const schedule = (prompt: string, steps = 10): Entry[] =>
  scheduleTexts(prompt, steps).map(({ until, text }) => [until, text]);

const alternating = (...texts: string[]): Entry[] =>
  Array.from({ length: 10 }, (_, i) => [i + 1, texts[i % texts.length]!]);

// From the docstring of A1111's get_learned_conditioning_prompt_schedules.
test.each<[string, Entry[]]>([
  ["test", [[10, "test"]]],
  [
    "a [b:3]",
    [
      [3, "a "],
      [10, "a b"],
    ],
  ],
  [
    "a [b: 3]",
    [
      [3, "a "],
      [10, "a b"],
    ],
  ],
  [
    "a [[[b]]:2]",
    [
      [2, "a "],
      [10, "a [[b]]"],
    ],
  ],
  [
    "[(a:2):3]",
    [
      [3, ""],
      [10, "(a:2)"],
    ],
  ],
  [
    "a [b : c : 1] d",
    [
      [1, "a b  d"],
      [10, "a  c  d"],
    ],
  ],
  [
    "a[b:[c:d:2]:1]e",
    [
      [1, "abe"],
      [2, "ace"],
      [10, "ade"],
    ],
  ],
  ["a [unbalanced", [[10, "a [unbalanced"]]],
  [
    "a [b:.5] c",
    [
      [5, "a  c"],
      [10, "a b c"],
    ],
  ],
  [
    "((a][:b:c [d:3]",
    [
      [3, "((a][:b:c "],
      [10, "((a][:b:c d"],
    ],
  ],
  ["[a|(b:1.1)]", alternating("a", "(b:1.1)")],
  ["[fe|]male", alternating("female", "male")],
  ["[fe|||]male", alternating("female", "male", "male", "male")],
])("docstring: %s", (prompt, entries) => expect(schedule(prompt)).toEqual(entries));

test("the example at the head of A1111's parser", () => {
  const prompt =
    "fantasy landscape with a [mountain:lake:0.25] and [an oak:a christmas tree:0.75][ in foreground::0.6]" +
    "[: in background:0.25] [shoddy:masterful:0.5]";
  expect(schedule(prompt, 100)).toEqual([
    [25, "fantasy landscape with a mountain and an oak in foreground shoddy"],
    [50, "fantasy landscape with a lake and an oak in foreground in background shoddy"],
    [60, "fantasy landscape with a lake and an oak in foreground in background masterful"],
    [75, "fantasy landscape with a lake and an oak in background masterful"],
    [100, "fantasy landscape with a lake and a christmas tree in background masterful"],
  ]);
});

test.each([
  "a (b:1.2) [c] \\[d:e:3\\] 16:9",
  "[a:b]",
  "[a:b:c:3]",
  "[a|b:3]",
  "[a:b:(3)]",
  "| a || b",
  "[]",
  "[a:b:3",
  "a:b:3]",
])("no editing in %s", (prompt) => expect(schedule(prompt)).toEqual([[10, prompt]]));

test("a step past the end never comes; one before the start is past already", () => {
  expect(schedule("[a:b:99]")).toEqual([[10, "a"]]);
  expect(schedule("[a:b:0]")).toEqual([[10, "b"]]);
  expect(schedule("[a:b:-3]")).toEqual([[10, "b"]]);
});

test("whatever the prompt: steps rise and end at the last, and a prompt without square brackets is itself", () => {
  const sign = fc.constantFrom(..."()[]:|\\ab 123.", "[a:b:3]", "[a|b]", ":0.5]", "[c:");
  const soup = fc.array(sign, { maxLength: 40 }).map((signs) => signs.join(""));
  fc.assert(
    fc.property(soup, fc.integer({ min: 1, max: 30 }), (prompt, steps) => {
      const entries = scheduleTexts(prompt, steps);
      expect(entries.at(-1)!.until).toBe(steps);
      for (let i = 1; i < entries.length; i++) expect(entries[i]!.until).toBeGreaterThan(entries[i - 1]!.until);
      expect(entries[0]!.until).toBeGreaterThanOrEqual(1);
      const plain = prompt.replaceAll("[", "(");
      expect(scheduleTexts(plain, steps)).toEqual([{ until: steps, text: plain }]);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ["opening brackets", "[".repeat(1e6)],
  ["editing in editing", `${"[a".repeat(250_000)}${":b:3]".repeat(100_000)}`],
  ["edits", "[a:b:5]".repeat(120_000)],
])("a megabyte of %s takes its time in proportion", (_, prompt) => {
  const began = process.cpuUsage();
  scheduleTexts(prompt, 28);
  // CPU time; 150 to 250 ms where this was written; the square of the length would take minutes.
  expect(process.cpuUsage(began).user).toBeLessThan(3_000_000);
});
