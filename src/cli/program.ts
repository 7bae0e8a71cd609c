/** @file The program `illustrious`: its commands, each loaded when it is called for, and what the shell gets back. */

import { Command, CommanderError } from "commander";
import type { IllustriousError } from "../base/error.ts";
import { type Install, type Tasks, usageError } from "./command.ts";
import { exitCodeFor, tellError, tellProgram } from "./errors.ts";
import { EXIT, type Shell } from "./shell.ts";

type Entry = { readonly name: string; readonly summary: string; load(): Promise<{ readonly install: Install }> };

const COMMANDS: readonly Entry[] = [
  {
    name: "start",
    summary: "one sheet of pictures from every model that comes with the program",
    load: () => import("./start-command.ts"),
  },
  { name: "generate", summary: "pictures from a prompt", load: () => import("./generate-command.ts") },
  {
    name: "inspect",
    summary: "what a model file or folder is, what it predicts, what is wrong with it; how a picture was made",
    load: () => import("./inspect-command.ts"),
  },
  {
    name: "train",
    summary: "a LoRA, whole networks or an autoencoder, by a recipe; what a recipe asks, as a figure",
    load: () => import("./train-command.ts"),
  },
  {
    name: "export",
    summary: "a model as one .safetensors file for A1111, Forge and ComfyUI",
    load: () => import("./export-command.ts"),
  },
  {
    name: "audit",
    summary: "the colours, sizes and captions of an image set, as a table",
    load: () => import("./audit-command.ts"),
  },
  {
    name: "worker",
    summary: "measures for audits that other machines have started",
    load: () => import("./worker-command.ts"),
  },
  {
    name: "tag",
    summary: "control tokens into the captions of an audited set",
    load: () => import("./tag-command.ts"),
  },
  { name: "scenes", summary: "drawn scenes with captions, to train with", load: () => import("./scenes-command.ts") },
  {
    name: "evaluate",
    summary: "what models can do on drawn scenes, counted: a table",
    load: () => import("./evaluate-command.ts"),
  },
];

const HELP = `
Examples:
  illustrious start "two girls, the left one with red hair, the right one with blue hair"
  illustrious generate "1girl, green hair, red dress" --model my-checkpoint.safetensors --seed 1
  illustrious inspect my-checkpoint.safetensors
  illustrious inspect picture.png
  illustrious generate --help

Exit codes: 0 done, 1 failed, 2 called wrongly, 130 stopped by Ctrl-C.
`;

/**
 * @param argv what stands behind the program's name
 * @returns the exit code
 */
export async function run(argv: readonly string[], shell: Shell, tasks: Tasks, version: string): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command("illustrious")
    .description(
      "Illustrious XL and other SDXL checkpoints: generate pictures, train, and look into models, without Python.",
    )
    .version(version, "-V, --version", "the program's version")
    .helpOption("-h, --help", "this help")
    .helpCommand("help [command]", "help for a command")
    // What stands behind a command's name is that command's, and so on for commands of commands.
    .enablePositionalOptions()
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.stdout.write(text),
      writeErr: (text) => shell.stderr.write(text),
      getOutHelpWidth: () => Math.min(shell.stdout.columns, 120),
      getErrHelpWidth: () => Math.min(shell.stderr.columns, 120),
    });
  const exitWith = (given: number): void => {
    code = given;
  };
  const context = { shell, tasks, exitWith };
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary).copyInheritedSettings(program);
    if (isCalled(name, argv)) (await load()).install(command, context);
  }
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    const json = wantsJson(program, argv);
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      // Commander has said it to people itself.
      if (json) tellProgram(usageErrorOf(error), shell);
      return EXIT.usage;
    }
    tellError(error, shell, json);
    return exitCodeFor(error);
  }
}

/** Commander's words, such as `error: unknown option '--stepz'`, with a suggestion on a line of its own. */
function usageErrorOf({ message }: CommanderError): IllustriousError {
  const [first = "", ...rest] = message.split("\n");
  const hint = rest.join(" ").replace(/^\((.*)\)$/, "$1");
  return usageError(first.replace(/^error: /, ""), hint || undefined);
}

/** `--json` asks for lines on stdout, unless it is a command's word for a file: `evaluate --json FILE`. */
function wantsJson(program: Command, argv: readonly string[]): boolean {
  const called = program.commands.find((command) => isCalled(command.name(), argv));
  const takesFile = called?.options.some(({ long, required }) => long === "--json" && required) ?? false;
  return argv.includes("--json") && !takesFile;
}

/** Its options are needed to run it and to describe it. */
function isCalled(name: string, argv: readonly string[]): boolean {
  const [first, second] = argv.filter((word) => !word.startsWith("-"));
  return first === name || (first === "help" && second === name);
}
