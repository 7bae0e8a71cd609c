/** @file docs/recipes.md tells every key of a recipe: what it says, what it may be where that is a choice, and what it is where nobody says. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { OWN_KEYS } from "../src/tasks/train/recipe-file.ts";
import { recipeKeys } from "../src/training/recipe/index.ts";

type Layer = {
  readonly description?: string | undefined;
  readonly def: { type: string; innerType?: Layer; entries?: object; defaultValue?: unknown };
};

function* layers(schema: Layer): Generator<Layer> {
  for (let at: Layer | undefined = schema; at; at = at.def.innerType) yield at;
}

const code = (value: unknown) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

/** Choices, with the default in bold, or the default alone. */
function valuesOf(schema: Layer): string {
  const all = [...layers(schema)];
  const usual = all.find(({ def }) => def.type === "default")?.def.defaultValue;
  const choices = Object.values(all.find(({ def }) => def.entries)?.def.entries ?? {});
  if (choices.length > 0) return choices.map((one) => (one === usual ? `**${code(one)}**` : code(one))).join(", ");
  if (usual === undefined || (Array.isArray(usual) && usual.length === 0)) return "";
  return `**${code(typeof usual === "number" ? Number(usual.toPrecision(3)) : usual)}**`;
}

const rows = Object.entries({ ...recipeKeys, ...OWN_KEYS }).map(([name, schema]) => {
  const values = valuesOf(schema as unknown as Layer);
  return `| \`${name}\` | ${schema.description} | ${values} |`.replace("|  |", "| |");
});

test("docs/recipes.md has every key, with what it means and what it may be", () => {
  const page = readFileSync(new URL("../docs/recipes.md", import.meta.url), "utf8").split("\n");
  expect(
    page.filter((line) => line.startsWith("| `") && rows.some((row) => row.split(" | ")[0] === line.split(" | ")[0])),
  ).toEqual(rows);
});
