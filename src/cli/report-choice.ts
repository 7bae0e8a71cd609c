/** @file Which report a run gets. */

import type { Report } from "./report.ts";
import { humanReport } from "./report-human.ts";
import { jsonReport } from "./report-json.ts";
import type { Shell } from "./shell.ts";
import type { PictureProtocol } from "./terminal-picture.ts";

export type ReportFlags = { readonly json?: boolean; readonly quiet?: boolean };

/** @param previews how the terminal shows them, if they are wanted there */
export function reportFor(
  shell: Shell,
  { json = false, quiet = false }: ReportFlags,
  previews?: PictureProtocol | undefined,
): Report {
  return json ? jsonReport(shell, quiet) : humanReport(shell, { quiet, previews });
}
