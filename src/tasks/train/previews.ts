/**
 * @file Pictures of a model while it learns, made as `generate` makes them: through files, on the noise schedule that it is trained
 * with. So a preview shows what its user will see.
 */

import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { halfFolder } from "../../trainer/checkpoints.ts";
import type { Examination, Lesson } from "../../trainer/lesson.ts";
import { LORA_FILE } from "../../trainer/open-sdxl.ts";
import { generateInEngine } from "../generate-in-engine.ts";
import { type GenerateInput, parseGenerateOptions } from "../generate-options.ts";

export type PreviewOptions = {
  /** The run's folder, in which the model lies while it is looked at. */
  readonly run: string;
  readonly step: number;
  readonly prompts: readonly string[];
  readonly sampler?: string | undefined;
  readonly size: number;
  readonly seed: number;
  /** The checkpoint beside which a LoRA learns, and the autoencoder in place of its own; a whole model needs none. */
  readonly base?: string | undefined;
  readonly vae?: string | undefined;
};

/** Steps of a preview, as in sd-scripts. */
const STEPS = 28;

/**
 * A sampler by its name here or sd-scripts'. What is wrong with it, or with a prompt's options, is told before the first step.
 *
 * @throws IllustriousError `bad_option`
 */
export function previewSampler(given: string | undefined, prompts: readonly string[]): string | undefined {
  const plain = given?.replace(/^k_/, "");
  const sampler = plain === undefined ? undefined : (SD_SCRIPTS_SAMPLERS[plain] ?? plain);
  for (const line of prompts) {
    parseGenerateOptions({ model: "m", ...previewOf(line), ...(sampler && { sampler }) } as GenerateInput);
  }
  return sampler;
}

/** sd-scripts' names that are others here. */
const SD_SCRIPTS_SAMPLERS: Readonly<Record<string, string>> = {
  "dpmsolver++": "dpmpp_2m",
  dpmsolver: "dpmpp_2m",
};

/** @param given prompts, or a file with one a line: empty lines and those that begin with # are left out */
export async function samplePrompts(
  given: string | readonly string[] | undefined,
  placeOf: (path: string) => string,
): Promise<readonly string[]> {
  if (given === undefined || typeof given !== "string") return given ?? [];
  const path = placeOf(given);
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const hint = "sample_prompts is a file with one prompt a line, or a list of prompts.";
    throw new IllustriousError("missing_file", `cannot read the prompts ${path} (${cause.code})`, hint, { cause });
  });
  return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

/** sd-scripts' options behind a prompt: `--n` what to keep away from, `--w`, `--h`, `--d` the seed, `--s` steps, `--l` guidance. */
export function previewOf(line: string): Partial<GenerateInput> & { readonly prompt: string } {
  const [prompt = "", ...options] = line.trim().split(/\s+--(?=[nwhdsl]\s)/);
  const given: { -readonly [Name in keyof GenerateInput]?: GenerateInput[Name] } = {};
  for (const option of options) {
    const [name, ...words] = option.split(/\s+/);
    const text = words.join(" ");
    if (name === "n") given.negativePrompt = text;
    else Object.assign(given, { [NUMBERS[name!]!]: Number(text) });
  }
  return { ...given, prompt };
}

const NUMBERS: Readonly<Record<string, string>> = { w: "width", h: "height", d: "seed", s: "steps", l: "cfg" };

export async function previewsOf(
  saveModel: Lesson["saveModel"],
  { run, step, prompts, sampler, size, seed, base, vae }: PreviewOptions,
  signal: AbortSignal,
): Promise<Examination["previews"]> {
  // By its step, for a model that lay at the same place would be taken for one that is open already.
  const folder = halfFolder(run, `preview-${step}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  try {
    await saveModel(folder);
    const lora = join(folder, LORA_FILE);
    const model =
      base === undefined ? { model: folder } : { model: base, loras: [lora], ...(vae !== undefined && { vae }) };
    const previews: { name: string; prompt: string; png: Uint8Array }[] = [];
    for (const [i, line] of prompts.entries()) {
      const own = previewOf(line);
      const { prompt } = own;
      const usual = { ...model, width: size, height: size, seed, steps: STEPS, ...(sampler && { sampler }) };
      const input = { ...usual, ...own };
      const options = parseGenerateOptions(input as GenerateInput);
      for await (const event of generateInEngine(options, signal)) {
        if (event.type === "picture") previews.push({ name: `${i + 1}`, prompt, png: event.png });
      }
    }
    return previews;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
