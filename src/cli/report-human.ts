/**
 * @file Progress for people, on stderr: at a terminal one line that is rewritten, elsewhere a plain line now and then.
 * The paths of pictures go to stdout, one a line, so that a script can use them.
 */

import { sheetOf, squared } from "../pipeline/sheet.ts";
import type { EffectiveSettings, GenerateEvent } from "../tasks/generate-events.ts";
import { type Paint, paintFor } from "./colour.ts";
import { advance, type Progress, progressLine, startProgress } from "./progress.ts";
import { counted, duration } from "./quantities.ts";
import type { Report } from "./report.ts";
import type { Shell } from "./shell.ts";
import { type Block, type PictureProtocol, pictureBlock } from "./terminal-picture.ts";
import { safeLine } from "./terminal-text.ts";

export type HumanOptions = {
  /** Warnings and paths only. */
  readonly quiet: boolean;
  /** How to show previews in the terminal, if they are to be shown there. */
  readonly previews?: PictureProtocol | undefined;
};

/** How often a log gets a line, and how often a terminal's clock moves on, in milliseconds. */
const LOG_EVERY = 5_000;
const TICK = 500;

/** Where text goes that stays, and what is shown until the next. */
type Canvas = {
  /** Adds to what stays. */
  keep(text: string, to?: "stdout"): void;
  /** Shows how it stands. */
  show(progress: Progress): void;
  /** Shows a picture in the place of the one before. */
  picture(block: Block): void;
  end(): void;
};

export function humanReport(shell: Shell, { quiet, previews }: HumanOptions): Report {
  const paint = paintFor(shell.stderr, shell.env);
  const live = shell.stderr.isTTY && shell.env.TERM !== "dumb";
  const canvas = quiet ? quietCanvas(shell) : live ? liveCanvas(shell, paint) : logCanvas(shell);
  let progress = startProgress(shell.now());

  function event(event: GenerateEvent): void {
    progress = advance(progress, event, shell.now());
    switch (event.type) {
      case "stage":
        canvas.show(progress);
        break;
      case "step":
        if (previews && event.previews)
          canvas.picture(pictureBlock(sheetOf(squared(event.previews)), previews, shell.stderr));
        canvas.show(progress);
        break;
      case "settings":
        if (!quiet) for (const line of settingsLines(event.settings)) canvas.keep(`${paint.dim(line)}\n`);
        break;
      case "warning":
        canvas.keep(warningText(event, paint));
        break;
      case "picture":
      case "grid":
        if (event.path !== undefined) canvas.keep(`${safeLine(event.path)}\n`, "stdout");
        break;
      case "done":
        if (!quiet) canvas.keep(`${paint.green(doneLine(event))}\n`);
    }
  }
  return {
    event,
    note: (text) => {
      if (!quiet) canvas.keep(`${text}\n`);
    },
    end: () => canvas.end(),
  };
}

function liveCanvas(shell: Shell, paint: Paint): Canvas {
  const { stderr } = shell;
  let shown: Progress | undefined;
  let drawn = "";
  let pictureRows = 0;
  const erase = () => {
    if (drawn !== "") stderr.write("\r\x1b[2K");
    drawn = "";
  };
  const draw = () => {
    if (!shown) return;
    // The last column stays free: some terminals wrap as soon as it is written.
    const line = progressLine(shown, shell.now(), stderr.columns - 1);
    if (line === drawn) return;
    stderr.write(`\r\x1b[2K${paint.dim(line)}`);
    drawn = line;
  };
  const stop = shell.every(TICK, draw);
  return {
    keep(text, to) {
      erase();
      pictureRows = 0;
      (to === "stdout" ? shell.stdout : stderr).write(text);
      draw();
    },
    picture({ text, rows }) {
      erase();
      if (pictureRows > 0) stderr.write(`\x1b[${pictureRows}A`);
      stderr.write(text);
      pictureRows = rows;
      draw();
    },
    show(progress) {
      shown = progress;
      draw();
    },
    end() {
      stop();
      erase();
      shown = undefined;
    },
  };
}

/** A line for every new stage, the first step, each batch's last step, and otherwise one every few seconds. */
function logCanvas(shell: Shell): Canvas {
  let logged = Number.NEGATIVE_INFINITY;
  let stage: string | undefined;
  return {
    keep: (text, to) => (to === "stdout" ? shell.stdout : shell.stderr).write(text),
    show(progress) {
      const now = shell.now();
      const { step, label } = progress;
      // A stage that tells its percentage is the same stage.
      const newStage = label?.replace(/\d+/g, "");
      const due = newStage === undefined ? step?.done === 1 || step?.step === step?.steps : newStage !== stage;
      stage = newStage;
      if (!due && now - logged < LOG_EVERY) return;
      logged = now;
      shell.stderr.write(`${progressLine(progress, now, Number.POSITIVE_INFINITY).replace(/^▕.*▏ /, "")}\n`);
    },
    picture() {},
    end() {},
  };
}

function quietCanvas(shell: Shell): Canvas {
  return {
    keep: (text, to) => (to === "stdout" ? shell.stdout : shell.stderr).write(text),
    show() {},
    picture() {},
    end() {},
  };
}

/** What will really be done, in two lines. */
export function settingsLines(settings: EffectiveSettings): string[] {
  const { model, prediction, zeroSnr, evidence, width, height, sampler, schedule, steps, seeds, tokens, chunks } =
    settings;
  const terminal = zeroSnr === "off" ? "" : `, zero SNR ${zeroSnr}`;
  const found = evidence.length === 0 ? "" : ` (${evidence[0]})`;
  const seedWords = seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds[0]} to ${seeds.at(-1)}`;
  const length = chunks > 1 ? `, ${tokens[0]} tokens in ${chunks} chunks` : "";
  return [
    safeLine(`${model} · ${prediction}${terminal}${found}`),
    safeLine(`${width}×${height} · ${sampler}, ${schedule}, ${counted(steps, "step")} · ${seedWords}${length}`),
  ];
}

export function warningText(event: { message: string; hint?: string | undefined }, paint: Paint): string {
  const hint = event.hint === undefined ? "" : `  ${safeLine(event.hint)}\n`;
  return `${paint.yellow("warning:")} ${safeLine(event.message)}\n${hint}`;
}

function doneLine({ pictures, seconds }: Extract<GenerateEvent, { type: "done" }>): string {
  return `${counted(pictures, "picture")} in ${duration(seconds)}`;
}
