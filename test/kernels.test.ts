/** @file That the kernels which run are the ones that can be read. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import openWabt from "wabt";
import { KERNELS as colour } from "../src/colour/kernels/bytes.ts";
import { KERNELS as optimisers } from "../src/training/optimisers/kernels/bytes.ts";

test.each([
  ["colour/kernels", colour],
  ["training/optimisers/kernels", optimisers],
])("%s: bytes.ts is made of kernels.wat", async (folder, bytes) => {
  const text = readFileSync(new URL(`../src/${folder}/kernels.wat`, import.meta.url), "utf8");
  const module = (await openWabt()).parseWat("kernels.wat", text, { simd: true });
  expect(bytes, "run `node scripts/make-kernels.mjs`").toBe(Buffer.from(module.toBinary({}).buffer).toString("base64"));
});
