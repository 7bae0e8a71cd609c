/**
 * @file Prompts of previews as sd-scripts has them: a list, a file with one a line and options behind it, or a `.json` or `.toml` file with the
 * options by name. https://github.com/kohya-ss/sd-scripts, `library/train_util.py`, `load_prompts` and `line_to_prompt_dict`.
 */

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { parseJsonFile } from "../../formats/json.ts";
import { parseToml } from "../../formats/toml.ts";
import { type GenerateInput, parseGenerateOptions } from "../generate-options.ts";

/** What a prompt says itself; the rest is the same for all. */
export type SamplePrompt = { readonly prompt: string } & Pick<
  GenerateInput,
  "negativePrompt" | "width" | "height" | "seed" | "steps" | "cfg" | "sampler"
>;

/** sd-scripts' names of options, behind a prompt and in a file of tables. */
const OPTIONS: readonly { readonly flag?: string; readonly key: string; readonly name: keyof SamplePrompt }[] = [
  { key: "prompt", name: "prompt" },
  { flag: "n", key: "negative_prompt", name: "negativePrompt" },
  { flag: "w", key: "width", name: "width" },
  { flag: "h", key: "height", name: "height" },
  { flag: "d", key: "seed", name: "seed" },
  { flag: "s", key: "sample_steps", name: "steps" },
  { flag: "l", key: "scale", name: "cfg" },
  { flag: "ss", key: "sample_sampler", name: "sampler" },
];

const TEXTS: readonly string[] = ["prompt", "negativePrompt"];

/** A prompt that has still to be read, and where it stands. */
type Given = { readonly where: string; readonly read: () => SamplePrompt };

/**
 * @param given prompts, or a file of them
 * @param usual the sampler of prompts that say none
 * @throws IllustriousError `missing_file`; `bad_file` for what is no JSON or TOML; `bad_option` for an option that is unknown or out of range
 */
export async function samplePrompts(
  given: string | readonly string[] | undefined,
  placeOf: (path: string) => string,
  usual?: string,
): Promise<readonly SamplePrompt[]> {
  if (given === undefined) return [];
  const sampler = usual === undefined ? undefined : samplerOf(usual);
  // A sampler is wrong with no prompt, too.
  if (sampler !== undefined) placed("sample_sampler", () => parseGenerateOptions({ model: "m", sampler }));
  const all =
    typeof given === "string"
      ? await readPrompts(placeOf(given))
      : given.map((line, i): Given => ({ where: `sample_prompts, prompt ${i + 1}`, read: () => promptOfLine(line) }));
  return all.map(({ where, read }) =>
    placed(where, () => {
      const prompt = { ...(sampler !== undefined && { sampler }), ...read() };
      const { width, height } = prompt;
      const whole = {
        ...prompt,
        ...(width && { width: inEights(width) }),
        ...(height && { height: inEights(height) }),
      };
      parseGenerateOptions({ model: "m", ...whole });
      return whole;
    }),
  );
}

/** Sides of any length become what can be drawn, as in sd-scripts; those of less than a latent are told as they are. */
const inEights = (side: number): number => (Number.isInteger(side) && side >= 8 ? side - (side % 8) : side);

/** What is wrong with a prompt is told with its place, whose options are not those of a command. */
function placed<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    throw new IllustriousError(error.code, `${where}: ${error.message}`, `Correct it there. ${KNOWN}`, {
      cause: error,
    });
  }
}

async function readPrompts(path: string): Promise<Given[]> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const hint = "sample_prompts is a file with one prompt a line, a .json or .toml file, or a list of prompts.";
    throw new IllustriousError("missing_file", `cannot read the prompts ${path} (${cause.code})`, hint, { cause });
  });
  switch (extname(path).toLowerCase()) {
    case ".json":
      return tablesOf(parseJsonFile(text, path), path).map((one, i) => ofTable(one, path, i));
    case ".toml": {
      const { prompt } = parseToml(text, path, "Correct the file of prompts.");
      const { subset, ...common } = isTable(prompt) ? prompt : {};
      return tablesOf(subset, path).map((one, i) => ofTable(isTable(one) ? { ...common, ...one } : one, path, i));
    }
    default: {
      const lines = text.split(/\r?\n/).map((line, i) => ({ line, where: `${path}, line ${i + 1}` }));
      const given = lines.filter(({ line }) => line.trim() !== "" && !line.startsWith("#"));
      return given.map(({ line, where }) => ({ where, read: () => promptOfLine(line) }));
    }
  }
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function tablesOf(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const hint = 'A .json file is a list such as [{"prompt": "1girl"}], a .toml file has [[prompt.subset]].';
  throw new IllustriousError("bad_file", `${path} holds no list of prompts`, hint);
}

const ofTable = (given: unknown, path: string, index: number): Given => ({
  where: `${path}, prompt ${index + 1}`,
  read: () => promptOfTable(given),
});

function promptOfTable(given: unknown): SamplePrompt {
  if (typeof given === "string") return promptOfLine(given);
  if (!isTable(given)) throw unknown(JSON.stringify(given));
  const entries = Object.entries(given).map(([key, value]) => {
    const option = OPTIONS.find((one) => one.key === key);
    if (!option) throw unknown(key);
    return [option.name, option.name === "sampler" ? samplerOf(String(value)) : value];
  });
  return { prompt: "", ...Object.fromEntries(entries) };
}

/** Options of one to three letters, large or small; longer words are the prompt's own. */
export function promptOfLine(line: string): SamplePrompt {
  const [prompt = "", ...options] = line.trim().split(/\s+--(?=[a-z]{1,3}(?:\s|$))/i);
  const entries = options.map((text) => {
    const [flag = "", ...words] = text.split(/\s+/);
    const option = OPTIONS.find((one) => one.flag === flag.toLowerCase());
    if (!option) throw unknown(`--${flag}`);
    const value = words.join(" ");
    if (option.name === "sampler") return [option.name, samplerOf(value)];
    return [option.name, TEXTS.includes(option.name) ? value : numberOf(flag, value)];
  });
  return { ...Object.fromEntries(entries), prompt };
}

function numberOf(flag: string, text: string): number {
  if (text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  throw new IllustriousError("bad_option", `--${flag} "${text}": needs a number`);
}

const FLAGS = OPTIONS.flatMap(({ flag, key }) => (flag ? [`--${flag} (${key})`] : [])).join(", ");
const KNOWN = `A preview's options are ${FLAGS}.`;

const unknown = (what: string) => new IllustriousError("bad_option", `${what} is no option of a preview`);

/** By its name here or sd-scripts'. */
function samplerOf(given: string): string {
  const plain = given.replace(/^k_/, "");
  return SD_SCRIPTS_SAMPLERS[plain] ?? plain;
}

/** sd-scripts' names that are others here, and of samplers that are not: the nearest, of as many calls a step and as much fresh noise. */
const SD_SCRIPTS_SAMPLERS: Readonly<Record<string, string>> = {
  "dpmsolver++": "dpmpp_2m",
  dpmsolver: "dpmpp_2m",
  dpmsingle: "dpmpp_2m",
  pndm: "dpmpp_2m",
  lms: "dpmpp_2m",
  dpm_2: "heun",
  dpm_2_a: "euler_ancestral",
};
