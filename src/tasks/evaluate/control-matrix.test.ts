import { expect, test } from "vitest";
import { CONTROL_FAMILIES, CONTROL_FAMILY_NAMES, type ControlFamily } from "../../colour/index.ts";
import { NO_TOKEN } from "./cells.ts";
import { controlMatrix } from "./control-matrix.ts";

type Measures = Record<ControlFamily, number>;

const filled = (value: (family: ControlFamily) => number) =>
  Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, value(family)])) as Measures;

/** Each token moves its own measure by `step` a level, and the measures of `others` by as much as they say. */
function meansWith(
  step: (family: ControlFamily, level: number) => number,
  other: (family: ControlFamily, f: ControlFamily, level: number) => number = () => 0,
): Map<string, Measures> {
  const means = new Map([[NO_TOKEN, filled(() => 10)]]);
  for (const family of CONTROL_FAMILY_NAMES) {
    CONTROL_FAMILIES[family].forEach((token, level) => {
      means.set(
        token,
        filled((f) => 10 + (f === family ? step(family, level) : other(family, f, level))),
      );
    });
  }
  return means;
}

test("a family moves its own measure by the whole way from its first token to its last, in deviations of the data", () => {
  const matrix = controlMatrix(
    meansWith((_family, level) => 2 * level),
    filled((f) => (f === "saturation" ? 4 : 2)),
  );
  expect(matrix.map(({ family, right }) => [family, right])).toEqual(CONTROL_FAMILY_NAMES.map((f) => [f, true]));
  expect(matrix.map(({ family, moves }) => moves[family])).toEqual([3, 3, 3, 3, 3, 1.5]);
  expect(matrix[0]).toMatchObject({ own: [10, 12, 14, 16], without: 10, rises: true });
});

test("a family that falls back at any of its tokens does not rise, whatever the whole way is", () => {
  const levels = [0, 3, 2.9, 6];
  const [contrast, brightness] = controlMatrix(
    meansWith((family, level) => (family === "contrast" ? levels[level]! : level)),
    filled(() => 1),
  );
  expect(contrast).toMatchObject({ rises: false, right: false });
  expect(brightness).toMatchObject({ rises: true, right: true });
});

test("a family whose tokens move another measure more is not right, whether that rises or falls", () => {
  for (const direction of [1, -1]) {
    const matrix = controlMatrix(
      meansWith(
        (_family, level) => level,
        (family, f, level) => (family === "sharpness" && f === "contrast" ? direction * 2 * level : 0),
      ),
      filled(() => 1),
    );
    const wrong = matrix.filter(({ right }) => !right);
    expect(wrong.map(({ family, most, moves }) => [family, most, moves.contrast])).toEqual([
      ["sharpness", "contrast", direction * 6],
    ]);
  }
});
