/** @file Colour: what a picture's colours measure, and the control tokens that say so in its caption. */

export { areaMeans, atWorkingSize } from "./areas.ts";
export {
  CONTROL_FAMILIES,
  CONTROL_FAMILY_NAMES,
  type ControlFamily,
  type ControlMeasures,
  type ControlThresholds,
  type ControlToken,
  type Cuts,
  canPart,
  controlLevel,
  DEFAULT_QUANTILES,
  FEWEST_PICTURES,
  type FitOptions,
  fitThresholds,
  tokensOf,
} from "./control-tokens.ts";
export { HUE_BINS, HUE_SECTORS, hueSectors } from "./hues.ts";
export { type ColourMeasures, isColourful, measureColours, WORKING_SIDE } from "./measures.ts";
export type { Pixels } from "./pixels.ts";
export { type Placed, placed } from "./placed.ts";
export { quantiles } from "./quantiles.ts";
export { parseThresholds, printThresholds } from "./threshold-file.ts";
