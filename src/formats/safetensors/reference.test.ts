/** @file The reference implementation's bytes and verdicts (made by `scripts/goldens/make-safetensors.py`) against ours. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { IllustriousError } from "../../base/error.ts";
import { encodeSafetensors, headerLength, parseSafetensors, type SafetensorsDType } from "./index.ts";

type Golden = {
  name: string;
  tensors: { name: string; dtype: SafetensorsDType; shape: number[]; data: string }[];
  metadata: Record<string, string> | null;
  file: string;
};
type Vector = { name: string; file: string; reference: string };

const fixture = join(import.meta.dirname, "../../../test/fixtures/formats/safetensors.json");
const { goldens, vectors } = JSON.parse(readFileSync(fixture, "utf8")) as { goldens: Golden[]; vectors: Vector[] };
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));

function tensorsOf(golden: Golden) {
  return golden.tensors.map((tensor) => ({ ...tensor, data: bytesOf(tensor.data) }));
}

test.each(goldens)("writes the reference's bytes: $name", async (golden) => {
  const metadata = golden.metadata ? new Map(Object.entries(golden.metadata)) : undefined;
  const written = await encodeSafetensors(tensorsOf(golden), metadata);
  expect(Buffer.from(written).toString("latin1")).toBe(Buffer.from(golden.file, "base64").toString("latin1"));
});

test.each(goldens)("reads the reference's bytes: $name", (golden) => {
  const bytes = bytesOf(golden.file);
  const file = parseSafetensors(bytes);
  expect([...file.metadata]).toEqual(Object.entries(golden.metadata ?? {}));
  expect(file.tensors.size).toBe(golden.tensors.length);
  for (const { name, dtype, shape, data } of tensorsOf(golden)) {
    const entry = file.tensors.get(name)!;
    expect(entry).toMatchObject({ name, dtype, shape, length: data.length });
    expect(bytes.slice(entry.offset, entry.offset + entry.length)).toEqual(data);
  }
});

/** What the reference lets pass and we do not, with our words for it. */
const stricter: Record<string, RegExp> = {
  "metadata null": /__metadata__ is a JSON literal, not an object/,
  "metadata key twice": /the key "a" stands there twice/,
  "tensor an array of fields": /tensor "t": described by a JSON array, not an object/,
  "dtype an object": /tensor "t": no dtype/,
  "empty with 2^53 + 1 elements an axis": /its shape is not a list of integers/,
  "the same name twice": /the key "t" stands there twice/,
  "the same name twice, once escaped": /the key "t" stands there twice/,
};

/** Our words for each of the reference's errors, by the beginning of its text. */
const counterparts: [reference: RegExp, ours: RegExp][] = [
  [/^header too small/, /the file has \d+ bytes, and the header's length alone takes 8/],
  [/^invalid header length/, /declares a header of \d+ bytes in a file of \d+/],
  [/^header too large/, /declares a header of \d+ bytes, and the format allows 100000000/],
  [/^invalid UTF-8/, /the header is not UTF-8/],
  [/expected struct HashMetadata/, /the header is a JSON \w+, not an object/],
  [/expected struct TensorInfo/, /tensor "t": described by a JSON \w+, not an object/],
  [/expected a (string|map) at/, /__metadata__.* is a JSON \w+/],
  [/unknown variant|expected string or map/, /tensor "t": (unknown dtype "[\w]+"|no dtype)/],
  [/missing field/, /tensor "t": (no dtype|its shape is not|its data_offsets are not)/],
  [/duplicate field/, /the key "\w+" stands there twice/],
  [/expected (usize|a sequence|a tuple)|expected 2 elements/, /tensor "t": its (shape is|data_offsets are) not/],
  [/number out of range|recursion limit/, /tensor "t": its data_offsets are not|nested more than 128 deep/],
  [/^invalid JSON/, /the header, at character \d+: /],
  [
    /^invalid offset/,
    /begins at byte \d+, where the one before ends|data_offsets (\[2, 0\] hold -2|are not two integers)/,
  ],
  [/^invalid shape, data type/, /tensor "t": \w+ \[\d+\] takes \d+ bytes, and its data_offsets \[0, 2\] hold 2/],
  [/^incomplete metadata/, /its tensors end at byte \d+, and the file has \d+|its shape is not a list of integers/],
  [/^overflow|^The slice is slicing/, /no whole number of bytes below 2\^53|its shape is not a list of integers/],
];

test.each(vectors)("judges as the reference does: $name", ({ name, file, reference }) => {
  const strict = stricter[name];
  if (strict) expect(reference).toBe("ok");
  const expected = strict ?? counterparts.find(([theirs]) => theirs.test(reference))?.[1];
  const bytes = bytesOf(file);
  if (!expected) {
    expect(reference).toBe("ok");
    expect(parseSafetensors(bytes).size).toBe(bytes.length);
    return;
  }
  expect(failure(() => parseSafetensors(bytes, "model.safetensors"))).toMatch(expected);
});

test("a header above 25 MB is refused, though the format allows it, and one just below is not", () => {
  const prefix = (length: number) => new Uint8Array(new BigUint64Array([BigInt(length)]).buffer);
  expect(headerLength(prefix(25_000_000), 2 ** 33, "a")).toBe(25_000_000);
  expect(failure(() => headerLength(prefix(25_000_001), 2 ** 33, "a"))).toMatch("more than the 25000000 read");
  expect(failure(() => headerLength(prefix(100_000_000), 2 ** 33, "a"))).toMatch("more than the 25000000 read");
});

test("a name from a stranger is cut and escaped in messages", () => {
  const header = `{${JSON.stringify(`\u001b[31m${"x".repeat(1000)}`)}:1}`;
  const bytes = Buffer.concat([Buffer.from(new BigUint64Array([BigInt(header.length)]).buffer), Buffer.from(header)]);
  const message = failure(() => parseSafetensors(bytes));
  expect(message).toContain(`"\\u001b[31m`);
  expect(message.length).toBeLessThan(300);
});

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(IllustriousError);
    expect(error).toMatchObject({ code: "bad_file", hint: expect.stringMatching(/./) });
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}
