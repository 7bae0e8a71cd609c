/**
 * @file Makes `bytes.ts` of `kernels.wat` in each folder that has kernels. A test holds that the two say the same.
 *
 *     node scripts/make-kernels.mjs
 */

import { readFile, writeFile } from "node:fs/promises";
import openWabt from "wabt";

const wabt = await openWabt();
for (const name of ["colour/kernels", "training/optimisers/kernels"]) {
  const folder = new URL(`../src/${name}/`, import.meta.url);
  const module = wabt.parseWat("kernels.wat", await readFile(new URL("kernels.wat", folder), "utf8"), { simd: true });
  const { buffer } = module.toBinary({});
  const lines = Buffer.from(buffer)
    .toString("base64")
    .match(/.{1,120}/g)
    .map((line) => `  "${line}"`);
  const text = `/** @file The kernels as WebAssembly, in base64. Made of kernels.wat by scripts/make-kernels.mjs. */

export const KERNELS =
${lines.join(" +\n")};
`;
  await writeFile(new URL("bytes.ts", folder), text);
  console.log(`${name}: ${buffer.length} bytes`);
}
