/** @file What an audit is asked. */

import { z } from "zod";
import { WORKING_SIDE } from "../../colour/index.ts";
import { parsedOptions } from "../parsed-options.ts";

export const auditOptions = z.strictObject({
  paths: z
    .array(z.string().min(1))
    .min(1)
    .readonly()
    .describe(
      "folders, images, metadata .jsonl and kohya .json files, WebDataset .tar(.gz) archives, .txt lists of such paths",
    ),
  out: z.string().min(1).describe("folder for the table; an audit that is there goes on"),
  workers: z.int().min(1).max(256).optional().describe("processes that decode on this machine [default: one a core]"),
  queue: z
    .string()
    .min(1)
    .optional()
    .describe("a Redis, redis://host:port/0: images are measured by `illustrious worker`s, on any machines"),
  workingSide: z
    .int()
    .min(16)
    .max(4096)
    .default(WORKING_SIDE)
    .describe("long side, in pixels, to which larger pictures are shrunk to be measured"),
  nearDistance: z
    .int()
    .min(0)
    .max(15)
    .default(3)
    .describe("bits of 64 that the perceptual hashes of near-duplicates may differ in"),
  timeLimit: z.number().min(0.1).max(3600).default(30).describe("seconds that one file may take"),
  shard: z.int().min(1).max(65536).default(1024).describe("images a file of the table: what a kill can cost"),
});

export type AuditInput = z.input<typeof auditOptions>;
export type AuditOptions = z.output<typeof auditOptions>;

/** @throws IllustriousError `bad_option` */
export function parseAuditOptions(input: AuditInput): AuditOptions {
  return parsedOptions(auditOptions, input, "See `illustrious audit --help`.");
}
