/** @file The map of who may import whom, checked. A folder not on the map fails, and so does a value-import cycle. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

const UP_TO_NETWORKS = ["base", "formats", "graph", "sampling", "colour", "autodiff", "nn", "runtime", "data"];

/** Each folder, and the folders that it may import from besides itself. */
const FLOORS: Record<string, readonly string[]> = {
  base: [],
  formats: ["base"],
  graph: ["base"],
  sampling: ["base"],
  colour: ["base"],
  data: ["base", "formats", "colour"],
  autodiff: ["base", "graph"],
  nn: ["base", "graph"],
  runtime: ["base", "formats", "graph"],
  models: ["base", "formats", "graph", "nn", "runtime"],
  training: ["base", "formats", "graph", "sampling", "autodiff", "nn", "runtime"],
  pipeline: ["base", "formats", "graph", "sampling", "nn", "runtime", "models"],
  trainer: [...UP_TO_NETWORKS, "models", "training", "pipeline"],
  queue: ["base"],
  tasks: [...UP_TO_NETWORKS, "models", "training", "pipeline", "trainer", "queue"],
  cli: [...UP_TO_NETWORKS, "models", "training", "pipeline", "trainer", "queue", "tasks"],
  "index.ts": [...UP_TO_NETWORKS, "models", "training", "pipeline", "trainer", "queue", "tasks"],
};

type Import = { from: string; to: string; typeOnly: boolean };

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), "utf8");
  const found = text.matchAll(/^(?:import|export)\s+(type\s)?[^"';]*?from\s+"(\.[^"]+)"/gm);
  return [...found].map((m) => ({
    from: file,
    to: normalize(join(dirname(file), m[2]!)),
    typeOnly: m[1] !== undefined,
  }));
}

const all = readdirSync(SRC, { recursive: true, encoding: "utf8" });
const files = all.filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"));
const imports = files.flatMap(importsOf);
const folder = (file: string) => file.split("/")[0]!;

test("every import goes down", () => {
  const wrong = imports.filter(
    ({ from, to }) => folder(from) !== folder(to) && !FLOORS[folder(from)]?.includes(folder(to)),
  );
  expect(wrong.map((i) => `${i.from} -> ${i.to}`)).toEqual([]);
  expect(files.map(folder).filter((f) => !(f in FLOORS))).toEqual([]);
});

test("no cycles among value imports", () => {
  const next = (file: string) => imports.filter((i) => i.from === file && !i.typeOnly).map((i) => i.to);
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, path: string[]): string[] => {
    if (state.get(file) === "open") return [...path, file];
    if (state.has(file)) return [];
    state.set(file, "open");
    const cycle = next(file).flatMap((to) => visit(to, [...path, file]));
    state.set(file, "done");
    return cycle;
  };
  expect(files.flatMap((f) => visit(f, []))).toEqual([]);
});
