/** @file One command, called as the program would call it, without the others beside it. */

import { Command } from "commander";
import type { Context } from "../../src/cli/command.ts";
import type { FakeShell } from "./fake-shell.ts";

/**
 * @returns its exit code, if it came to one
 * @throws CommanderError for what commander refuses
 */
export async function callCommand(
  name: string,
  install: (command: Command, context: Context) => void,
  argv: readonly string[],
  shell: FakeShell,
): Promise<number | undefined> {
  let code: number | undefined;
  const command = new Command(name).exitOverride().configureOutput({
    writeOut: (text) => shell.stdout.write(text),
    writeErr: (text) => shell.stderr.write(text),
  });
  const generate = () => {
    throw new Error("not this one");
  };
  install(command, {
    shell,
    tasks: { generate },
    exitWith: (given) => {
      code = given;
    },
  });
  await command.parseAsync([...argv], { from: "user" });
  return code;
}
