/** @file The nodes of ComfyUI's graphs, which may be anybody's, and ways along their links. */

import { IllustriousError } from "../base/error.ts";

/** Longer names of nodes are cut. */
const LONGEST_TYPE = 80;

export type Node = { readonly type: string; readonly inputs: ReadonlyMap<string, unknown> };
export type Nodes = ReadonlyMap<string, Node>;

export function parseNodes(json: string): Nodes {
  const root = parseJson(json);
  if (!isObject(root)) throw notGraph("it is no JSON object");
  const nodes = new Map<string, Node>();
  for (const [id, node] of Object.entries(root)) {
    if (!isObject(node) || typeof node.class_type !== "string" || !isObject(node.inputs)) continue;
    nodes.set(id, { type: node.class_type.slice(0, LONGEST_TYPE), inputs: new Map(Object.entries(node.inputs)) });
  }
  return nodes;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(/\d{16}/.test(json) ? withLongIntegers(json) : json);
  } catch {
    return parsePythonJson(json);
  }
}

/** Strings, closed or not, so that what follows a `"` is looked at once only. */
const STRINGS = /("[^"\\]*(?:\\.[^"\\]*)*"?)/s;
/** The words of Python that are no JSON. */
const PYTHON_WORDS = new RegExp(`${STRINGS.source}|-?\\b(?:NaN|Infinity)\\b`, "gs");
/** Up to the length of 2^64, beyond which there are no seeds. */
const LONG_INTEGERS = new RegExp(`${STRINGS.source}|(?<![\\w.+-])\\d{16,20}(?![\\d.eE])`, "gs");

/** An integer that a JavaScript number may not hold, in a form that stands in no node. */
type LongInteger = { readonly integer: string };

function withLongIntegers(json: string): string {
  return json.replace(LONG_INTEGERS, (found, text: string | undefined) => text ?? exact(found));
}

function exact(integer: string): string {
  return Number.isSafeInteger(Number(integer)) ? integer : JSON.stringify({ integer } satisfies LongInteger);
}

/** Python writes NaN and Infinity, which are no JSON, into the records of some nodes. */
function parsePythonJson(json: string): unknown {
  try {
    return JSON.parse(withLongIntegers(json).replace(PYTHON_WORDS, (_, text: string | undefined) => text ?? "null"));
  } catch (error) {
    throw notGraph(error instanceof Error ? error.message : String(error));
  }
}

function notGraph(why: string): IllustriousError {
  const hint = 'Expected the text that ComfyUI saves under the PNG key "prompt".';
  return new IllustriousError("bad_file", `not a ComfyUI graph: ${why}`, hint);
}

/** From a link back along inputs of the given names, nearest node first; a graph of strangers may run in circles. */
export function* upstream(nodes: Nodes, link: unknown, ...names: string[]): Generator<Node> {
  const seen = new Set<string>();
  for (let at = link; Array.isArray(at) && typeof at[0] === "string" && !seen.has(at[0]); ) {
    seen.add(at[0]);
    const node = nodes.get(at[0]);
    if (!node) return;
    yield node;
    at = names.map((name) => node.inputs.get(name)).find(Array.isArray);
  }
}

/** Every node that the links come from, nearest first, each once, and none behind one that ends the search. */
export function sourcesOf(nodes: Nodes, links: Iterable<unknown>, isEnd: (node: Node) => boolean): Node[] {
  const found = new Set<Node>();
  const open = [...links];
  for (const link of open) {
    const node = Array.isArray(link) ? nodes.get(link[0]) : undefined;
    if (!node || found.has(node)) continue;
    found.add(node);
    if (!isEnd(node)) for (const value of linksOf(node)) open.push(value);
  }
  return [...found];
}

/** Inputs but for those whose links bring a number or a text. */
export function linksOf({ inputs }: Node): unknown[] {
  return [...inputs].flatMap(([name, value]) => (VALUES.test(name) ? [] : [value]));
}

const VALUES =
  /^((noise_)?seed|steps|cfg|denoise|sampler_name|scheduler|(empty_latent_)?(width|height)|batch_size|strength_\w+|lora_(\w+_strength|count|wt_\d+)|(model|clip)_(str|weight)_\d+|text(_[gl])?)$/;

/** Efficiency's loader makes them, too. */
export const isEmptyLatent = ({ type, inputs }: Node): boolean =>
  /empty.*latent/i.test(type) || inputs.has("empty_latent_width");

/** A value, or what the node holds that it is linked to. A node with links may compute another value from what it holds. */
export function held<T>(
  nodes: Nodes,
  value: unknown,
  read: (value: unknown) => T | undefined,
  ...names: string[]
): T | undefined {
  const given = read(value);
  if (given !== undefined) return given;
  for (const { inputs } of upstream(nodes, value, ...names)) {
    const found = names.map((name) => read(inputs.get(name))).find((one) => one !== undefined);
    if (found !== undefined) return [...inputs.values()].some(Array.isArray) ? undefined : found;
  }
  return undefined;
}

export function heldNumber(nodes: Nodes, value: unknown, ...names: string[]): number | undefined {
  return held(nodes, value, number, ...names, ...NUMBERS);
}

/** Of 64 bits. */
export function heldSeed(nodes: Nodes, { inputs }: Node): number | bigint | undefined {
  const given = inputs.get("seed") ?? inputs.get("noise_seed");
  return held<number | bigint>(
    nodes,
    given,
    (value) => number(value) ?? longInteger(value),
    "seed",
    "noise_seed",
    ...NUMBERS,
  );
}

function longInteger(value: unknown): bigint | undefined {
  if (!isObject(value) || typeof value.integer !== "string" || !/^\d{1,20}$/.test(value.integer)) return undefined;
  const integer = BigInt(value.integer);
  return integer < 2n ** 64n ? integer : undefined;
}

/** What nodes that hold a number call it. */
const NUMBERS = ["value", "int", "float", "number"];

export function heldText(nodes: Nodes, value: unknown): string | undefined {
  return held(nodes, value, string, "text", "string", "value");
}

export type Side = "positive" | "negative";

/** The nearest node that makes conditioning of a text, or zeros. Efficiency's loader holds the texts of both sides. */
export function encoderOf(nodes: Nodes, link: unknown, side: Side): Node | undefined {
  for (const node of upstream(nodes, link, "conditioning", "conditioning_1", "conditioning_to", side)) {
    const { type, inputs } = node;
    const holdsText = inputs.has("text") || inputs.has("text_g") || string(inputs.get(side)) !== undefined;
    if (type === "ConditioningZeroOut" || holdsText) return node;
  }
  return undefined;
}

export function textOf(nodes: Nodes, { type, inputs }: Node, side: Side): string | undefined {
  if (type === "ConditioningZeroOut") return "";
  return heldText(nodes, inputs.get("text") ?? inputs.get("text_g") ?? inputs.get(side));
}

export function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
