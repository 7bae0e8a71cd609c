/** @file A pool of sessions: all of them work, none twice at a time, and each caller gets its own result. */

import { expect, test } from "vitest";
import { float32, type Session } from "./runtime.ts";
import { sessionPool } from "./session-pool.ts";

test("runs go beside each other, one a session at a time, and one that fails hinders no other", async () => {
  let running = 0;
  let most = 0;
  const session = (): Session => {
    let busy = false;
    return {
      async run({ x }) {
        expect(busy).toBe(false);
        busy = true;
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        busy = false;
        if (x!.data[0] === 3) throw new Error("three");
        return { y: x! };
      },
      release: async () => {},
    };
  };
  const pool = sessionPool([session(), session()]);
  const all = Array.from({ length: 9 }, (_, i) => pool.run({ x: float32(Float32Array.of(i), [1]) }));
  const results = await Promise.allSettled(all);
  expect(most).toBe(2);
  results.forEach((result, i) => {
    if (i === 3) expect(result.status).toBe("rejected");
    else expect(result).toMatchObject({ value: { y: { data: Float32Array.of(i) } } });
  });
});
