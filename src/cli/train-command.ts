/** @file `illustrious train`: a recipe's run, or what a recipe asks of each noise level. */

import { dirname, extname } from "node:path";
import type { Command } from "commander";
import type { IllustriousError } from "../base/error.ts";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import { checkFile, makeFolder } from "../tasks/output-place.ts";
import type { TrainEvent } from "../tasks/train/train-events.ts";
import type { TrainInput } from "../tasks/train/train-options.ts";
import { paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { type LiveLine, liveLine } from "./live-line.ts";
import { timeLeft } from "./quantities.ts";
import { warningText } from "./report-human.ts";
import { EXIT, type Shell } from "./shell.ts";
import { jsonLine, safeLine, safeText } from "./terminal-text.ts";
import { untilStopped } from "./until-stopped.ts";

const HELP = `
A recipe is TOML with the argument names of kohya's sd-scripts, such as:

  pretrained_model_name_or_path = "illustrious-xl-v1.safetensors"
  output_name = "my-lora"
  network_module = "networks.lora"
  network_dim = 16
  network_alpha = 16
  learning_rate = 1e-4
  max_train_steps = 1000
  save_every_n_steps = 250
  sample_every_n_steps = 250
  sample_prompts = ["1girl, my character"]
  [[datasets]]
  resolution = 1024
  batch_size = 1
  enable_bucket = true
  [[datasets.subsets]]
  image_dir = "pictures"

Without network_module whole networks learn. docs/recipes.md explains every key. Results go to runs/<name>/: checkpoints
(step-…/model), log.jsonl, TensorBoard events, and index.html, a page that reloads itself.

Examples:
  illustrious train my-lora.toml
  illustrious train my-lora.toml --set max_train_steps=10 --set learning_rate=5e-5
  illustrious train my-lora.toml --plot plan.png
  illustrious train a.toml b.toml --plot plan.svg

Ctrl-C finishes the step and saves; the same command goes on from there, also after a crash.
`;

type Own = {
  readonly set?: readonly string[];
  readonly plot?: string | true;
  readonly threads?: string;
  readonly restart?: boolean;
  readonly json?: boolean;
};

export function install(command: Command, { shell, exitWith }: Context): void {
  command.usage("[options] <recipe.toml...>").argument("<recipe...>", "the recipe; several only to be plotted");
  command.option(
    "--set <key=value>",
    "another value for a key of the recipe, a list as TOML has it; repeatable",
    collect,
  );
  command.option(
    "--plot [file]",
    "weight, draws and their product over the noise levels, to .png, .svg, .json or .csv, or here",
  );
  command.option("--restart", "begin anew; what the run's folder holds is set aside under another name");
  command.option("--threads <n>", "processor threads");
  command.option("--json", "events as lines of JSON on stdout");
  command.addHelpText("after", HELP);
  command.action(async (recipes: string[]) => {
    const own = command.opts<Own>();
    exitWith(own.plot === undefined ? await run(recipes, own, shell) : await plot(recipes, own, shell));
  });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function settingsOf({ set = [] }: Own): Promise<TrainInput["set"]> {
  const { settingOf } = await import("../tasks/train/train-options.ts");
  const entries = set.map((text) => {
    const [, key, value] = /^\s*(\w+)\s*=\s*(.*)$/s.exec(text) ?? [];
    if (key === undefined || value === undefined) throw usageError(`--set ${text}`, "Needs key=value.");
    return [key, settingOf(value)];
  });
  return Object.fromEntries(entries);
}

async function run(recipes: readonly string[], own: Own, shell: Shell): Promise<number> {
  const [recipe, ...more] = recipes;
  if (more.length > 0) throw usageError(`${recipes.length} recipes`, "Train one at a time; --plot takes several.");
  const threads = own.threads === undefined ? undefined : Number(own.threads);
  const input: TrainInput = {
    recipe: recipe!,
    set: await settingsOf(own),
    ...(threads !== undefined && { threads }),
    ...(own.restart && { restart: true }),
  };
  const { train } = await import("../tasks/train/train.ts");
  const line = liveLine(shell);
  const show = own.json ? (event: TrainEvent) => shell.stdout.write(jsonLine(event)) : human(shell, line);
  const words = {
    stopping: "stopping after this step, with a checkpoint; Ctrl-C once more stops at once",
    stopped: ({ hint }: IllustriousError) =>
      hint
        ? `stopped; the same command${own.restart ? " without --restart" : ""} goes on from the last checkpoint`
        : "stopped before its first checkpoint; the same command begins anew",
  };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of train(input, { signal })) show(event);
  });
}

