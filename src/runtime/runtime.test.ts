/** @file Several sessions as one: all of them or none. */

import { expect, test } from "vitest";
import { openAll, type Session } from "./runtime.ts";

test("where one does not open, those that did are closed, early or late", async () => {
  const closed: string[] = [];
  const session = (name: string): Session => ({
    run: async () => ({}),
    async release() {
      closed.push(name);
    },
  });
  const late = new Promise<Session>((resolve) => {
    setTimeout(() => resolve(session("late")), 20);
  });
  const opening = [Promise.resolve(session("early")), Promise.reject(new Error("no memory")), late];
  await expect(openAll(opening)).rejects.toThrow("no memory");
  expect(closed).toEqual(["early", "late"]);
  expect(await openAll([late, Promise.resolve(session("other"))])).toHaveLength(2);
});
