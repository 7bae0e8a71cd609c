/** @file Spreads against exact quantiles, and tags counted by hand. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { measureColours, quantiles } from "../../colour/index.ts";
import { type Scale, spreadCounter } from "./spread.ts";
import { emptyBins, MEASURES } from "./spread-ranges.ts";
import { tagCounter } from "./tag-counts.ts";

function spread(values: readonly number[], from: number, to: number, scale?: Scale) {
  const counter = spreadCounter(from, to, scale);
  for (const value of values) counter.add(value);
  return counter.result();
}

test("quantiles are those of the sample, to a fine bin", () => {
  const values = Array.from({ length: 5000 }, (_, i) => (((i * 7919) % 5000) + 0.5) / 5000);
  const found = spread(values, 0, 1)!;
  const [q1, q25, q50, q99] = quantiles(values, [0.01, 0.25, 0.5, 0.99]);
  expect(found.quantiles[1]).toBeCloseTo(q1!, 3);
  expect(found.quantiles[25]).toBeCloseTo(q25!, 3);
  expect(found.quantiles[50]).toBeCloseTo(q50!, 3);
  expect(found.quantiles[99]).toBeCloseTo(q99!, 3);
  expect(found.mean).toBeCloseTo(0.5, 10);
  expect(found.histogram.counts).toEqual(Array(20).fill(250));
});

test("no picture's measures lie beyond the range in which they are told apart", () => {
  const picture = (side: number, colourAt: (x: number, y: number) => readonly number[]) => {
    const rgb = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return colourAt(pixel % side, Math.floor(pixel / side))[i % 3]!;
    });
    return measureColours({ width: side, height: side, rgb });
  };
  const extremes = [
    picture(16, (x, y) => ((x + y) % 2 === 0 ? [255, 255, 255] : [0, 0, 0])),
    // 64 % against 36 %: of two opposite colours the most colourful mixture.
    picture(10, (x, y) => (10 * y + x < 64 ? [255, 0, 0] : [0, 255, 255])),
    picture(10, (_, y) => (y < 5 ? [255, 255, 255] : [0, 0, 255])),
    // Every hue alike.
    picture(36, (x) => hueColour(10 * x)),
  ];
  for (const name of MEASURES) {
    const { to, binOf } = emptyBins(name);
    for (const extreme of extremes) expect(extreme[name]).toBeLessThanOrEqual(to);
    // Nor is the range so wide that a bin is coarse: half of the largest is far from the largest.
    expect(binOf(to / 2)).toBeLessThan(binOf(to) - 100);
  }
  expect(extremes[0]!.sharpness).toBeCloseTo(emptyBins("sharpness").to, 6);
  expect(Math.max(...extremes.map((extreme) => extreme.colourfulness))).toBeGreaterThan(290);
  expect(Math.max(...extremes.map((extreme) => extreme.dynamicColours))).toBeGreaterThan(5);
});

/** Full chroma, by degrees. */
function hueColour(degrees: number): readonly number[] {
  return [0, 120, 240].map((primary) => {
    const away = Math.abs(((degrees - primary + 540) % 360) - 180);
    return Math.round(255 * Math.min(1, Math.max(0, 2 - away / 60)));
  });
}

test("of few values they are exact, as a small set's thresholds must be", () => {
  const values = [200, 0, 120, 40, 160, 80];
  const counter = spreadCounter(0, 255);
  for (const value of values) counter.add(value);
  for (const share of [0, 0.25, 0.6, 0.9, 1])
    expect(counter.quantile(share)).toBeCloseTo(quantiles(values, [share])[0]!);
  expect(spreadCounter(0, 1).quantile(0.5)).toBeUndefined();
});

test("a logarithm's bins tell small and large values apart", () => {
  const found = spread([0, 1, 10, 100, 1000, 10_000], 0, 10_000, "log")!;
  expect(found).toMatchObject({ count: 6, least: 0, most: 10_000 });
  expect(Math.abs(Math.log(found.quantiles[50] / 55))).toBeLessThan(0.01);
  expect(found.histogram.counts.reduce((a, b) => a + b)).toBe(6);
});

test("any values: counted whole, and no quantile beyond them or out of order", () => {
  const value = fc.double({ min: -10, max: 300, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 50 }), (values) => {
      const { count, least, most, quantiles: read, histogram } = spread(values, 0, 255)!;
      expect([count, least, most]).toEqual([values.length, Math.min(...values), Math.max(...values)]);
      expect(histogram.counts.reduce((a, b) => a + b)).toBe(count);
      const rising = [least, ...Object.values(read), most];
      expect(rising).toEqual([...rising].sort((a, b) => a - b));
    }),
  );
  expect(spread([], 0, 1)).toBeUndefined();
  expect(spread([0, 0, 0, 7], 0, 255)!.quantiles).toMatchObject({ 5: 0, 50: 0, 99: expect.closeTo(6.79) });
});

test("tags of first lines, once an image, the most frequent first", () => {
  const counter = tagCounter();
  counter.add("1girl, red hair, , 1girl\nred hair, never");
  counter.add("1girl,smile , constructor");
  counter.add(`a sentence that is much too long to be any tag at all, smile`);
  expect(counter.counts().slice(0, 3)).toEqual([
    ["1girl", 2],
    ["smile", 2],
    ["constructor", 1],
  ]);
});

test("of too many tags the rare ones are forgotten", () => {
  const counter = tagCounter(10);
  for (let i = 0; i < 100; i++) counter.add(`common, rare ${i}`);
  expect(counter.counts()[0]).toEqual(["common", 100]);
  expect(counter.counts().length).toBeLessThanOrEqual(10);
});
