/** @file A model with one NaN in a network: the picture would be black, and is refused with the network's name. */

import { cp, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { generateInEngine } from "./generate-in-engine.ts";
import { parseGenerateOptions } from "./generate-options.ts";

const nano = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const folder = await mkdtemp(join(tmpdir(), "broken-models-"));
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["textEncoder2", /position_embedding/, "the second text encoder gave NaN or infinity", "text_encoder_2"],
  ["unet", /conv_out\.bias/, "the UNet gave NaN or infinity at timestep 999", "unet"],
  ["vae", /decoder\.conv_out\.bias/, "the VAE's decoder gave NaN or infinity", "--vae"],
] as const)("in the %s", async (component, name, message, hint) => {
  const model = join(folder, component);
  await cp(nano, model, { recursive: true });
  const weights = (await openCheckpoint(model)).weights[component]!;
  const [, { path, offset }] = [...weights].find(([key]) => name.test(key))!;
  const file = await open(path, "r+");
  // The first of its float16 numbers.
  await file.write(Uint8Array.of(0x00, 0x7e), 0, 2, offset);
  await file.close();
  const options = parseGenerateOptions({ model, prompt: "1girl", width: 64, height: 64, steps: 1, cfg: 1, seed: 1 });
  const draw = async () => {
    for await (const { type } of generateInEngine(options, new AbortController().signal)) {
      if (type === "picture") return "a picture";
    }
  };
  await expect(draw()).rejects.toMatchObject({ code: "broken_numbers", message, hint: expect.stringContaining(hint) });
});
