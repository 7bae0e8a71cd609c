/** @file From what is known of many pictures to the figures of a row. */

import { CONTROL_FAMILY_NAMES, type ControlFamily } from "../../colour/index.ts";
import { type Cell, cellsOf, type Extent } from "./cells.ts";
import { controlMatrix, type FamilyMovement } from "./control-matrix.ts";
import { OVERSHOOT } from "./judge.ts";
import type { RowName } from "./options.ts";
import type { Outcome } from "./records.ts";
import type { ColourReference } from "./reference.ts";
import { type Share, shareOf } from "./share.ts";

export type Figure = { readonly name: string } & (
  | ({ readonly kind: "share" } & Share)
  /** So many of a few, of which an interval would say nothing. */
  | { readonly kind: "count"; readonly right: number; readonly of: number }
  | { readonly kind: "number"; readonly value: number; readonly unit: "" | "%" | "×" | "of 255" }
  | ({ readonly kind: "movement" } & FamilyMovement)
);

export type RowResult = {
  readonly row: RowName;
  /** What `figures` are of. */
  readonly pictures: number;
  readonly figures: readonly Figure[];
  /** What each cell's pictures come to: how many are right, where that can be said, and the mean of each number that was taken. */
  readonly cells: readonly CellResult[];
};

export type CellResult = {
  readonly name: string;
  readonly pictures: number;
  readonly right?: Share;
  readonly means: Readonly<Record<string, number>>;
};

/** What rows are held against; found when a row needs it. */
export type References = {
  /** @param side of the pictures that were drawn, in pixels */
  colours(cells: readonly Cell[], side: number): Promise<ColourReference>;
  deviations(): Promise<Record<ControlFamily, number>>;
};

type Outcomes = readonly Outcome[];

/** The figures of a row whose every picture is known. */
export async function figuresOf(
  row: RowName,
  extent: Extent,
  outcomes: Outcomes,
  references: References,
): Promise<RowResult> {
  const figures = await FIGURES[row](outcomes, extent, references);
  return { row, pictures: outcomes.length, figures, cells: byCell(outcomes).map(cellResult) };
}

function cellResult([name, outcomes]: [string, Outcomes]): CellResult {
  const [first] = outcomes;
  const right = shareOf(outcomes.filter(isRight).length, outcomes.length);
  return {
    name,
    pictures: outcomes.length,
    ...(first!.right !== undefined && { right }),
    means: Object.fromEntries(Object.keys(first!.values).map((value) => [value, mean(outcomes, value)])),
  };
}

type FiguresOfRow = (outcomes: Outcomes, extent: Extent, references: References) => Figure[] | Promise<Figure[]>;

const FIGURES: { readonly [row in RowName]: FiguresOfRow } = {
  simple: trialFigures,
  long: trialFigures,
  empty: (outcomes) => [
    ...byCell(outcomes).map(([name, some]) => number(`${name}: mean luma error`, mean(some, "lumaError"), "of 255")),
    number("both: mean luma error", mean(outcomes, "lumaError"), "of 255"),
  ],
  saturation: saturationFigures,
  async control(outcomes, _extent, references) {
    const means = new Map(
      byCell(outcomes).map(([token, some]) => {
        const ofFamily = CONTROL_FAMILY_NAMES.map((family) => [family, mean(some, family)] as const);
        return [token, Object.fromEntries(ofFamily) as Record<ControlFamily, number>] as const;
      }),
    );
    const families = controlMatrix(means, await references.deviations());
    const right = families.filter((family) => family.right).length;
    return [
      { name: "families that rise and move most", kind: "count", right, of: families.length },
      ...families.map((family): Figure => ({ name: family.family, kind: "movement", ...family })),
    ];
  },
  sizes: (outcomes) => byCell(outcomes).map(([name, some]) => share(name, some, isRight)),
};

/**
 * Colours against the data's, and the overshoot of the first step and of those after it. With x_i the guided guess at the clean latents after step i,
 * x_N the finished latents, D(x) the picture that the VAE decodes of x, Y its mean luma and S its mean HSV saturation of 255, A the largest
 * absolute value among latents, and E the mean over pictures:
 *
 * - luma less the final: E[Y(D(x_1))] - E[Y(D(x_N))]
 * - luma's distance from the final: E[|Y(D(x_1)) - Y(D(x_N))|]
 * - saturation over the final: E[S(D(x_1))] / E[S(D(x_N))]
 * - largest latent over the final: E[A(x_1)] / E[A(x_N)]
 * - steps with a largest latent above 1.5 × the final: E[#{i: A(x_i) > 1.5 A(x_N)}], how long the overshoot lasts
 *
 * Unguided, a first guess is a blend of all pictures that the prompt allows: flatter and paler than any of them, with both quotients
 * below 1. Guidance stretches it, so the figures are for holding models against each other, not against 1.
 */
async function saturationFigures(outcomes: Outcomes, extent: Extent, references: References): Promise<Figure[]> {
  const data = await references.colours(cellsOf.saturation(extent), outcomes[0]!.values.side!);
  const [saturation, luma] = [mean(outcomes, "saturation"), mean(outcomes, "luma")];
  const distance = outcomes.reduce((sum, { values }) => sum + Math.abs(values.firstLuma! - values.luma!), 0);
  return [
    number("mean saturation over the data's", saturation / data.saturation, "×"),
    number("mean saturation", saturation, "of 255"),
    number("the data's mean saturation", data.saturation, "of 255"),
    number("exactly white pixels", 100 * mean(outcomes, "white"), "%"),
    number("the data's exactly white pixels", 100 * data.white, "%"),
    number("after step 1: mean luma less the final", mean(outcomes, "firstLuma") - luma, "of 255"),
    number("after step 1: luma's distance from the final", distance / outcomes.length, "of 255"),
    number("after step 1: mean saturation over the final", mean(outcomes, "firstSaturation") / saturation, "×"),
    number(
      "after step 1: largest latent over the final",
      mean(outcomes, "firstLatent") / mean(outcomes, "latent"),
      "×",
    ),
    number(`steps whose largest latent is above ${OVERSHOOT} × the final`, mean(outcomes, "overshootSteps"), ""),
  ];
}

/** The first cell is the article's own prompt. */
function trialFigures(outcomes: Outcomes): Figure[] {
  const cells = byCell(outcomes);
  const holds = (name: string) => (outcome: Outcome) => outcome.values[name] === 1;
  return [
    share("the article's prompt", cells[0]![1], isRight),
    share(`all ${cells.length} prompts`, outcomes, isRight),
    share("both girls there", outcomes, holds("found")),
    share("hair and eyes right", outcomes, holds("hairAndEyes")),
  ];
}

/** In the order in which the cells were drawn. */
export function byCell(outcomes: Outcomes): [name: string, outcomes: Outcome[]][] {
  const cells = new Map<string, Outcome[]>();
  for (const outcome of outcomes) cells.set(outcome.cell, [...(cells.get(outcome.cell) ?? []), outcome]);
  return [...cells];
}

const isRight = ({ right }: Outcome): boolean => right === true;

function share(name: string, outcomes: Outcomes, holds: (outcome: Outcome) => boolean): Figure {
  return { name, kind: "share", ...shareOf(outcomes.filter(holds).length, outcomes.length) };
}

function number(name: string, value: number, unit: Extract<Figure, { kind: "number" }>["unit"]): Figure {
  return { name, kind: "number", value, unit };
}

function mean(outcomes: Outcomes, name: string): number {
  return outcomes.reduce((sum, { values }) => sum + values[name]!, 0) / outcomes.length;
}
