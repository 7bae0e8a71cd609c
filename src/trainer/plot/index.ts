/** @file Pictures of recipes before they are run. */

export {
  type NamedPlan,
  namedPlan,
  type PlanJson,
  planCsv,
  planJson,
  type Share,
  sharesOf,
  type Terminal,
  terminalOf,
} from "./plan-figures.ts";
export { planPng, planSvg } from "./plan-svg.ts";
export { planText } from "./plan-text.ts";
