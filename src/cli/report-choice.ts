/** @file Which report a run gets. */

import type { Report } from "./report.ts";
import { humanReport } from "./report-human.ts";
import { jsonReport } from "./report-json.ts";
import type { Shell } from "./shell.ts";

export type ReportFlags = { readonly json?: boolean; readonly quiet?: boolean };

export function reportFor(shell: Shell, { json = false, quiet = false }: ReportFlags): Report {
  return json ? jsonReport(shell, quiet) : humanReport(shell, { quiet });
}
