/** @file The pages about the command line say what it does: every flag, variable, code and event, and examples that run. */

import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { install as installExport } from "../../src/cli/export-command.ts";
import { install as installGenerate } from "../../src/cli/generate-command.ts";
import { install as installInspect } from "../../src/cli/inspect-command.ts";
import { run } from "../../src/cli/program.ts";
import { EXIT } from "../../src/cli/shell.ts";
import { install as installStart } from "../../src/cli/start-command.ts";
import { install as installWorker } from "../../src/cli/worker-command.ts";
import { encodePng } from "../../src/formats/png/index.ts";
import { samplerLabels, samplerNames, scheduleLabels, scheduleNames } from "../../src/sampling/index.ts";
import { fakeGenerate } from "./fake-generate.ts";
import { fakeShell } from "./fake-shell.ts";

const root = join(import.meta.dirname, "../..");
const page = (name: string) => readFileSync(join(root, "docs", name), "utf8");
const pages = [page("command-line.md"), page("repeat-a-picture.md")];
const sources = readdirSync(join(root, "src/cli"))
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => readFileSync(join(root, "src/cli", name), "utf8"))
  .join("\n");

const context = { shell: fakeShell(), tasks: { generate: fakeGenerate().task }, exitWith: () => {} };
const commands = [installGenerate, installStart, installInspect, installExport, installWorker].map((install) => {
  const command = new Command();
  install(command, context);
  return command;
});
const flags = new Set(commands.flatMap(({ options }) => options.map(({ long }) => long!)));

test("every flag on the pages exists", () => {
  const named = pages.join("\n").match(/(?<![\w-])--[a-z][\w-]*/g)!;
  expect(named.filter((flag) => !flags.has(flag) && flag !== "--help")).toEqual([]);
});

test("every flag that is not one of the picture's own options is on the page", () => {
  const own = [
    "--out-dir",
    "--out",
    "--from",
    "--grid",
    "--batch",
    "--count",
    "--seed",
    "--model",
    "--json",
    "--quiet",
  ];
  const others = ["--preview-every", "--preview-to", "--hash", "--full"];
  for (const flag of [...own, ...others]) {
    const short = flag === "--out" ? "-o" : flag;
    expect(flags).toContain(flag);
    expect(pages[0]).toContain(short);
  }
});

test("every variable that is read is on the page, and none besides", () => {
  const read = sources.match(/\b(ILLUSTRIOUS_\w+|NO_COLOR|FORCE_COLOR)\b/g)!;
  const told = pages[0]!
    .slice(pages[0]!.indexOf("## Environment"))
    .match(/\b(ILLUSTRIOUS_\w+|NO_COLOR|FORCE_COLOR)\b/g)!;
  expect([...new Set([...read, "ILLUSTRIOUS_HOME"])].sort()).toEqual([...new Set(told)].sort());
});

test("samplers and schedules are all of them, on the page and in help, with the web UI's labels", async () => {
  const cells = [...pages[0]!.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(
    ([, name, label]) => [name!, label!] as const,
  );
  const rows = new Map(cells);
  const shell = fakeShell({ columns: 120 });
  await run(["generate", "--help"], shell, { generate: fakeGenerate().task }, "0");
  for (const name of samplerNames) {
    expect(rows.get(name)).toMatch(new RegExp(`^${samplerLabels[name].label.replaceAll("+", "\\+")}`));
    expect(shell.stdout.text).toContain(` ${name} (${samplerLabels[name].label})`);
  }
  for (const name of scheduleNames) {
    expect(rows.has(name)).toBe(true);
    // A dash where only others have it; the web UIs' Beta is another curve.
    if (rows.get(name) !== "–" && name !== "beta_forge")
      expect(rows.get(name)).toMatch(new RegExp(`^${scheduleLabels[name]}`));
    expect(shell.stdout.text).toContain(` ${name} (${scheduleLabels[name]})`);
  }
});

test("the exit codes are all of them", () => {
  const section = pages[0]!.slice(pages[0]!.indexOf("## Exit codes"), pages[0]!.indexOf("## Environment"));
  const told = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(told).toEqual(Object.values(EXIT));
});

test("the events are all of them, with the fields that come", async () => {
  const shell = fakeShell();
  const { task } = fakeGenerate();
  await run(["generate", "x", "--json", "--out-dir", "o"], shell, { generate: task }, "0");
  const section = pages[0]!.slice(pages[0]!.indexOf("### For programs"), pages[0]!.indexOf("## inspect"));
  for (const line of shell.stdout.text.trim().split("\n")) {
    const event = JSON.parse(line) as Record<string, unknown>;
    const row = new RegExp(`^\\| \`${event.type}\` \\|.*$`, "m").exec(section)?.[0] ?? "";
    for (const field of Object.keys(event)) if (field !== "type") expect(row).toContain(`\`${field}\``);
  }
});

/** Lines that are commands, in the pages and in the help of every command. */
async function examples(): Promise<string[]> {
  const helps = ["--help", "generate --help", "inspect --help", "start --help"].map(async (argv) => {
    const shell = fakeShell();
    await run(argv.split(" "), shell, { generate: fakeGenerate().task }, "0");
    return shell.stdout.text;
  });
  const texts = [...pages, ...(await Promise.all(helps))].join("\n");
  return [...texts.matchAll(/^(?: {2}| {4})(?:npx )?illustrious ((?:start|generate|inspect) .*)$/gm)].map((m) => m[1]!);
}

test("every example is understood", async () => {
  const folder = await mkdtemp(join(tmpdir(), "docs-"));
  const picture = join(folder, "picture.png");
  const infotext = "x\nSteps: 4, Seed: 7, Size: 64x64, Model: nano-v3.0-eps";
  await writeFile(picture, encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, [["parameters", infotext]]));
  const all = await examples();
  expect(all.length).toBeGreaterThan(15);
  for (const line of all) {
    const command = line.split("|")[0]!;
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
    // The files that the examples speak of stand somewhere else; folders and pictures are written to ours.
    const argv = words
      .map((word) => (/\.png$/.test(word) ? picture : word))
      .map((word) =>
        words[0] === "inspect" && /\.safetensors$|folder$/.test(word)
          ? join(import.meta.dirname, "../fixtures/nano-bootstrap")
          : word,
      )
      .filter((word) => word !== "--hash");
    const shell = fakeShell();
    // A page's FILE or npm's summary after the command are for the reader.
    if (/\b[A-Z]{4}\b| {3}/.test(line)) continue;
    const code = await run(
      [...argv, ...(words[0] === "start" ? ["--out-dir", folder] : [])],
      shell,
      { generate: fakeGenerate().task },
      "0",
    );
    expect({ line, code, err: code === 0 ? "" : shell.stderr.text }).toEqual({ line, code: 0, err: "" });
  }
  await rm(folder, { recursive: true, force: true });
});
