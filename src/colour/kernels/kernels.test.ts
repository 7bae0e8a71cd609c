/** @file That the kernels which run are the ones that can be read. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import openWabt from "wabt";
import { KERNELS } from "./bytes.ts";

test("bytes.ts is made of kernels.wat", async () => {
  const text = readFileSync(new URL("kernels.wat", import.meta.url), "utf8");
  const module = (await openWabt()).parseWat("kernels.wat", text, { simd: true });
  expect(KERNELS, "run `node scripts/make-kernels.mjs`").toBe(
    Buffer.from(module.toBinary({}).buffer).toString("base64"),
  );
});
