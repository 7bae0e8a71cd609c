/** @file Names that a user may have mistyped: whether a sampler or a schedule is known, and which was probably meant. */

import { nearestName } from "../base/nearest-name.ts";
import {
  lookUpSampler,
  lookUpSchedule,
  samplerLabels,
  samplerNames,
  scheduleLabels,
  scheduleNames,
} from "../sampling/index.ts";

/** What is wrong with a sampler's name, to follow it in a sentence; undefined when it is known. */
export function samplerFault(text: string): string | undefined {
  if (isKnown(lookUpSampler, text)) return undefined;
  const labels = samplerNames.map((name) => samplerLabels[name].label);
  // Old labels end in the schedule.
  const long = labels.flatMap((label) => Object.values(scheduleLabels).map((schedule) => `${label} ${schedule}`));
  return fault(text, [...samplerNames, ...labels, ...long], `samplers are ${samplerNames.join(", ")}`);
}

/** The same of a schedule's. */
export function scheduleFault(text: string): string | undefined {
  if (isKnown(lookUpSchedule, text)) return undefined;
  const labels = Object.values(scheduleLabels);
  return fault(text, [...scheduleNames, ...labels], `schedules are ${scheduleNames.join(", ")}`);
}

function isKnown(lookUp: (text: string) => unknown, text: string): boolean {
  try {
    lookUp(text);
    return true;
  } catch {
    return false;
  }
}

function fault(text: string, names: readonly string[], all: string): string {
  const meant = nearestName(text, names);
  return meant === undefined ? `unknown; ${all}` : `unknown; did you mean ${/\s/.test(meant) ? `"${meant}"` : meant}?`;
}