function human(shell: Shell, line: LiveLine): (event: TrainEvent) => void {
  const paint = paintFor(shell.stderr, shell.env);
  const pace = newPace();
  return (event) => {
    switch (event.type) {
      case "stage":
        return line.show(event.message, event.message);
      case "progress":
        return line.show(
          `${event.stage === "data" ? "looked at" : "encoded"} ${event.done} of ${event.total} ` +
            (event.stage === "captions" ? "captions" : "pictures"),
          event.stage,
        );
      case "report":
        return line.keep(`${safeText(event.lines.join("\n"))}\n`);
      case "finding":
        return line.keep(`${warningText(event.finding, paint)}\n`);
      case "start": {
        const from = event.from > 0 ? `going on from step ${event.from}` : "beginning";
        return line.keep(safeLine(`${from} of ${event.steps}; watch ${event.page}`).concat("\n"));
      }
      case "step":
        return line.show(pace(event), event.type);
      case "examined": {
        const figures = Object.entries(event.figures).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
        return line.keep(figures.length > 0 ? `step ${event.step}: ${figures.join(", ")}\n` : "");
      }
      case "saved":
        return line.keep(safeLine(`step ${event.step}: saved ${event.folder}`).concat("\n"));
      case "done":
        line.end();
        shell.stdout.write(`${safeLine(event.folder)}\n`);
    }
  };
}

type StepEvent = Extract<TrainEvent, { type: "step" }>;

/**
 * Step, smoothed loss, rate and time left. The first step here opens what the others find open, so that it counts for neither; after
 * it there is none to tell them by.
 */
export function newPace(): (event: StepEvent) => string {
  let counted: { readonly steps: number; readonly pictures: number; readonly seconds: number } | undefined;
  return ({ step, steps, smoothedLoss, pictures, seconds, skipped }) => {
    counted = counted
      ? { steps: counted.steps + 1, pictures: counted.pictures + pictures, seconds: counted.seconds + seconds }
      : { steps: 0, pictures: 0, seconds: 0 };
    const parts = [`step ${step}/${steps}`, `loss ${smoothedLoss.toFixed(4)}`];
    if (counted.seconds > 0) {
      const rate = counted.pictures / counted.seconds;
      parts.push(`${rate.toPrecision(3)} pictures/s`, timeLeft(steps - step, counted.steps, counted.seconds));
    }
    if (skipped) parts.push("gradient not finite, step skipped");
    return parts.join(" · ");
  };
}

async function plot(recipes: readonly string[], own: Own, shell: Shell): Promise<number> {
  const path = own.plot === true ? undefined : own.plot;
  if (path !== undefined) await checkFile(path);
  const { plotRecipes } = await import("../tasks/train/plot-recipes.ts");
  const { findings, figure } = await plotRecipes(recipes, await settingsOf(own));
  const paint = paintFor(shell.stderr, shell.env);
  for (const finding of findings) shell.stderr.write(`${warningText(finding, paint)}\n`);
  if (path === undefined) {
    shell.stdout.write(figure.text(Math.min(shell.stdout.columns, 120)));
    return EXIT.ok;
  }
  await makeFolder(dirname(path));
  await writeFileAtomic(path, await figure.file(extname(path).toLowerCase()));
  shell.stdout.write(`${safeLine(path)}\n`);
  return EXIT.ok;
}
