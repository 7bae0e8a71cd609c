/** @file What a run's recipe says otherwise than the one that it began with: comments, order and sections are for the reader. */

import { parseToml } from "../formats/toml.ts";

const SET = "\n# set when it was started\n";

/** A recipe's text, and what stands in place of its own values, as comments behind it. */
export function withSettings(text: string, settings: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(settings).map(([key, value]) => `# ${key} = ${JSON.stringify(value)}\n`);
  return lines.length > 0 ? text + SET + lines.join("") : text;
}

/** A key that two recipes have otherwise. */
export type RecipeChange = {
  readonly key: string;
  /** A sentence's part, with both values; the name alone where lists of tables differ. */
  readonly text: string;
  /** It says where data lie, and of nothing else something new. */
  readonly isPlace: boolean;
};

/** None where the recipes say the same. */
export function changesOf(before: string, now: string): RecipeChange[] {
  if (before === now) return [];
  const [old, own] = [saidBy(before), saidBy(now)];
  const keys = [...new Set([...old.keys(), ...own.keys()])].filter((key) => old.get(key) !== own.get(key));
  return keys.map((key) => {
    const [was, is] = [old.get(key), own.get(key)];
    const isPlace = DATA_PLACES.includes(key) || withoutPlaces(was) === withoutPlaces(is);
    if ([was, is].some((value) => value?.includes("{"))) {
      return { key, text: isPlace ? `${PLACES_OF_SUBSETS.join(" or ")} of ${key}` : key, isPlace };
    }
    return { key, text: `${key} was ${was ?? "not set"} and is ${is ?? "not set"}`, isPlace };
  });
}

/** Where data lie. */
const DATA_PLACES = ["train_data_dir", "reg_data_dir", "in_json", "dataset_config", "dataset.config"];

/** The same in tables of `datasets`. */
const PLACES_OF_SUBSETS = ["image_dir", "metadata_file"];

function withoutPlaces(value: string | undefined): string | undefined {
  if (!value?.includes("{")) return value;
  const kept = (key: string, inner: unknown) => (PLACES_OF_SUBSETS.includes(key) ? undefined : inner);
  return JSON.stringify(JSON.parse(value), kept);
}

/** Values as JSON, by key. */
function saidBy(recipe: string): Map<string, string> {
  const [text = "", settings = ""] = recipe.split(SET);
  const said = new Map<string, string>();
  const add = (key: string, value: unknown) => {
    if (value !== "") said.set(key, JSON.stringify(value, ordered));
  };
  for (const [key, value] of Object.entries(parseToml(text, "recipe"))) {
    const prefix = key === "general" || key === "dataset" ? `${key}.` : "";
    if (!isTable(value)) add(key, value);
    else for (const [inner, innerValue] of Object.entries(value)) add(prefix + inner, innerValue);
  }
  const set = parseToml(settings.replaceAll(/^# /gm, ""), "settings");
  for (const [key, value] of Object.entries(set)) add(key, value);
  return said;
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** Keys of tables in one order. */
const ordered = (_key: string, value: unknown): unknown =>
  isTable(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
