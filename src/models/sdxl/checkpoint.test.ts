import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "./checkpoint.ts";

const NANO = join(import.meta.dirname, "../../../models/nano-bootstrap");

test("the bootstrap checkpoint opens, every key known and used", async () => {
  const nano = await openCheckpoint(NANO);
  expect(nano.kind).toBe("diffusers");
  // Counted in the files' headers.
  expect(nano.weights.unet.size).toBe(328);
  expect(nano.weights.vae?.size).toBe(184);
  expect(nano.weights.textEncoder.size).toBe(36);
  expect(nano.weights.textEncoder2.size).toBe(37);
  expect(nano.report).toEqual({ missing: [], unknown: [], ignored: [] });
  expect(nano.prediction).toMatchObject({ prediction: "v", zeroSnr: true, confidence: "certain", conflicts: [] });
  expect(nano.tokenizerFolders?.tokenizer2).toBe(join(NANO, "tokenizer_2"));
});
