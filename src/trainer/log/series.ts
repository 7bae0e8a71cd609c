/**
 * @file A curve that a run adds to for as long as it goes on. A short one has every point; of a long one, the least and the greatest of
 * every so many points are kept, so that it looks as before, spikes included, and takes no more memory than a page can show.
 */

/** By step, NaN where a step had no value. The newest point is always the last. */
export type Series = {
  steps: number[];
  values: number[];
  /** So many points in a row come to two. */
  span: number;
  /** Where the points begin that are fewer than a span yet, and of how many they are left. */
  open: number;
  count: number;
};

/** Points of which all but the newest few are thinned to half: over ten for each column of a chart. */
const MOST = 4096;

export function emptySeries(): Series {
  return { steps: [], values: [], span: 2, open: 0, count: 0 };
}

export function push(series: Series, step: number, value: number | null): void {
  if (series.count === series.span) close(series);
  series.steps.push(step);
  series.values.push(value ?? Number.NaN);
  series.count++;
  const last = series.steps.length - 1;
  if (last - series.open < 3) return;
  const [first, second] = extremes(series.values, series.open, last + 1);
  keep(series, series.open, second === last ? [first, last] : [first, second, last]);
}

/** The newest span becomes two points, and where those are too many, each two spans become one. */
function close(series: Series): void {
  const { values, open } = series;
  if (values.length - open > 2) keep(series, open, extremes(values, open, values.length));
  if (values.length >= MOST) {
    const kept: number[] = [];
    for (let at = 0; at < values.length; at += 4) kept.push(...extremes(values, at, at + 4));
    keep(series, 0, kept);
    series.span *= 2;
  }
  series.open = series.steps.length;
  series.count = 0;
}

/** Indices of the least and the greatest value, in their order; the first and the last where all are the same or none. */
function extremes(values: readonly number[], from: number, to: number): [first: number, second: number] {
  let least = -1;
  let greatest = -1;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    if (least < 0 || value < values[least]!) least = i;
    if (greatest < 0 || value >= values[greatest]!) greatest = i;
  }
  return least < 0 ? [from, to - 1] : [Math.min(least, greatest), Math.max(least, greatest)];
}

/** Of the points from `from` on, those of these indices, some perhaps twice. */
function keep({ steps, values }: Series, from: number, indices: readonly number[]): void {
  const points = indices.map((i) => [steps[i]!, values[i]!] as const);
  steps.length = from;
  values.length = from;
  for (const [step, value] of points) {
    steps.push(step);
    values.push(value);
  }
}
