/** @file What a worker is asked. */

import { z } from "zod";
import { parsedOptions } from "../parsed-options.ts";

export const workerOptions = z.strictObject({
  queue: z.string().min(1).describe("the Redis that the audit was given, redis://host:port/0"),
  workers: z.int().min(1).max(256).optional().describe("processes that decode [default: one a core]"),
  below: z
    .array(z.string().min(1))
    .min(1)
    .readonly()
    .optional()
    .describe("folder to stay in, whatever the queue asks; may be given more than once [default: anywhere]"),
  stallAfter: z
    .number()
    .min(1)
    .max(3600)
    .default(30)
    .describe("seconds without a sign of life after which a worker's chunk goes to another"),
});

export type WorkerInput = z.input<typeof workerOptions>;
export type WorkerOptions = z.output<typeof workerOptions>;

/** @throws IllustriousError `bad_option`, which does not quote the queue's address */
export function parseWorkerOptions(input: WorkerInput): WorkerOptions {
  return parsedOptions(workerOptions, input, "See `illustrious worker --help`.");
}
