/** @file Every kind of failure that a user can be told of has a test that provokes it. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const union = /export type ErrorCode =([^;]+);/.exec(readFileSync(join(root, "src/base/error.ts"), "utf8"))![1]!;
const codes = [...union.matchAll(/"([a-z_]+)"/g)].map(([, code]) => code!);

const testSources = ["src", "test"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  )
  .filter((path) => path.endsWith(".test.ts") && !path.endsWith("error-codes.test.ts"))
  .map((path) => readFileSync(join(root, path), "utf8"));

test("the codes are read", () => {
  expect(codes).toContain("bad_option");
  expect(codes.length).toBeGreaterThanOrEqual(16);
});

test.each(codes)("%s is provoked by a test", (code) => {
  expect(testSources.some((source) => source.includes(`"${code}"`))).toBe(true);
});
