/**
 * @file Parquet tables of plain rows: a table's bytes, and rows back out of a file. A table here is small enough to be held, or is
 * written piece by piece; many rows are many files, which DuckDB, pandas and others read as one.
 */

import { type ColumnData, parquetRead, type SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { IllustriousError } from "../base/error.ts";
import { readAt, withRegularFile } from "./regular-file.ts";

/** Any value may be null. `int64` holds whole numbers to 2^53, `uint64` is a bigint, `float32s` a list of numbers. */
export type ParquetType = "boolean" | "int32" | "int64" | "uint64" | "float64" | "text" | "float32s";

export type ParquetColumn = { readonly name: string; readonly type: ParquetType };

export type ParquetValue = boolean | number | bigint | string | readonly number[] | null;

export type ParquetRow = Readonly<Record<string, ParquetValue>>;

const MAX_BYTES = 2 ** 30;

/**
 * A whole file. The same rows give the same bytes.
 *
 * @param rows a value, or null, for each column
 * @param metadata texts that the file carries beside its table
 */
export function encodeParquet(
  columns: readonly ParquetColumn[],
  rows: readonly ParquetRow[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  return new Uint8Array(Buffer.concat([...parquetPieces(columns, [rows], metadata)]));
}

/**
 * The same, in pieces that follow each other: rows are asked for when those before are written, each list of them a row group.
 *
 * @param groups no list of which is empty, unless it is the only one
 */
export function* parquetPieces(
  columns: readonly ParquetColumn[],
  groups: Iterable<readonly ParquetRow[]>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array, void> {
  const writer = new ByteWriter();
  const table = new ParquetWriter({
    writer,
    schema: [{ name: "root", num_children: columns.length }, ...columns.flatMap(elementsOf)],
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: "illustrious",
  });
  const piece = () => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  };
  for (const rows of groups) {
    const columnData = columns.map(({ name, type }) => ({
      name,
      data: rows.map((row) => stored(row[name] ?? null, type)),
    }));
    // A promise of nothing: this writer does not wait.
    void table.write({ columnData, rowGroupSize: Math.max(1, rows.length) });
    yield piece();
  }
  void table.finish();
  yield piece();
}

/**
 * Rows of a file with these columns; others that it may have are not read.
 *
 * @param keys what rows have in place of the columns' names
 * @throws IllustriousError `missing_file`; `bad_file` when it is not Parquet, is damaged, or lacks a column
 */
export async function readParquet<Key extends string = string>(
  path: string,
  columns: readonly ParquetColumn[],
  keys: readonly Key[] = columns.map(({ name }) => name as Key),
): Promise<Readonly<Record<Key, ParquetValue>>[]> {
  const bytes = await withRegularFile(path, (handle, size) => {
    if (size > MAX_BYTES) throw refused(path, `${size} bytes, more than ${MAX_BYTES}`);
    return readAt(handle, 0, size, path);
  });
  const buffer = bytes.buffer as ArrayBuffer;
  const file = { byteLength: buffer.byteLength, slice: (start: number, end?: number) => buffer.slice(start, end) };
  // As columns, from which rows are made in one go.
  const found = new Map(columns.map(({ name }) => [name, [] as ColumnData[]]));
  const onChunk = (chunk: ColumnData): void => void found.get(chunk.columnName)?.push(chunk);
  await parquetRead({ file, columns: [...found.keys()], onChunk }).catch((cause: unknown) => {
    throw refused(path, cause instanceof Error ? cause.message : String(cause), cause);
  });
  const values = columns.map(({ name, type }) => valuesIn(found.get(name)!, type));
  const count = values[0]?.length ?? 0;
  const odd = columns.find((_, i) => values[i]!.length !== count);
  if (odd) throw refused(path, `its column ${odd.name} is shorter or longer than others`);
  return Array.from({ length: count }, (_, at) => {
    const row = {} as Record<Key, ParquetValue>;
    for (let i = 0; i < keys.length; i++) row[keys[i]!] = values[i]![at]!;
    return row;
  });
}

function valuesIn(chunks: ColumnData[], type: ParquetType): ParquetValue[] {
  const values: ParquetValue[] = [];
  for (const { columnData } of chunks.sort((a, b) => a.rowStart - b.rowStart)) {
    for (let i = 0; i < columnData.length; i++) values.push(given(columnData[i], type));
  }
  return values;
}

function elementsOf({ name, type }: ParquetColumn): SchemaElement[] {
  const optional = { name, repetition_type: "OPTIONAL" } as const;
  switch (type) {
    case "boolean":
      return [{ ...optional, type: "BOOLEAN" }];
    case "int32":
      return [{ ...optional, type: "INT32" }];
    case "int64":
      return [{ ...optional, type: "INT64" }];
    case "uint64":
      return [{ ...optional, type: "INT64", converted_type: "UINT_64" }];
    case "float64":
      return [{ ...optional, type: "DOUBLE" }];
    case "text":
      return [{ ...optional, type: "BYTE_ARRAY", converted_type: "UTF8" }];
    case "float32s":
      return [
        { ...optional, converted_type: "LIST", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", repetition_type: "REQUIRED", type: "FLOAT" },
      ];
  }
}

function stored(value: ParquetValue, type: ParquetType): ParquetValue {
  if (type === "int64" && typeof value === "number") return BigInt(value);
  // As it will be read, or a dictionary of values would hold two where the file has one.
  return Array.isArray(value) ? value.map(Math.fround) : value;
}

function given(value: unknown, type: ParquetType): ParquetValue {
  if (value === undefined || value === null) return null;
  return type === "int64" ? Number(value) : (value as ParquetValue);
}

function refused(path: string, why: string, cause?: unknown): IllustriousError {
  const hint = "It was cut short or changed by something else; what made it can make it again.";
  return new IllustriousError("bad_file", `${path}: not a Parquet table as expected (${why})`, hint, { cause });
}
