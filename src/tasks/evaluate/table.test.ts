import { expect, test } from "vitest";
import { CONTROL_FAMILY_NAMES, type ControlFamily } from "../../colour/index.ts";
import { HOW } from "./engine-source.ts";
import type { Figure, RowResult } from "./figures.ts";
import { JUDGED } from "./judge.ts";
import type { Evaluation } from "./run.ts";
import { shareOf } from "./share.ts";
import { evaluationMarkdown, evaluationText, figureText } from "./table.ts";

const row = (name: RowResult["row"], figures: readonly Figure[]): RowResult => ({
  row: name,
  pictures: 25,
  figures,
  cells: [],
});
const share = (name: string, right: number, of: number): Figure => ({ name, kind: "share", ...shareOf(right, of) });

function movement(own: number, most: number, rises: boolean): Figure {
  const moves = Object.fromEntries(CONTROL_FAMILY_NAMES.map((f) => [f, 0])) as Record<ControlFamily, number>;
  return {
    ...{ name: "dynamicColours", kind: "movement", family: "dynamicColours", own: [1, 2, 3, 4.5678], without: 2 },
    ...{
      rises,
      moves: { ...moves, dynamicColours: own, contrast: most },
      most: "contrast",
      right: rises && own > most,
    },
  };
}

const evaluation: Evaluation = {
  ...{ format: "illustrious.evaluation", version: 1, how: HOW, judged: JUDGED, seeds: 25, quick: false },
  models: [
    {
      ...{ name: "one", hash: "0" },
      rows: [
        row("simple", [share("the article's prompt", 23, 25), share("all 11 prompts", 254, 275)]),
        row("empty", [{ name: "both: mean luma error", kind: "number", value: 6.789, unit: "of 255" }]),
        row("control", [{ name: "families", kind: "count", right: 5, of: 6 }, movement(2.5, -0.25, true)]),
      ],
    },
    {
      ...{ name: "a|b", hash: "1" },
      rows: [row("simple", [share("the article's prompt", 0, 25), share("all 11 prompts", 275, 275)])],
    },
  ],
};

test("plain text: a line a figure, a column a model, dashes for what is not there", () => {
  expect(`\n${evaluationText(evaluation)}`).toMatchInlineSnapshot(`
    "
    euler, normal, CFG 7.5, 28 steps; seeds 0 to 24 a cell

    row      figure                                                    one                             a|b
    simple   the article's prompt                                      23/25 92 % (75–98)              0/25 0 % (0–13)
             all 11 prompts                                            254/275 92 % (89–95)            275/275 100 % (99–100)
    empty    both: mean luma error, of 255                             6.79                            –
    control  families                                                  5 of 6                          –
             dynamic colours: own measure (the other that moves most)  +2.50 SD (contrast −0.25): yes  –

    one: from a family's first token to its last, how far each measure moves, in standard deviations of the data

    tokens of        contrast  brightness  sharpness  dynamic colours  colourfulness  saturation  own measure at the four tokens
    dynamic colours  −0.25     +0.00       +0.00      +2.50            +0.00          +0.00       1, 2, 3, 4.57
    "
  `);
});

test("Markdown: the same, and a name cannot break it", () => {
  expect(`\n${evaluationMarkdown(evaluation)}`).toMatchInlineSnapshot(`
    "
    euler, normal, CFG 7.5, 28 steps; seeds 0 to 24 a cell

    | row | figure | one | a\\|b |
    |---|---|---|---|
    | simple | the article's prompt | 23/25 92 % (75–98) | 0/25 0 % (0–13) |
    |  | all 11 prompts | 254/275 92 % (89–95) | 275/275 100 % (99–100) |
    | empty | both: mean luma error, of 255 | 6.79 | – |
    | control | families | 5 of 6 | – |
    |  | dynamic colours: own measure (the other that moves most) | +2.50 SD (contrast −0.25): yes | – |

    one: from a family's first token to its last, how far each measure moves, in standard deviations of the data

    | tokens of | contrast | brightness | sharpness | dynamic colours | colourfulness | saturation | own measure at the four tokens |
    |---|---|---|---|---|---|---|---|
    | dynamic colours | −0.25 | +0.00 | +0.00 | +2.50 | +0.00 | +0.00 | 1, 2, 3, 4.57 |
    "
  `);
});

test("figures as text", () => {
  const number = (value: number, unit: "" | "%" | "×" | "of 255") =>
    figureText({ name: "", kind: "number", value, unit });
  expect([number(-25.66, "of 255"), number(1.2049, "×"), number(13.46, "%")]).toEqual(["−25.7", "1.20 ×", "13.5 %"]);
  expect(figureText(movement(1, 2, true))).toBe("+1.00 SD (contrast +2.00): no, another moves more");
  expect(figureText(movement(1, 0.5, false))).toBe("+1.00 SD (contrast +0.50): no, does not rise");
});
