/** @file Damaged headers: only typed errors, and exactly the files pass that a slow second reader of the rules lets pass. */

import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import {
  below,
  damageBytes,
  joined,
  pick,
  type Random,
  seededRandom,
} from "../../../test/fixtures/formats/mutations.ts";
import { IllustriousError } from "../../base/error.ts";
import { bitsOfDType, encodeSafetensors, parseSafetensors, type SafetensorsDType } from "./index.ts";

const CASES = 200_000;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const dtypes = Object.keys(bitsOfDType) as SafetensorsDType[];

/** The rules again, by other means: `JSON.parse`, BigInt, and a walk over the text's tokens for what that loses. */
function breaksRule(bytes: Uint8Array): string | undefined {
  if (bytes.length < 8) return "prefix";
  const n = Buffer.from(bytes).readBigUInt64LE(0);
  if (n > 25_000_000n || 8n + n > BigInt(bytes.length)) return "length";
  let text: string;
  let root: unknown;
  try {
    text = utf8.decode(bytes.subarray(8, 8 + Number(n)));
    root = JSON.parse(text);
  } catch {
    return "JSON";
  }
  if (hasRepeatedKey(text)) return "repeated key";
  if (text.match(/"(?:[^"\\]|\\.)*"/g)?.some((s) => /\p{Surrogate}/u.test(JSON.parse(s)))) return "surrogate";
  if (!isObject(root)) return "object";
  const ranges: [bigint, bigint][] = [];
  // Numbers are read from the text with a marker, for JSON.parse has rounded them already.
  for (const [name, value] of Object.entries(JSON.parse(markNumbers(text)) as object)) {
    if (!isObject(value)) return "entry";
    if (name === "__metadata__") {
      if (Object.values(value).some((item) => typeof item !== "string" || item.startsWith("#"))) return "metadata";
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
    if (!dtypes.includes(dtype as SafetensorsDType)) return "dtype";
    const sizes = naturals(shape);
    const [begin, end, ...more] = naturals(offsets) ?? [];
    if (!sizes || begin === undefined || end === undefined || more.length > 0) return "numbers";
    let bits = BigInt(bitsOfDType[dtype as SafetensorsDType]);
    let elements = 1n;
    for (const size of sizes) {
      elements *= size;
      if (elements >= 2n ** 53n) return "overflow";
    }
    bits *= elements;
    if (bits >= 2n ** 53n || bits % 8n !== 0n || end - begin !== bits / 8n) return "bytes";
    ranges.push([begin, end]);
  }
  // Every byte is covered once: the ranges, in order, run from 0 to the end.
  ranges.sort(([a, b], [c, d]) => Number(a - c) || Number(b - d));
  const borders = [0n, ...ranges.flat(), BigInt(bytes.length) - 8n - n];
  for (let i = 0; i < borders.length; i += 2) if (borders[i] !== borders[i + 1]) return "tiling";
  return undefined;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Turns each number of a JSON text into the string "#<number>". */
function markNumbers(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)/g, (_, string, number) => string ?? `"#${number}"`);
}

function naturals(value: unknown): bigint[] | undefined {
  if (!Array.isArray(value) || !value.every((v) => typeof v === "string" && /^#\d+$/.test(v))) return undefined;
  const found = value.map((v: string) => BigInt(v.slice(1)));
  return found.every((v) => v < 2n ** 53n) ? found : undefined;
}

function hasRepeatedKey(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, colon] of [...text.matchAll(/[{}]|"(?:[^"\\]|\\.)*"(\s*:)?/g)]) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      if (open.at(-1)!.has(key)) return true;
      open.at(-1)!.add(key);
    }
  }
  return false;
}

const numbers = [
  "0",
  "1",
  "2",
  "7",
  "8",
  "16",
  "-1",
  "-0",
  "1.5",
  "1e1",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
];

