/** @file A question in SQL to the tables of an audit. */

import { createReadStream } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { type QueryEvent, type QueryRequest, resultPath } from "../../data/sql/index.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { checkFile, makeFolder } from "../output-place.ts";
import { parsedOptions } from "../parsed-options.ts";
import { type AnalysisControl, analysis, limitOptions, type Resources } from "./analysis.ts";

export const queryOptions = z.strictObject({
  audit: z.string().min(1).describe("folder of a finished audit"),
  sql: z.string().min(1).describe("one SELECT; the tables are images and near_duplicates"),
  rows: z.int().min(1).optional().describe("rows to give at most"),
  parquet: z.string().min(1).optional().describe("file for all rows, in place of events with them"),
  ...limitOptions,
});

export type QueryInput = z.input<typeof queryOptions>;

/** @throws IllustriousError as `queryAudit` */
export async function* runQueryAudit(input: QueryInput, control: AnalysisControl): AsyncGenerator<QueryEvent, void> {
  const { audit, sql, rows, parquet, ...limits } = parseQueryOptions(input);
  const place = parquet === undefined ? undefined : await checkFile(parquet);
  let scratch = "";
  const request = (resources: Resources): QueryRequest => {
    scratch = resources.scratch;
    return { ...resources, audits: { "": resolve(audit) }, sql, rows, asFile: place !== undefined };
  };
  for await (const event of analysis<QueryEvent>("query", request, limits, control)) {
    if (event.type === "done" && place !== undefined) await publish(resultPath(scratch), place);
    yield event;
  }
}

async function publish(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await writeFileAtomic(to, async (sink) => {
    for await (const bytes of createReadStream(from, { highWaterMark: 2 ** 20 })) await sink.write(bytes);
  });
}

function parseQueryOptions(input: QueryInput): z.output<typeof queryOptions> {
  const options = parsedOptions(queryOptions, input, "See `illustrious audit sql --help`.");
  const { rows, parquet } = options;
  if (rows !== undefined && parquet !== undefined) {
    const hint = "A file gets all rows: put `limit` into the query.";
    throw new IllustriousError("bad_option", `rows ${rows}, and the file ${parquet}`, hint);
  }
  return options;
}
