/** @file Threads are as asked for up to four a core, and fewer only with a word. */

import { expect, test } from "vitest";
import { engineThreads } from "./engine-threads.ts";

test("a thread a core, or as many as are asked for, up to four a core", () => {
  expect(engineThreads(undefined, 2)).toEqual({ threads: 2 });
  for (const asked of [1, 2, 8]) expect(engineThreads(asked, 2)).toEqual({ threads: asked });
});

test("more are cut down, which is told with both numbers", () => {
  expect(engineThreads(1000, 2)).toEqual({
    threads: 8,
    warning: {
      message: "1000 threads are asked for; 8 are used, 4 for each of 2 cores",
      hint: "More only wait for each other; 2 is usually fastest.",
    },
  });
  expect(engineThreads(9, 2).threads).toBe(8);
});
