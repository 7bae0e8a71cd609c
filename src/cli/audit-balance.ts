/** @file `illustrious audit balance`: repeats that spread a measure evenly, as a data set to train with. */

import type { Command } from "commander";
import { type BalanceEvent, type BalanceOptions, balanceOptions } from "../tasks/audit/balance.ts";
import { balanceAudit } from "../tasks/balance-audit.ts";
import { paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { liveLine } from "./live-line.ts";
import { counted, timeLeft } from "./quantities.ts";
import { warningText } from "./report-human.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { jsonLine, safeLine } from "./terminal-text.ts";
import { type Section, sectionsText, tableLines } from "./text-sections.ts";
import { untilStopped } from "./until-stopped.ts";

const what = { group: "What is done:" };
const output = { group: "Output:" };
const flags: FlagTable<Exclude<keyof BalanceOptions, "audit">> = {
  measure: what,
  most: what,
  bins: what,
  out: { ...output, short: "o", value: "file" },
  resolution: { ...output, value: "side" },
};

const HELP = `
Most sets have many images of middling saturation and few at the ends, and a model trained on them leans to the middle. The data set that this
writes has every image, those of rare values repeated: an epoch then has as many examples in each part of the measure's range, up to the limit of
--most. kohya's sd-scripts (--dataset_config) and "illustrious train" read it.

Examples:
  illustrious audit balance audit --out balanced.toml
  illustrious audit balance audit --measure brightness --most 4 --out balanced.toml

Captions are copied into the data set: after changing them, audit and balance again. Images in archives cannot be in it.
`;

export function installBalance(command: Command, { shell, exitWith }: Context): void {
  command.usage("[options] <audit> --out <file>").argument("<audit>", balanceOptions.shape.audit.description);
  addFlags(command, balanceOptions, flags);
  command
    .optionsGroup("Output:")
    .option("--json", "events as lines of JSON on stdout")
    .helpOption("-h, --help", "this help");
  command.addHelpText("after", HELP);
  command.action(async (audit: string) => exitWith(await run(audit, command, shell)));
}

async function run(audit: string, command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, balanceOptions, flags);
  const given = { audit, ...values };
  const checked = balanceOptions.safeParse(given);
  if (!checked.success) throw usageError(refusals(checked.error, balanceOptions, flags, typed, given).join("\n"));
  const { json = false } = command.optsWithGlobals<{ readonly json?: boolean }>();
  const line = liveLine(shell);
  const began = shell.now();
  const words = { stopping: "stopping; Ctrl-C once more stops at once", stopped: () => "stopped; nothing was changed" };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of balanceAudit(checked.data, { signal })) {
      if (json) shell.stdout.write(jsonLine(event));
      else if (event.type === "progress") line.show(progressText(event, (shell.now() - began) / 1000));
      else {
        line.end();
        const paint = paintFor(shell.stderr, shell.env);
        shell.stderr.write(sectionsText(sectionsOf(event), paint));
        const warning = warningOf(event);
        if (warning !== undefined) shell.stderr.write(warningText({ message: warning }, paint));
        shell.stdout.write(`${safeLine(event.path)}\n`);
      }
    }
  });
}

function progressText({ done, total }: Extract<BalanceEvent, { type: "progress" }>, seconds: number): string {
  const parts = [`${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} rows`];
  if (done > 0 && seconds > 0) {
    parts.push(`${(done / seconds).toPrecision(3)} rows/s`, timeLeft(total - done, done, seconds));
  }
  return parts.join(" · ");
}

type Done = Extract<BalanceEvent, { type: "done" }>;

/** Rare values that lie together pull a small set to their side: its bins are more equal then, and its values are less so. */
function warningOf({ measure, flatness: { before, after } }: Done): string | undefined {
  if (after.ksToUniform <= before.ksToUniform) return undefined;
  const figures = `from ${before.ksToUniform.toFixed(3)} to ${after.ksToUniform.toFixed(3)}`;
  const bins = `though its evenness goes from ${before.evenness.toFixed(3)} to ${after.evenness.toFixed(3)}`;
  return `by its distance to the uniform spread, ${measure} is less flat with these repeats than without: ${figures}, ${bins}. The set is too small, or has gaps; try fewer --bins or a lower --most, or train on it as it is.`;
}

function sectionsOf({ measure, images, epoch, flatness, bins, left, withoutCaption }: Done): Section[] {
  const share = (count: number, of: number) => `${((100 * count) / of).toFixed(1)} %`;
  const { before, after } = flatness;
  return [
    {
      title: `${measure}, over ${counted(images, "image")}`,
      lines: tableLines([
        ["from", "to", "before", "after", "repeated"],
        ...bins.map((bin) => [
          bin.from.toPrecision(3),
          bin.to.toPrecision(3),
          share(bin.before, epoch.before),
          share(bin.after, epoch.after),
          bin.before === 0 ? "" : `${(bin.after / bin.before).toFixed(2)} x`,
        ]),
      ]),
    },
    {
      title: "An epoch",
      lines: tableLines([
        ["", "before", "after"],
        ["examples", epoch.before, epoch.after],
        ["evenness (entropy; 1 is flat)", before.evenness.toFixed(3), after.evenness.toFixed(3)],
        ["ks to uniform (0 is flat)", before.ksToUniform.toFixed(3), after.ksToUniform.toFixed(3)],
      ]),
    },
    {
      title: "To know",
      lines: tableLines(
        [
          ["left out, without measures", left.withoutMeasures] as const,
          ["left out, in archives", left.inArchives] as const,
          ["left out, kohya's regularisation images", left.regularisation] as const,
          ["left out, in kohya's folders of 0 repeats", left.unrepeated] as const,
          ["left out, lines that name an image once more", left.namedBefore] as const,
          ["without a caption", withoutCaption] as const,
        ].filter(([, count]) => count > 0),
      ),
    },
  ];
}
