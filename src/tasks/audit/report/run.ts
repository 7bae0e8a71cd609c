/** @file A report from an audit's folder to figures, and to a page. */

import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { IllustriousError } from "../../../base/error.ts";
import { type ControlThresholds, DEFAULT_QUANTILES, parseThresholds } from "../../../colour/index.ts";
import { type AuditReport, walkReport } from "../../../data/audit/report.ts";
import { readText } from "../../../data/sets/text-file.ts";
import { writeFileAtomic } from "../../../formats/atomic-write.ts";
import { checkFile } from "../../output-place.ts";
import type { AuditControl } from "../run.ts";
import { openVocabulary } from "../vocabulary.ts";
import { type AuditReportEvent, type AuditReportInput, parseAuditReportOptions } from "./options.ts";
import { type PageThresholds, reportPage } from "./page.ts";
import { drawThumbnails } from "./thumbnails.ts";

/** Of a file of thresholds, in bytes. */
const MAX_TEXT = 2 ** 20;

/** Seconds that one file may take to be drawn. */
const TIME_LIMIT = 30;

export async function* runReport(
  input: AuditReportInput,
  control: AuditControl,
): AsyncGenerator<AuditReportEvent, void> {
  const { audit, html, thresholds: file } = parseAuditReportOptions(input);
  const place = html === undefined ? undefined : await checkFile(html);
  const given = file === undefined ? undefined : parseThresholds(await readText(file, MAX_TEXT), file);
  const walk = walkReport(audit, openVocabulary);
  let report: AuditReport;
  for (;;) {
    if (control.signal?.aborted) throw new IllustriousError("cancelled", "stopped before the report was made");
    const { done, value } = await walk.next();
    if (done) {
      report = value;
      break;
    }
    yield { type: "progress", stage: "images", done: value.images, total: value.total };
  }
  if (html !== undefined && place !== undefined) {
    const thresholds = given === undefined ? fittedTo(report) : checked(given, report);
    const { entry = new URL("../decoder-main.js", import.meta.url), signal } = control;
    const drawing = drawThumbnails(report, { entry, workers: availableParallelism(), timeLimit: TIME_LIMIT }, signal);
    for (;;) {
      const { done, value } = await drawing.next();
      if (!done) yield { type: "progress", stage: "thumbnails", ...value };
      else {
        const title = basename(resolve(audit));
        const page = new TextEncoder().encode(reportPage(report, { title, thresholds, thumbnails: value }));
        await writeFileAtomic(place, page);
        yield { type: "page", path: html, bytes: page.length };
        break;
      }
    }
  }
  yield { type: "done", report };
}

function fittedTo({ cuts, measured: pictures }: AuditReport): PageThresholds | undefined {
  const shares = DEFAULT_QUANTILES.map((share) => `${100 * share} %`).join(", ");
  return cuts && { cuts, pictures, name: `fitted to this set, at ${shares}` };
}

function checked({ name, cuts, pictures, workingSide }: ControlThresholds, report: AuditReport): PageThresholds {
  if (workingSide === report.workingSide) return { name, cuts, pictures };
  const message = `thresholds "${name}" are of a working side of ${workingSide} pixels, and the audit of ${report.workingSide}`;
  throw new IllustriousError("bad_option", message, "Measures of two sides do not compare: leave the thresholds out.");
}
