/** @file Tables as they are written, read by another package; and files that are none. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeParquet, type ParquetColumn, parquetPieces, readParquet } from "./parquet.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquet-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const columns: readonly ParquetColumn[] = [
  { name: "flag", type: "boolean" },
  { name: "small", type: "int32" },
  { name: "large", type: "int64" },
  { name: "bits", type: "uint64" },
  { name: "real", type: "float64" },
  { name: "words", type: "text" },
  { name: "shares", type: "float32s" },
];

const rows = [
  {
    flag: true,
    small: -5,
    large: 2 ** 53 - 1,
    bits: 2n ** 64n - 1n,
    real: 0.1,
    words: "a\n'\"初音🎨",
    shares: [0.5, 0.25],
  },
  { flag: null, small: null, large: null, bits: null, real: null, words: null, shares: null },
  { flag: false, small: 2 ** 31 - 1, large: 0, bits: 0n, real: -1e300, words: "", shares: [] },
];

const bufferOf = (bytes: Uint8Array) => bytes.buffer as ArrayBuffer;

test("the reader of another package sees types, values and texts", async () => {
  const file = bufferOf(encodeParquet(columns, rows, { "my.key": "{}" }));
  const metadata = parquetMetadata(file);
  expect(metadata.key_value_metadata).toEqual([{ key: "my.key", value: "{}" }]);
  expect(metadata.row_groups).toHaveLength(1);
  expect(parquetSchema(metadata).children.map(({ element }) => element.name)).toEqual(columns.map(({ name }) => name));
  const found = await parquetReadObjects({ file });
  expect(found.map((row) => Object.values(row).map((value) => value ?? null))).toEqual(
    rows.map((row) => Object.values({ ...row, large: row.large === null ? null : BigInt(row.large) })),
  );
});

test("rows in lists that are asked for one by one, each a row group", async () => {
  const asked: number[] = [];
  function* groups() {
    for (let i = 0; i < 3; i++) {
      asked.push(i);
      yield rows.slice(i, 3);
    }
  }
  const pieces: Uint8Array[] = [];
  for (const piece of parquetPieces(columns, groups())) {
    pieces.push(piece);
    expect(asked.length).toBe(Math.min(pieces.length, 3));
  }
  const path = join(folder, "pieces.parquet");
  await writeFile(path, Buffer.concat(pieces));
  expect(await readParquet(path, columns)).toEqual([...rows, ...rows.slice(1), ...rows.slice(2)]);
  const { row_groups } = parquetMetadata(bufferOf(new Uint8Array(Buffer.concat(pieces))));
  expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([3, 2, 1]);
});

test("rows come back as they were, all columns or some", async () => {
  const path = join(folder, "some.parquet");
  await writeFile(path, encodeParquet(columns, rows));
  expect(await readParquet(path, columns)).toEqual(rows);
  expect(await readParquet(path, [columns[5]!, columns[1]!])).toEqual(
    rows.map(({ words, small }) => ({ words, small })),
  );
});

test("a table without rows is a table", async () => {
  const path = join(folder, "empty.parquet");
  await writeFile(path, encodeParquet(columns, []));
  expect(await readParquet(path, columns)).toEqual([]);
});

test("the same rows give the same bytes, also when they have been in a file", async () => {
  expect(encodeParquet(columns, rows)).toEqual(encodeParquet(columns, structuredClone(rows)));
  const path = join(folder, "again.parquet");
  const shares = { name: "shares", type: "float32s" } as const;
  // So near to each other that they are one number of 32 bits.
  const near = [{ shares: [0.1, 0.1 + 1e-12, 0.1] }, { shares: [0.1 - 1e-12, 0.1, 0.1] }];
  await writeFile(path, encodeParquet([shares], near));
  expect(encodeParquet([shares], await readParquet(path, [shares]))).toEqual(encodeParquet([shares], near));
});

test("any texts and numbers come back", async () => {
  const path = join(folder, "any.parquet");
  const row = fc.record({
    words: fc.option(fc.string({ unit: "binary" })),
    real: fc.option(fc.double({ noNaN: true })),
    bits: fc.option(fc.bigInt(0n, 2n ** 64n - 1n)),
    shares: fc.option(fc.array(fc.float({ noNaN: true }), { maxLength: 40 })),
  });
  const some = columns.filter(({ name }) => ["words", "real", "bits", "shares"].includes(name));
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (given) => {
      await writeFile(path, encodeParquet(some, given));
      expect(await readParquet(path, some)).toEqual(given);
    }),
    { numRuns: 25 },
  );
});

test("what is no such table is refused by name", async () => {
  const whole = encodeParquet(columns, rows);
  const files = {
    "text.parquet": Buffer.from("no table"),
    "nothing.parquet": Buffer.alloc(0),
    "cut.parquet": whole.subarray(0, 60),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(path, bytes);
    const refused = { code: "bad_file", message: expect.stringContaining(path) };
    await expect(readParquet(path, columns)).rejects.toMatchObject(refused);
  }
  const path = join(folder, "whole.parquet");
  await writeFile(path, whole);
  await expect(readParquet(path, [{ name: "absent", type: "text" }])).rejects.toMatchObject({ code: "bad_file" });
  await expect(readParquet(join(folder, "none"), columns)).rejects.toMatchObject({ code: "missing_file" });
});
