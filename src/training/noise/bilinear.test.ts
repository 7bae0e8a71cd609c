import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { enlarge } from "./bilinear.ts";

type Case = { from: [number, number]; to: [number, number]; plane: number[]; enlarged: number[] };

const path = new URL("../../../test/fixtures/optimisers.json.gz", import.meta.url);
const cases: Case[] = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8")).bilinear;

test.each(cases)("$from to $to is torch.nn.functional.interpolate's: scripts/goldens/optimisers.py", (golden) => {
  const found = enlarge(Float32Array.from(golden.plane), ...golden.from, ...golden.to);
  expect(found.length).toBe(golden.enlarged.length);
  golden.enlarged.forEach((value, k) => {
    // Float64 there, stored as float32 here: 6e-8 of numbers up to 3.
    expect(Math.abs(found[k]! - value)).toBeLessThan(2e-7);
  });
});
