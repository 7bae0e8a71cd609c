/** @file `illustrious scenes`: drawn scenes as a folder to train with. */

import type { Command } from "commander";
import type { IllustriousError } from "../base/error.ts";
import { type ScenesInput, sceneOptions, scenes } from "../tasks/scenes.ts";
import { type Context, usageError } from "./command.ts";
import { liveLine } from "./live-line.ts";
import { timeLeft } from "./quantities.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { safeLine } from "./terminal-text.ts";
import { untilStopped } from "./until-stopped.ts";

const group = { group: "Scenes:" };
const flags: FlagTable<Exclude<keyof ScenesInput, "out">> = {
  count: { ...group, short: "c" },
  size: group,
  captions: group,
  first: group,
  split: group,
  tones: group,
};

const HELP = `
A scene is drawn from a description: one or two girls with named hair, eyes, dress and mouth before a background, or a background
alone. Its captions tell it in tags, in sentences and at length, some with control tokens measured on the picture.

Example:
  illustrious scenes data/scenes --count 16000
`;

export function install(command: Command, { shell, exitWith }: Context): void {
  command.usage("[options] <folder>").argument("<folder>", sceneOptions.shape.out.description);
  addFlags(command, sceneOptions.omit({ out: true }), flags);
  command.addHelpText("after", HELP);
  command.action(async (out: string) => exitWith(await run(out, command, shell)));
}

async function run(out: string, command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, sceneOptions.omit({ out: true }), flags);
  const checked = sceneOptions.safeParse({ out, ...values });
  if (!checked.success) throw usageError(refusals(checked.error, sceneOptions, flags, typed, values).join("\n"));
  const line = liveLine(shell);
  const began = shell.now();
  const words = {
    stopping: "stopping after this scene",
    stopped: ({ message }: IllustriousError) => `${safeLine(message)}; the same command goes on from there`,
  };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of scenes(checked.data, { signal })) {
      if (event.type === "done") {
        line.end();
        shell.stdout.write(`${safeLine(event.folder)}\n`);
        break;
      }
      const seconds = (shell.now() - began) / 1000;
      const rate = (event.done / Math.max(seconds, 1e-3)).toPrecision(3);
      const left = timeLeft(event.total - event.done, event.done, seconds);
      line.show(`${event.done} of ${event.total} scenes · ${rate} scenes/s · ${left}`);
    }
  });
}
