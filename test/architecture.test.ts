/** @file The map stays true: every path it names exists, and every source folder is on it. Budgets are numbers. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const map = read("ARCHITECTURE.md");

test.each(["ARCHITECTURE.md", "README.md", "bench/README.md"])("every path that %s names exists", (file) => {
  const named = read(file).matchAll(/`((?:src|test|scripts|models|docs|examples|bench|assets)\/[\w./-]*)`/g);
  expect([...named].map((m) => m[1]!).filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("every folder of src is on the map", () => {
  const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((e) => e.isDirectory());
  expect(folders.map(({ name }) => name).filter((name) => !map.includes(`src/${name}/`))).toEqual([]);
});

test("the map is no longer than 300 lines", () => {
  expect(map.split("\n").length).toBeLessThanOrEqual(300);
});

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .map((path) => ({ path, lines: read(join("src", path)).split("\n").length }))
  .sort((a, b) => a.lines - b.lines);

/** Raised in the commit that needs it, with the reason in its message. */
const BUDGET = { lines: 55_000, median: 150, ninetieth: 350, largest: 600, dependencies: 10 };

test("sources stay within the budget", () => {
  const at = (share: number) => sources[Math.floor(share * (sources.length - 1))]!.lines;
  expect(sources.reduce((sum, { lines }) => sum + lines, 0)).toBeLessThanOrEqual(BUDGET.lines);
  expect(at(0.5)).toBeLessThanOrEqual(BUDGET.median);
  expect(at(0.9)).toBeLessThanOrEqual(BUDGET.ninetieth);
  expect(sources.filter(({ lines }) => lines > BUDGET.largest)).toEqual([]);
});

test("run-time dependencies stay few, and each is pinned", () => {
  const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).length).toBeLessThanOrEqual(BUDGET.dependencies);
  expect(Object.values(dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test("packages that may be missing are pinned, and whoever misses one is told the same version", () => {
  const { optionalDependencies } = JSON.parse(read("package.json")) as { optionalDependencies: Record<string, string> };
  const all = sources.map(({ path }) => read(join("src", path))).join("\n");
  const specs = Object.entries(optionalDependencies).map(([name, version]) => `"${name}@${version}"`);
  expect(specs.filter((spec) => !/\d+\.\d+\.\d+/.test(spec) || !all.includes(spec))).toEqual([]);
});

test("no file opens without saying what it is", () => {
  const silent = sources.filter(({ path }) => !/^(?:#!.*\n+)?\/\*\*\s*(?:\n \* )?@file /.test(read(join("src", path))));
  expect(silent.map(({ path }) => path)).toEqual([]);
});
