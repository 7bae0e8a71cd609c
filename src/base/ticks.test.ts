import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { ticks } from "./ticks.ts";

const count = async (work: Promise<unknown>) => {
  let seen = 0;
  for await (const _ of ticks(work, 20)) seen++;
  return seen;
};

test("there are ticks until the work has ended, and none behind it", async () => {
  const seen = await count(wait(110));
  expect(seen).toBeGreaterThanOrEqual(1);
  expect(seen).toBeLessThanOrEqual(5);
  expect(await count(Promise.resolve())).toBe(0);
});

test("work that fails ends the ticks and is not thrown by them", async () => {
  const work = wait(30).then(() => Promise.reject(new Error("no")));
  expect(await count(work)).toBeLessThanOrEqual(2);
  await expect(work).rejects.toThrow("no");
});
