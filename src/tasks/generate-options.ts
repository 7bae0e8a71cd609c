/**
 * @file What a user can ask of `generate`: one schema, from which the command line, the library and later the server take
 * names, defaults, limits and help. What is left out is filled in from the checkpoint (`generate.ts`), and the resolved
 * options are written into the picture.
 */

import { inspect } from "node:util";
import { z } from "zod";
import { IllustriousError } from "../base/error.ts";
import { nearestName } from "../base/nearest-name.ts";
import type { SamplerName, ScheduleName } from "../sampling/index.ts";
import { samplerFault, scheduleFault } from "./known-names.ts";
import { choiceOf, LORA_FORMS, loraObject, writeLoraChoice } from "./lora-choice.ts";

const side = z.number().int().multipleOf(8).min(64).max(2048);
const extent = z.number().int().min(0).max(16384);

/** One of `Name`, which editors offer, or another spelling of it: `fault` knows whether it is one, and what was meant if not. */
function nameOf<Name extends string>(fault: (text: string) => string | undefined) {
  const schema = z.string().superRefine((text, context) => {
    const message = fault(text);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
  return schema as z.ZodType<string, Name | (string & Record<never, never>)>;
}

const loraChoice = z
  .union([z.string().min(1), loraObject], LORA_FORMS)
  .transform((given) => (typeof given === "string" ? given : writeLoraChoice(choiceOf(given))));

/** Each option by itself; for tasks that take some of them. What must hold between them is in `generateOptions`. */
export const generateFields = z.strictObject({
  model: z.string().min(1).describe("checkpoint: a .safetensors file, a diffusers folder, or a shipped model's name"),
  vae: z.string().min(1).optional().describe("another VAE: a .safetensors file or a diffusers VAE folder"),
  loras: z
    .array(loraChoice)
    .readonly()
    .optional()
    .describe("LoRA: a .safetensors file or a name, with a strength after a colon; may be given more than once"),
  prompt: z.string().default("").describe("what to draw; (word:1.2) weighs, BREAK starts a new chunk"),
  negativePrompt: z.string().default("").describe("what to keep away from"),

  width: side.optional().describe("pixels, a multiple of 8 [default: the model's own size]"),
  height: side.optional().describe("pixels, a multiple of 8 [default: the model's own size]"),
  steps: z.number().int().min(1).max(999).default(28).describe("sampling steps"),
  cfg: z.number().min(0).max(100).default(5).describe("guidance scale; 1 turns guidance off"),
  cfgRescale: z.number().min(0).max(1).default(0).describe("share of CFG rescale: 0.2 to 0.7 tames burnt v-prediction"),
  cfgFrom: z.number().min(0).optional().describe("guide only where sigma is above this"),
  cfgTo: z.number().positive().optional().describe("guide only where sigma is at most this"),
  sampler: nameOf<SamplerName>(samplerFault)
    .default("euler")
    .describe("ComfyUI's or A1111's name: euler, dpmpp_2m, 'DPM++ 2M Karras' …"),
  schedule: nameOf<ScheduleName>(scheduleFault)
    .optional()
    .describe("noise schedule: normal, sgm_uniform, simple, karras … [default: normal]"),
  eta: z.number().min(0).max(1).optional().describe("share of fresh noise in ddim and ancestral samplers"),

  seed: z
    .number()
    .int()
    .min(-1)
    .max(Number.MAX_SAFE_INTEGER)
    .default(-1)
    .describe("of the first picture; -1 draws one"),
  count: z.number().int().min(1).max(10_000).default(1).describe("pictures; picture i has seed + i"),
  batch: z.number().int().min(1).max(64).default(1).describe("pictures computed together"),
  noise: z.enum(["cpu", "nv"]).default("cpu").describe("generator: PyTorch's on the CPU, or NVIDIA's as A1111 has it"),
  startNoise: z
    .enum(["unit", "sigma"])
    .default("unit")
    .describe("starting noise: unit as ComfyUI scales it, sigma as A1111 does (0.2 % weaker)"),

  emphasis: z
    .enum(["original", "no-norm", "ignore", "none", "comfyui"])
    .default("original")
    .describe("how weights in the prompt act: A1111's modes, or ComfyUI's"),
  commaBacktrack: z
    .number()
    .int()
    .min(0)
    .max(74)
    .default(20)
    .describe("tokens after a full chunk's last comma that move to the next chunk; 0 cuts anywhere"),
  emptyNegative: z
    .enum(["auto", "zeros", "encode"])
    .default("auto")
    .describe(
      "an empty negative prompt: zeros as A1111 has it, or encoded as ComfyUI; auto asks the model's folder first",
    ),
  clipSkip: z
    .number()
    .int()
    .min(1)
    .max(12)
    .default(2)
    .describe("text layer from the end; 2 is what SDXL was trained on"),

  originalWidth: extent.optional().describe("size conditioning: the original's width [default: width]"),
  originalHeight: extent.optional().describe("size conditioning: the original's height [default: height]"),
  cropTop: extent.default(0).describe("size conditioning: rows cropped above"),
  cropLeft: extent.default(0).describe("size conditioning: columns cropped on the left"),
  targetWidth: extent.optional().describe("size conditioning: width asked for [default: width]"),
  targetHeight: extent.optional().describe("size conditioning: height asked for [default: height]"),
  negativeOriginalWidth: extent.optional().describe("the same for the negative half [default: as the positive]"),
  negativeOriginalHeight: extent.optional().describe("the same for the negative half [default: as the positive]"),
  negativeCropTop: extent.optional().describe("the same for the negative half [default: as the positive]"),
  negativeCropLeft: extent.optional().describe("the same for the negative half [default: as the positive]"),
  negativeTargetWidth: extent.optional().describe("the same for the negative half [default: as the positive]"),
  negativeTargetHeight: extent.optional().describe("the same for the negative half [default: as the positive]"),

  prediction: z
    .enum(["auto", "eps", "v", "edm_v", "flow"])
    .default("auto")
    .describe("what the model predicts; auto reads it from the checkpoint"),
  zeroSnr: z
    .enum(["auto", "off", "exact", "comfyui", "diffusers"])
    .default("auto")
    .describe("zero terminal SNR: exact, or another program's stand-in (sigma 4518.76 or 4096)"),
  shift: z.number().positive().max(100).optional().describe("factor on every sigma [default: the model's own]"),
  timesteps: z
    .enum(["interpolate", "nearest"])
    .default("interpolate")
    .describe("sigma to timestep; nearest is ComfyUI's"),

  vaeTile: z
    .enum(["auto", "on", "off"])
    .default("auto")
    .describe("decode in tiles: auto above 1024 pixels, on always, of 512"),
  preview: z.number().int().min(0).default(0).describe("a preview every so many steps; 0 gives none"),
  threads: z.number().int().min(1).max(1024).optional().describe("threads of the engine [default: all cores]"),
  memory: z.number().positive().optional().describe("memory to stay within, GiB [default: what is free]"),
  outDir: z.string().min(1).optional().describe("folder for pictures; without one they are only handed over"),
  grid: z.boolean().default(false).describe("also one sheet of all pictures"),
});

export const generateOptions: typeof generateFields = generateFields
  .refine(({ cfgFrom, cfgTo }) => cfgFrom === undefined || cfgTo === undefined || cfgFrom < cfgTo, {
    path: ["cfgTo"],
    error: ({ input }) => `guidance would begin above ${(input as Pair).cfgFrom}, so no sigma is left for it`,
    when: ({ value }) => areNumbers(value, "cfgFrom", "cfgTo"),
  })
  // Not the sum, which is rounded above that bound.
  .refine(({ seed, count }) => seed <= Number.MAX_SAFE_INTEGER - (count - 1), {
    path: ["seed"],
    error: ({ input }) =>
      `the last of ${(input as Pair).count} pictures would have a seed above ${Number.MAX_SAFE_INTEGER}`,
    when: ({ value }) => areNumbers(value, "seed", "count"),
  });

type Pair = Readonly<Record<string, unknown>>;

/** What must hold between two options is asked where each is something by itself, whatever else is wrong. */
function areNumbers(options: unknown, ...names: readonly string[]): boolean {
  return names.every((name) => typeof (options as Pair | undefined)?.[name] === "number");
}

/** As a caller writes them: all that has a default may be left out. */
export type GenerateInput = z.input<typeof generateOptions>;

export type GenerateOptions = z.output<typeof generateOptions>;

/** Values that JSON does not hold (NaN, 5n, what contains itself) as Node prints them. */
function shown(value: unknown): string {
  const asNode = () => inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  if (typeof value === "number") return asNode();
  try {
    return JSON.stringify(value) ?? asNode();
  } catch {
    return asNode();
  }
}

/** What A1111's API, ComfyUI's nodes and diffusers call options, without case and underscores. */
const ELSEWHERE = new Map<string, keyof GenerateInput>([
  ["cfgscale", "cfg"],
  ["guidance", "cfg"],
  ["guidancescale", "cfg"],
  ["guidancerescale", "cfgRescale"],
  ["numinferencesteps", "steps"],
  ["samplername", "sampler"],
  ["scheduler", "schedule"],
  ["niter", "count"],
  ["batchcount", "count"],
  ["numimagesperprompt", "count"],
  ["batchsize", "batch"],
  ["noiseseed", "seed"],
  ["checkpoint", "model"],
  ["ckptname", "model"],
  ["lora", "loras"],
]);

function unknownOption(name: string): string {
  const elsewhere = ELSEWHERE.get(name.toLowerCase().replaceAll("_", ""));
  const meant = elsewhere ?? nearestName(name, Object.keys(generateFields.shape));
  return `${name}: no such option${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** @throws IllustriousError `bad_option` that names every field at fault, its value and what is allowed */
export function parseGenerateOptions(input: GenerateInput): GenerateOptions {
  const parsed = generateOptions.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => {
    const { path, message } = issue;
    if (issue.code === "unrecognized_keys" && path.length === 0) return issue.keys.map(unknownOption);
    const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], input);
    return `${path.join(".") || "options"}: ${value === undefined ? "missing" : shown(value)}: ${message}`;
  });
  throw new IllustriousError("bad_option", faults.join("; "), "`illustrious generate --help` lists what is allowed.");
}
