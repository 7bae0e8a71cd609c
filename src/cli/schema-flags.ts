/**
 * @file Flags out of an options schema: names, help and limits are the schema's, so that the command line cannot say
 * other things than the library. What a user typed is kept beside its value, for the error that quotes it.
 */

import { type Command, Option } from "commander";
import { z } from "zod";
import { IllustriousError } from "../base/error.ts";
import { quoted } from "./command.ts";
import { safeLine } from "./terminal-text.ts";

/** What a schema cannot say of a flag. */
export type FlagSpec = {
  /** Heading under which help lists it. */
  readonly group: string;
  /** Without dashes; the name in kebab case unless stated. */
  readonly long?: string;
  /** One letter. */
  readonly short?: string;
  /** What stands for the value in help. */
  readonly value?: string;
  /** Other programs' names for it, not shown. */
  readonly also?: readonly string[];
  /** Where the command line does otherwise than the library, what it does. */
  readonly help?: string;
  /** Left out of help, where one line speaks for several. */
  readonly hidden?: true;
};

export type FlagTable<Name extends string> = { readonly [name in Name]: FlagSpec };

type Schema = z.ZodObject;

/** As much of a field's JSON schema as decides how its flag looks and what may be given. */
type Field = {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
};

function fieldsOf(schema: Schema): Readonly<Record<string, Field>> {
  return z.toJSONSchema(schema, { io: "input" }).properties as Record<string, Field>;
}

/** `negativePrompt` is `negative-prompt`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function longName(name: string, spec: FlagSpec): string {
  return spec.long ?? kebabCase(name);
}

/** Adds one option for each entry of `table`, in the table's order, and hidden ones for its other names. */
export function addFlags<Name extends string>(command: Command, schema: Schema, table: FlagTable<Name>): void {
  const fields = fieldsOf(schema);
  for (const [name, spec] of Object.entries<FlagSpec>(table)) {
    const field = fields[name]!;
    const long = longName(name, spec);
    const value = field.type === "boolean" ? "" : ` <${spec.value ?? placeholder(field)}>`;
    const flags = `${spec.short ? `-${spec.short}, ` : ""}--${long}${value}`;
    const add = (option: Option) => command.addOption(field.type === "array" ? option.argParser(gather) : option);
    add(new Option(flags, spec.help ?? helpText(field)).helpGroup(spec.group).hideHelp(spec.hidden === true));
    for (const other of otherNames(name, long, spec)) add(new Option(`--${other}${value}`).hideHelp());
  }
}

