/** @file Drawn scenes as a data set to train with: pictures, and captions beside them in kohya's way. */

import { z } from "zod";
import { IllustriousError } from "../base/error.ts";
import { writeSceneSet } from "../data/scenes/index.ts";
import { checkFolder, makeFolder } from "./output-place.ts";
import { parsedOptions } from "./parsed-options.ts";

export const sceneOptions = z.strictObject({
  out: z.string().min(1).describe("folder for the pictures and their captions"),
  count: z.int().min(1).max(10_000_000).default(1000).describe("how many scenes"),
  first: z
    .int()
    .min(0)
    .max(2 ** 40)
    .default(0)
    .describe("seed of the first one; each next one's is one more"),
  size: z.int().min(64).max(2048).default(256).describe("pixels a side"),
  captions: z.int().min(1).max(64).default(8).describe("ways to tell each scene, a line each: set enable_wildcard"),
  tones: z
    .enum(["none", "some", "all", "vivid"])
    .default("some")
    .describe(
      "pictures darker, brighter, duller, more vivid, blurred …; of all, each caption tells a control token; vivid: each more saturated",
    ),
  split: z
    .enum(["training", "held-out", "any"])
    .default("training")
    .describe("whether combinations that are held out for tests occur: never, always, or by chance"),
});

export type ScenesInput = z.input<typeof sceneOptions>;

export type ScenesEvent =
  | { readonly type: "progress"; readonly done: number; readonly total: number }
  | { readonly type: "done"; readonly folder: string; readonly scenes: number };

/**
 * Draws scenes into a folder. Those that are there already are left, so that a stopped run goes on.
 *
 * @throws IllustriousError `bad_option`; `write_failed`; `cancelled` after an abort
 */
export async function* scenes(
  input: ScenesInput,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<ScenesEvent, void> {
  const { out, count, ...options } = parsedOptions(sceneOptions, input, "See `illustrious scenes --help`.");
  await checkFolder(out);
  await makeFolder(out);
  for await (const done of writeSceneSet(out, { ...options, count })) {
    yield { type: "progress", done, total: count };
    if (signal?.aborted) throw new IllustriousError("cancelled", `stopped after ${done} of ${count} scenes`);
  }
  yield { type: "done", folder: out, scenes: count };
}
