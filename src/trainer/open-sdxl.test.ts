/** @file What a run refuses before it opens anything. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { openSdxlRun, type SdxlRunOptions } from "./open-sdxl.ts";
import { modelOf } from "./sdxl-model.ts";

const tiny = join(import.meta.dirname, "../../test/fixtures/tiny-sdxl");

test("a model whose encoders lack tokens of the vocabulary that captions are read with", async () => {
  // All that is looked at before the refusal.
  const options = { model: modelOf(await openCheckpoint(tiny)), train: ["unet"] } as unknown as SdxlRunOptions;
  await expect(openSdxlRun(options).next()).rejects.toMatchObject({
    code: "bad_shape",
    message: expect.stringMatching(/text_encoder has 1000 tokens \(vocab_size\), and the built-in .* up to 49407$/),
  });
});
