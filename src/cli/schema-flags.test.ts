/** @file What is told of options that a schema refuses: what was typed, and what may be. */

import { Command } from "commander";
import { expect, test } from "vitest";
import { z } from "zod";
import { addFlags, readFlags, refusals } from "./schema-flags.ts";

const schema = z.strictObject({
  folder: z.string().min(1),
  out: z.string().regex(/\.toml$/, "must end in .toml"),
  name: z.string().min(1).max(5).optional(),
  separator: z
    .string()
    .max(20)
    .regex(/^[^\n]*$/, "must be on one line")
    .default(", "),
  size: z.int().min(8).max(64).multipleOf(8).default(8),
});

function told(folder: string, ...argv: string[]): string[] {
  const command = new Command().exitOverride();
  const flags = { out: { group: "" }, name: { group: "" }, separator: { group: "" }, size: { group: "" } };
  addFlags(command, schema, flags);
  command.parse(argv, { from: "user" });
  const { values, typed } = readFlags(command, schema, flags);
  const given = { folder, ...values };
  return refusals(schema.safeParse(given).error!, schema, flags, typed, given);
}

test.each([
  [["f", "--out", "x.json"], "--out x.json: must end in .toml"],
  [["f"], "--out is missing"],
  [["f", "--out", "x.toml", "--name", "abcdef"], "--name abcdef: must be a text of 1 to 5 characters"],
  [["f", "--out", "x.toml", "--separator", "a\nb"], "--separator a\\nb: must be on one line"],
  [["f", "--out", "x.toml", "--size", "12"], "--size 12: must be a multiple of 8 from 8 to 64, such as 8 or 16"],
  [["", "--out", "x.toml"], '<folder> "": must be a text of at least one character'],
])("%j is refused for its true reason", ([folder, ...argv], message) => {
  expect(told(folder!, ...argv)).toEqual([message]);
});