/** Damage that keeps the file well-formed more often: a number, a type, a name, a repeated or a moved entry. */
function damageHeader(random: Random, bytes: Uint8Array): Uint8Array {
  const n = Number(Buffer.from(bytes).readBigUInt64LE(0));
  let header = Buffer.from(bytes.subarray(8, 8 + n)).toString("utf8");
  let data = bytes.subarray(8 + n);
  const replaceOne = (pattern: RegExp, by: string) => {
    const found = [...header.matchAll(pattern)];
    if (found.length === 0) return;
    const { 0: token, index } = pick(random, found);
    header = header.slice(0, index) + by + header.slice(index + token.length);
  };
  switch (below(random, 8)) {
    case 0:
      replaceOne(/-?\d+/g, pick(random, numbers));
      break;
    case 1:
      replaceOne(/"[BFIUC][A-Z0-9_]+"/g, `"${pick(random, dtypes)}"`);
      break;
    case 2:
      replaceOne(
        /"[^"]*":/g,
        pick(random, ['"a":', '"b":', '"__metadata__":', '"dtype":', '"\\u0061":', '"\\ud800":']),
      );
      break;
    case 3: {
      const entries = header.match(/"[^"]*":\{[^{}]*\}/g) ?? [];
      header = `{${[...entries, pick(random, [...entries, ""])]
        .filter(Boolean)
        .sort(() => random() - 0.5)
        .join(",")}}`;
      break;
    }
    case 4:
      header = pick(random, [
        ` ${header}`,
        `${header}  `,
        `\ufeff${header}`,
        header.trim(),
        header.replaceAll(",", " , "),
      ]);
      break;
    case 5:
      replaceOne(/[[\]{},:"]/g, pick(random, ["", "[", "]", "{", "}", ",", ":", '"', "null", "[]", "{}"]));
      break;
    case 6:
      replaceOne(/\{[^{}]*\}/g, pick(random, ["null", "1", "[]", '"x"', "true", "{}"]));
      break;
    default:
      data = pick(random, [data.subarray(1), joined(data, Uint8Array.of(0)), data.subarray(0, 0)]);
  }
  const text = Buffer.from(header);
  return joined(new Uint8Array(new BigUint64Array([BigInt(text.length)]).buffer), text, data);
}

async function seeds(): Promise<Uint8Array[]> {
  const u8 = (name: string, length: number) => ({
    name,
    dtype: "U8" as const,
    shape: [length],
    data: new Uint8Array(length),
  });
  return [
    await encodeSafetensors([]),
    await encodeSafetensors([u8("a", 2), u8("b", 0), u8("é", 3)], { format: "pt", "a b": "1" }),
    await encodeSafetensors([
      { name: "v_pred", dtype: "F32", shape: [0], data: new Uint8Array(0) },
      { name: "w", dtype: "F16", shape: [2, 2], data: new Uint8Array(8) },
      { name: "x", dtype: "F4", shape: [4], data: new Uint8Array(2) },
      { name: "s", dtype: "F64", shape: [], data: new Uint8Array(8) },
    ]),
  ];
}

// Seven seconds of processor time, which on a busy machine may be minutes.
const timeout = 300_000;

test(`${CASES} damaged files: only typed errors, and the same verdict as the slow reader`, { timeout }, async () => {
  const seed = Number(process.env.SEED ?? 1);
  const random = seededRandom(seed);
  const whole = await seeds();
  // Half the time would go into the traces of errors that nobody reads.
  const { stackTraceLimit } = Error;
  onTestFinished(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  Error.stackTraceLimit = 0;
  let accepted = 0;
  const rules = new Map<string, number>();
  for (let i = 0; i < CASES; i++) {
    let bytes = pick(random, whole);
    const times = 1 + below(random, 3);
    for (let k = 0; k < times; k++) {
      const canParse = bytes.length >= 8 && Number(Buffer.from(bytes).readBigUInt64LE(0)) <= bytes.length - 8;
      bytes = canParse && random() < 0.7 ? damageHeader(random, bytes) : damageBytes(random, bytes);
    }
    const rule = breaksRule(bytes);
    rules.set(rule ?? "", (rules.get(rule ?? "") ?? 0) + 1);
    let error: unknown;
    try {
      parseSafetensors(bytes);
      accepted++;
    } catch (thrown) {
      error = thrown;
    }
    const typed = error === undefined || (error instanceof IllustriousError && error.code === "bad_file" && error.hint);
    if (typed && (error === undefined) === (rule === undefined)) continue;
    const file = Buffer.from(bytes).toString("latin1");
    throw new Error(`SEED=${seed}, case ${i}: ${JSON.stringify(file)}\nslow reader: ${rule}\nparser: ${error}`);
  }
  // Both verdicts must be common and every rule be met, or the comparison says little.
  expect(accepted).toBeGreaterThan(CASES / 20);
  expect([...rules].filter(([, count]) => count < 20)).toEqual([]);
  expect([...rules.keys()].sort()).toEqual([
    "",
    "JSON",
    "bytes",
    "dtype",
    "entry",
    "length",
    "metadata",
    "numbers",
    "object",
    "overflow",
    "prefix",
    "repeated key",
    "surrogate",
    "tiling",
  ]);
});

const name = fc
  .string({ unit: "grapheme", maxLength: 12 })
  .filter((s) => s !== "__metadata__" && !/\p{Surrogate}/u.test(s));
const tensor = fc
  .record({
    dtype: fc.constantFrom(...dtypes),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
    seed: fc.nat(255),
  })
  .map(({ dtype, shape, seed }) => {
    // Four more elements a place make whole bytes of any type.
    const whole = bitsOfDType[dtype] % 8 === 0 ? shape : [...shape, 4];
    const bytes = (whole.reduce((a, b) => a * b, 1) * bitsOfDType[dtype]) / 8;
    return { dtype, shape: whole, data: Uint8Array.from({ length: bytes }, (_, i) => seed + i) };
  });

test("2,000 random files read back as they were written, aligned", async () => {
  const files = fc.record({
    tensors: fc.uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n, maxLength: 8 }),
    metadata: fc.uniqueArray(fc.tuple(name, fc.string({ unit: "grapheme" })), { selector: ([k]) => k, maxLength: 4 }),
  });
  const property = fc.asyncProperty(files, async ({ tensors, metadata }) => {
    const bytes = await encodeSafetensors(
      tensors.map(([n, rest]) => ({ name: n, ...rest })),
      new Map(metadata),
    );
    const file = parseSafetensors(bytes);
    expect(file.metadata).toEqual(new Map(metadata));
    expect(file.tensors.size).toBe(tensors.length);
    for (const [n, { dtype, shape, data }] of tensors) {
      const entry = file.tensors.get(n)!;
      expect(entry).toEqual({ name: n, dtype, shape, offset: entry.offset, length: data.length });
      expect(Buffer.compare(bytes.subarray(entry.offset, entry.offset + entry.length), data)).toBe(0);
      // Elements of 4 and 6 bits share bytes, and have no alignment.
      if (bitsOfDType[dtype] >= 8) expect((entry.offset * 8) % bitsOfDType[dtype]).toBe(0);
    }
  });
  await fc.assert(property, { numRuns: 2000 });
});
