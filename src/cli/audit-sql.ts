/** @file `illustrious audit sql`: a finished audit asked in SQL, the answer as a table, lines of JSON, CSV or a Parquet file. */

import type { Command } from "commander";
import { queryOptions } from "../tasks/audit/query.ts";
import { queryAudit } from "../tasks/query-audit.ts";
import { type Context, usageError } from "./command.ts";
import { liveLine } from "./live-line.ts";
import { counted, duration, timeLeft } from "./quantities.ts";
import { csvLines, jsonRow, queryTable } from "./query-output.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { safeLine } from "./terminal-text.ts";
import { untilStopped } from "./until-stopped.ts";

/** Rows of a table for people, where nothing else is asked. */
const ROWS = 100;

const output = { group: "Output:" };
const flags: FlagTable<"rows" | "parquet" | "memory" | "threads"> = {
  rows: { ...output, value: "n", help: `rows at most [default: ${ROWS} in a table, else all]` },
  parquet: { ...output, value: "file" },
  memory: { group: "Work:", value: "GB" },
  threads: { group: "Work:" },
};

const HELP = `
The tables are images, with a row an image, and near_duplicates; "describe images" lists the columns, docs/audit.md explains them. The SQL is
DuckDB's. One SELECT is run; it sees these tables, no file and no network, and changes nothing.

Examples:
  illustrious audit sql audit "select format, count(*), avg(saturation) from images group by all"
  illustrious audit sql audit "select source, saturation from images where colourful order by saturation desc" --rows 20
  illustrious audit sql audit "select * from images where error is not null" --csv > without-measures.csv
  illustrious audit sql audit "select source from images join near_duplicates using (id) where id <> \\"group\\"" --json
  illustrious audit sql audit "select source, caption from images where caption like '%blue sky%'" --parquet sky.parquet
`;

export function installSql(command: Command, { shell, exitWith }: Context): void {
  command.argument("<audit>", queryOptions.shape.audit.description);
  command.argument("<sql>", queryOptions.shape.sql.description);
  command.optionsGroup("Output:").option("--json", "rows as lines of JSON on stdout").option("--csv", "rows as CSV");
  addFlags(command, queryOptions, flags);
  command.helpOption("-h, --help", "this help").addHelpText("after", HELP);
  command.action(async (audit: string, sql: string) => exitWith(await run(audit, sql, command, shell)));
}

async function run(audit: string, sql: string, command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, queryOptions, flags);
  const { json = false, csv = false } = command.optsWithGlobals<{ readonly json?: boolean; readonly csv?: boolean }>();
  const forms = [json && "--json", csv && "--csv", values.parquet !== undefined && "--parquet"].filter(Boolean);
  if (forms.length > 1) throw usageError(`${forms.join(" and ")}: the rows have one form`, "Give one of them.");
  const given = { audit, sql, ...(forms.length === 0 && { rows: ROWS }), ...values };
  const checked = queryOptions.safeParse(given);
  if (!checked.success) throw usageError(refusals(checked.error, queryOptions, flags, typed, given).join("\n"));

  const line = liveLine(shell);
  const began = shell.now();
  let columns: readonly { readonly name: string; readonly type: string }[] = [];
  const table: (readonly unknown[])[] = [];
  const write = (rows: readonly (readonly unknown[])[]): void => {
    if (json) for (const row of rows) shell.stdout.write(jsonRow(columns, row));
    else if (csv) shell.stdout.write(csvLines(rows, shell.stdout.isTTY));
    else table.push(...rows);
  };
  const words = { stopping: "stopping the query; Ctrl-C once more stops at once", stopped: () => "stopped" };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of queryAudit(checked.data, { signal })) {
      if (event.type === "progress") line.show(progressText(event.share, (shell.now() - began) / 1000));
      else if (event.type === "columns") {
        line.end();
        columns = event.columns;
        if (csv) write([columns.map(({ name }) => name)]);
      } else if (event.type === "rows") {
        line.end();
        write(event.rows);
      } else {
        line.end();
        if (columns.length > 0 && !json && !csv) shell.stdout.write(queryTable(columns, table));
        shell.stderr.write(endText(event, checked.data.parquet));
      }
    }
  });
}

function progressText(share: number | undefined, seconds: number): string {
  const parts = [`asking for ${duration(seconds)}`];
  if (share !== undefined) parts.push(`${Math.floor(100 * share)} %`, timeLeft(1 - share, share, seconds));
  return parts.join(" · ");
}

function endText({ rows, more }: { readonly rows: number; readonly more: boolean }, file: string | undefined): string {
  if (file !== undefined) return `${counted(rows, "row")} in ${safeLine(file)}\n`;
  return more ? `the first ${counted(rows, "row")}; there are more, see --rows\n` : `${counted(rows, "row")}\n`;
}
