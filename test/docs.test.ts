/** @file What the documents show is true: their JavaScript runs, and every flag they name exists. */

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const main = join(root, "dist/cli/main.js");
const pages = [
  "README.md",
  ...(await readdir(join(root, "docs"))).filter((n) => n.endsWith(".md")).map((n) => `docs/${n}`),
];

const texts = await Promise.all(pages.map(async (page) => ({ page, text: await readFile(join(root, page), "utf8") })));
const programs = texts.flatMap(({ page, text }) =>
  [...text.matchAll(/^```js\n([\s\S]*?)^```/gm)].map((m, i) => ({ name: `${page}, program ${i + 1}`, code: m[1]! })),
);

test("there are programs to run", () => expect(programs.length).toBeGreaterThan(0));

test.each(programs)("$name runs", async ({ code }) => {
  // Inside the package, so that its own name resolves, and in a folder that goes away with what the program writes.
  const cwd = await mkdtemp(join(root, "dist/.docs-"));
  try {
    await run(process.execPath, ["--input-type=module", "--eval", code], { cwd });
  } finally {
    await rm(cwd, { recursive: true });
  }
});

const commands = [
  "start",
  "generate",
  "inspect",
  "train",
  "export",
  "audit",
  "audit sql",
  "audit compare",
  "audit balance",
  "tag",
  "scenes",
  "evaluate",
  "worker",
];
const help = await Promise.all(
  commands.map(async (name) => (await run(process.execPath, [main, ...name.split(" "), "--help"])).stdout),
);
// Flags of other programs that a page may name.
const foreign = new Set(["--ignore-scripts", "--check", "--ss"]);

// The command line's own pages name aliases, too; test/cli holds those.
const others = texts.filter(({ page }) => !/command-line|repeat-a-picture/.test(page));

test.each(others)("every flag that $page names exists", ({ text }) => {
  const named = new Set([...text.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map((m) => m[0]));
  const known = help.join("\n");
  const twin = (flag: string) => flag.replace("--negative-", "--");
  const unknown = [...named].filter(
    (flag) => !foreign.has(flag) && !known.includes(flag) && !known.includes(twin(flag)),
  );
  expect(unknown).toEqual([]);
});
