/** @file Pictures that are damaged or made to hurt, in the process that audits decode in. `test/long/decode-fuzz.test.ts` has more of them. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bombs } from "./hostile-pictures.ts";
import { fuzzDecoder, watchedDecoder } from "./watched-decoder.ts";

const timeout = 300_000;

test("damaged files of every format are measured or say why not, in bounded time and memory", { timeout }, async () => {
  const counts = await fuzzDecoder(700, Number(process.env.SEED ?? 1));
  // Both must be common, or the damage is too small or too large to try anything. An SVG is never read.
  for (const [format, [measured, of]] of counts) {
    expect([format, measured > of / 50], `${measured} of ${of}`).toEqual([format, format !== "svg"]);
    expect([format, measured < of * 0.9]).toEqual([format, true]);
  }
});

/** Bombs that are pictures all the same: what is too much in them is not looked at. A GIF may be as large as its frame, not as it says. */
const MEASURED = [
  ...["png zTXt of 200 MB", "png iTXt of 200 MB", "png iCCP of 200 MB", "png of 100,000 texts", "jpeg ICC of 16 MB"],
  ...["jpeg EXIF in a circle", "webp of 10,000 frames", "gif 65,535²", "gif of 10,000 frames"],
  ...["gif of 10,000 frames, 2,000²", "tiff of 10,000 pages"],
];

test("files that ask for far more than they are cost little", { timeout }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bombs-"));
  const decoder = await watchedDecoder();
  try {
    const told: Record<string, unknown> = {};
    for (const [name, bytes] of await bombs()) {
      const path = join(folder, "bomb");
      await writeFile(path, bytes);
      const { facts, cpu, grown } = await decoder.measure({ path });
      const measured = MEASURED.includes(name);
      // A tenth of a second where the machine is free. One that is measured is gone through.
      const isCheap = cpu < (measured ? 2000 : 500) && grown < 100e6;
      told[name] = isCheap ? facts.error : { error: facts.error, cpu, grown };
    }
    expect(Object.keys(told).filter((name) => told[name] === null)).toEqual(MEASURED);
  } finally {
    await decoder.close();
    await rm(folder, { recursive: true, force: true });
  }
});