/** An option that may be given more than once. */
function gather(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Underscores are how A1111, kohya and diffusers write the same names. */
function otherNames(name: string, long: string, spec: FlagSpec): string[] {
  const names = [kebabCase(name), ...(spec.also ?? [])];
  const all = new Set([long, ...names].flatMap((one) => [one, one.replaceAll("-", "_")]));
  all.delete(long);
  return [...all];
}

function placeholder(field: Field): string {
  if (field.enum) return "mode";
  return field.type === "string" ? "text" : field.type === "integer" ? "n" : "x";
}

function helpText(field: Field): string {
  const choices = field.enum ? ` (${field.enum.join(", ")})` : "";
  const silent = field.default === undefined || field.default === "" || field.default === false;
  return `${field.description ?? ""}${choices}${silent ? "" : ` [default: ${field.default}]`}`;
}

/** What was typed: the flag as the user wrote it, and the text behind it. */
export type Typed = ReadonlyMap<string, { readonly flag: string; readonly text: string }>;

/**
 * The options that were given, ready for the schema, and what was typed for each.
 *
 * @throws IllustriousError `bad_option` when one option is given under two names
 */
export function readFlags<Name extends string>(
  command: Command,
  schema: Schema,
  table: FlagTable<Name>,
): { values: Partial<Record<Name, unknown>>; typed: Typed } {
  const fields = fieldsOf(schema);
  const given = command.opts<Record<string, unknown>>();
  const byLong = new Map(command.options.map((option) => [option.long!, option.attributeName()]));
  const values: Partial<Record<Name, unknown>> = {};
  const typed = new Map<string, { flag: string; text: string }>();
  for (const [name, spec] of Object.entries<FlagSpec>(table)) {
    const long = longName(name, spec);
    for (const flag of [long, ...otherNames(name, long, spec)].map((one) => `--${one}`)) {
      const raw = given[byLong.get(flag)!];
      if (raw === undefined) continue;
      const before = typed.get(name);
      if (before) {
        throw new IllustriousError(
          "bad_option",
          `${before.flag} and ${flag} are the same option`,
          `Give --${long} once.`,
        );
      }
      typed.set(name, { flag, text: String(raw) });
      values[name as Name] = typeof raw === "string" && isNumeric(fields[name]!) ? numberOf(raw) : raw;
    }
  }
  return { values, typed };
}

function isNumeric(field: Field): boolean {
  return field.type === "number" || field.type === "integer";
}

/** A decimal number, or the text itself, which the schema then refuses. JavaScript's `0x10`, `""` and `Infinity` are no numbers here. */
function numberOf(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

/** Issues whose message the schema has given. */
const OWN_WORDS: readonly string[] = ["custom", "invalid_format"];

/**
 * One line for each option that the schema refuses: the flag, what was given, what may be given.
 *
 * @param given the options that were checked
 */
export function refusals<Name extends string>(
  error: z.ZodError,
  schema: Schema,
  table: FlagTable<Name>,
  typed: Typed,
  given: Readonly<Record<string, unknown>>,
): string[] {
  const fields = fieldsOf(schema);
  const names = new Set(error.issues.map((issue) => String(issue.path[0])));
  return [...names].map((name) => {
    const field = fields[name];
    const spec = (table as Readonly<Record<string, FlagSpec>>)[name];
    // What is no flag is one of the command's arguments.
    const flag = typed.get(name)?.flag ?? (spec ? `--${longName(name, spec)}` : `<${name}>`);
    if (given[name] === undefined) return `${flag} is missing`;
    const text = typed.get(name)?.text ?? String(given[name]);
    const what = `${flag} ${quoted(safeLine(text))}`;
    // The schema's own words: a form of text is not seen from its limits.
    const own = error.issues.find(({ path, code }) => path[0] === name && OWN_WORDS.includes(code));
    if (own) return `${what}: ${own.message}`;
    return `${what}: must be ${field ? rangeInWords(field) : "left out"}${nearMiss(field, text)}`;
  });
}

/** Such as `a multiple of 8 from 64 to 2048`, or `cpu or nv`. */
function rangeInWords(field: Field): string {
  if (field.enum) return `${field.enum.slice(0, -1).join(", ")} or ${field.enum.at(-1)}`;
  if (!isNumeric(field)) {
    const { minLength = 1, maxLength } = field;
    return maxLength === undefined
      ? "a text of at least one character"
      : `a text of ${minLength} to ${maxLength} characters`;
  }
  const whole = field.type === "integer";
  const kind = field.multipleOf ? `a multiple of ${field.multipleOf}` : whole ? "a whole number" : "a number";
  const { minimum, maximum, exclusiveMinimum } = field;
  if (exclusiveMinimum !== undefined) {
    return `${kind} above ${exclusiveMinimum}${maximum === undefined ? "" : ` and at most ${maximum}`}`;
  }
  return maximum === undefined ? `${kind}, ${minimum} or more` : `${kind} from ${minimum} to ${maximum}`;
}

/** The allowed numbers on both sides of one that falls between them. */
function nearMiss(field: Field | undefined, text: string): string {
  const value = Number(text);
  const { multipleOf: step, minimum = -Infinity, maximum = Infinity } = field ?? {};
  if (!step || !(value > minimum && value < maximum) || value % step === 0) return "";
  const below = Math.floor(value / step) * step;
  return `, such as ${below} or ${below + step}`;
}
