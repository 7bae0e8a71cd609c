/** @file What can be asked of `exportModel`. */

import { z } from "zod";
import { IllustriousError } from "../base/error.ts";
import { parsedOptions } from "./parsed-options.ts";

export const exportOptions = z.strictObject({
  model: z.string().min(1).describe("a diffusers folder, a single file, or a model's name"),
  out: z.string().min(1).describe("the file to write; what is there is replaced"),
  dtype: z
    .enum(["fp16", "bf16", "fp32"])
    .optional()
    .describe("number type of all tensors [default: each keeps its own]"),
  vae: z.string().min(1).optional().describe("another VAE, written into the file"),
  prediction: z
    .enum(["auto", "eps", "v", "edm_v", "flow"])
    .default("auto")
    .describe("what the model predicts, where you know better than its files"),
  zeroSnr: z
    .enum(["auto", "on", "off"])
    .default("auto")
    .describe("whether it was trained with zero terminal SNR, where you know better"),
});

export type ExportInput = z.input<typeof exportOptions>;
export type ExportOptions = z.output<typeof exportOptions>;

/** @throws IllustriousError `bad_option` */
export function parseExportOptions(input: ExportInput): ExportOptions {
  const options = parsedOptions(exportOptions, input, "See `illustrious export --help`.");
  const { out } = options;
  if (/\.safetensors$/i.test(out)) return options;
  throw new IllustriousError("bad_option", `${out}: must end in .safetensors`, "Other programs know the file by it.");
}
