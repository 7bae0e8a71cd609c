/** @file What a report is asked, and what it tells while it is made. */

import { z } from "zod";
import type { AuditReport } from "../../../data/audit/report.ts";
import { parsedOptions } from "../../parsed-options.ts";

export const auditReportOptions = z.strictObject({
  audit: z.string().min(1).describe("folder of a finished audit"),
  html: z.string().min(1).optional().describe("a page with all of it and with small pictures, in one file"),
  thresholds: z
    .string()
    .min(1)
    .optional()
    .describe("file of thresholds to draw in the page [default: fitted to the set]"),
});

export type AuditReportInput = z.input<typeof auditReportOptions>;
export type AuditReportOptions = z.output<typeof auditReportOptions>;

export type AuditReportEvent =
  /** Images of the table gone through, then pictures drawn for the page. */
  | {
      readonly type: "progress";
      readonly stage: "images" | "thumbnails";
      readonly done: number;
      readonly total: number;
    }
  /** The page is whole. */
  | { readonly type: "page"; readonly path: string; readonly bytes: number }
  | { readonly type: "done"; readonly report: AuditReport };

/** @throws IllustriousError `bad_option` */
export function parseAuditReportOptions(input: AuditReportInput): AuditReportOptions {
  return parsedOptions(auditReportOptions, input, "See `illustrious audit report --help`.");
}
