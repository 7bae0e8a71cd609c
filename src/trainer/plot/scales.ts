/** @file Scales of charts: from a value to its place between 0 and 1, and the round values that are written beside. */

export type Tick = { value: number; text: string };

export type Scale = {
  low: number;
  high: number;
  /** 0 at `low`, 1 at `high`; beyond them less or more. NaN for what the scale has no place for. */
  at(value: number): number;
  ticks: Tick[];
};

/** Ticks at 1, 2 or 5 times a power of ten, about `count` of them. */
export function linearScale(low: number, high: number, count = 5): Scale {
  // What differs by less than ticks have digits for is one value.
  const flat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  const [from, to] = flat ? [low - 0.5, low + 0.5] : [low, high];
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((n) => n * power >= rough * 0.7) ?? 10);
  const ticks: Tick[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to * (1 + 1e-12) + 1e-300; i++) {
    const value = Number((i * step).toPrecision(12));
    ticks.push({ value, text: tickText(value) });
  }
  return { low: from, high: to, at: (value) => (value - from) / (to - from), ticks };
}

/** Ticks at powers of ten, and at 2 and 5 times those where there are few. `low` must be above 0. */
export function logScale(low: number, high: number): Scale {
  const [from, to] = [Math.log10(low), Math.log10(high > low ? high : low * 10)];
  const factors = to - from < 2 ? [1, 2, 5] : [1];
  const each = Math.max(1, Math.ceil((to - from) / 8));
  const ticks: Tick[] = [];
  for (let exponent = Math.floor(from); exponent <= to; exponent++) {
    if (exponent % each !== 0) continue;
    for (const factor of factors) {
      const value = Number((factor * 10 ** exponent).toPrecision(6));
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push({ value, text: tickText(value) });
    }
  }
  return { low, high, at: (value) => (value > 0 ? (Math.log10(value) - from) / (to - from) : Number.NaN), ticks };
}

/** 20000 as "20k", 0.00002 as "2e-5". */
export function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-3)) return value.toExponential().replace("e+", "e");
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(5))}k`;
  return String(value);
}

/** Three digits, for reading. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-4)) return Number(value.toPrecision(3)).toExponential().replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}
