/** @file Whether control tokens steer what they name: how far each family's tokens move every family's measure. */

import { CONTROL_FAMILIES, CONTROL_FAMILY_NAMES, type ControlFamily } from "../../colour/index.ts";
import { NO_TOKEN } from "./cells.ts";

type Measures = Readonly<Record<ControlFamily, number>>;

export type FamilyMovement = {
  readonly family: ControlFamily;
  /** Means of the family's own measure with each of its four tokens, weakest first, and with none. */
  readonly own: readonly number[];
  readonly without: number;
  /** The own measure's mean is higher with each token than with the one before. */
  readonly rises: boolean;
  /** From the first token to the last, the mean of each family's measure, in standard deviations of that measure over the data. */
  readonly moves: Measures;
  /** Which measure but its own moves most, up or down. */
  readonly most: ControlFamily;
  /** It rises, and its own measure moves further than that one. */
  readonly right: boolean;
};

/**
 * With M_f(t) the mean of family f's measure over the pictures drawn with token t, t_1 … t_4 the tokens of family g, and s_f the
 * standard deviation of f's measure over the data: `moves[f] = (M_f(t_4) - M_f(t_1)) / s_f`. Family g is right when
 * M_g(t_1) < M_g(t_2) < M_g(t_3) < M_g(t_4), and moves[g] > |moves[f]| for every other f.
 *
 * @param means of each token, and of `NO_TOKEN`
 */
export function controlMatrix(means: ReadonlyMap<string, Measures>, deviations: Measures): FamilyMovement[] {
  return CONTROL_FAMILY_NAMES.map((family) => {
    const steps = CONTROL_FAMILIES[family].map((token) => means.get(token)!);
    const own = steps.map((measures) => measures[family]);
    const moves = Object.fromEntries(
      CONTROL_FAMILY_NAMES.map((f) => [f, (steps.at(-1)![f] - steps[0]![f]) / deviations[f]]),
    ) as Measures;
    const others = CONTROL_FAMILY_NAMES.filter((f) => f !== family);
    const most = others.reduce((a, b) => (Math.abs(moves[b]) > Math.abs(moves[a]) ? b : a));
    const rises = own.every((value, i) => i === 0 || value > own[i - 1]!);
    return {
      family,
      own,
      without: means.get(NO_TOKEN)![family],
      rises,
      moves,
      most,
      right: rises && moves[family] > Math.abs(moves[most]),
    };
  });
}
