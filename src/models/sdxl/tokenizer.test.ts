import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SDXL_BASE } from "./config.ts";
import { loadTokenizer, modelTokenizer, type Tokenizer } from "./tokenizer.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FOLDER = join(ROOT, "test/fixtures/nano-bootstrap/tokenizer");
const vocab: Record<string, number> = JSON.parse(readFileSync(join(FOLDER, "vocab.json"), "utf8"));
const merges = readFileSync(join(FOLDER, "merges.txt"), "utf8").split("\n").slice(1).filter(Boolean);

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

test("ids are those of transformers' CLIP tokenizer", () => {
  const file = gunzipSync(readFileSync(join(ROOT, "test/fixtures/tokenizer.json.gz")));
  const cases: { prompt: string; ids: number[] }[] = JSON.parse(file.toString("utf8"));
  expect(cases.length).toBeGreaterThanOrEqual(2000);
  const wrong = cases.filter(({ prompt, ids }) => tokenizer.encode(prompt).join() !== ids.join());
  expect(wrong.map(({ prompt }) => prompt)).toEqual([]);
});

test("ids are those the bootstrap checkpoint's pictures were made with", () => {
  const file = readFileSync(join(ROOT, "test/fixtures/nano-bootstrap/expected/expected.safetensors"));
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length));
  const pictures: { prompt: string }[] = JSON.parse(
    readFileSync(join(ROOT, "test/fixtures/nano-bootstrap/expected/expected.json"), "utf8"),
  );
  const [from] = header.token_ids.data_offsets;
  expect(header.token_ids.shape[1]).toBe(77);
  for (const [row, { prompt }] of pictures.entries()) {
    const ids = tokenizer.encode(prompt);
    const read = (i: number) => Number(file.readBigInt64LE(8 + length + from + (row * 77 + i) * 8));
    const expected = Array.from({ length: 77 }, (_, i) => read(i));
    expect([tokenizer.start, ...ids, tokenizer.end]).toEqual(expected.slice(0, ids.length + 2));
  }
});

test("decoding shows the words", () => {
  expect(tokenizer.decode(tokenizer.encode("1girl, very long hair, 初音ミク"))).toBe(
    "1 girl , very long hair , 初音ミク",
  );
  expect(tokenizer.decode([49406, 320, 49407])).toBe("<|startoftext|>a <|endoftext|>");
  expect(tokenizer.decode([])).toBe("");
});

test("any text at all has ids of the vocabulary", () => {
  const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 60 }), fc.string({ unit: "binary", maxLength: 60 }));
  fc.assert(
    fc.property(text, (value) => tokenizer.encode(value).every((id) => Number.isInteger(id) && id >= 0 && id < 49408)),
    { numRuns: 2000 },
  );
});

describe("a tokenizer's own files", () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });
  const folderWith = (files: Record<string, string>) => {
    const folder = mkdtempSync(join(tmpdir(), "tokenizer-"));
    folders.push(folder);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  };
  const text = "There are two girls in the image, 初音ミク ❤ <|endoftext|> don't ΑΣ";

  test("vocab.json with merges.txt, and tokenizer.json, give the ids of the built-in vocabulary", async () => {
    const model = { type: "BPE", vocab, merges };
    const pairs = { type: "BPE", vocab, merges: merges.map((merge) => merge.split(" ")) };
    for (const folder of [
      FOLDER,
      folderWith({ "vocab.json": JSON.stringify(vocab, null, 1), "merges.txt": merges.join("\r\n") }),
      folderWith({ "tokenizer.json": JSON.stringify({ model }) }),
      folderWith({ "tokenizer.json": JSON.stringify({ model: pairs }) }),
    ]) {
      const own = await loadTokenizer(folder);
      expect(own.encode(text)).toEqual(tokenizer.encode(text));
      expect([own.start, own.end]).toEqual([49406, 49407]);
    }
  });

  test("a small vocabulary: bytes it lacks are unknown, and read as the end token, as transformers has it", async () => {
    const small = { a: 0, b: 1, "b</w>": 2, ab: 3, "ab</w>": 4, "<|startoftext|>": 5, "<|endoftext|>": 6 };
    const own = await loadTokenizer(
      folderWith({ "vocab.json": JSON.stringify(small), "merges.txt": "#version: 0.2\na b\na b</w>\n" }),
    );
    expect(own.encode("ab abab b ac")).toEqual([4, 3, 4, 2, 0, 6]);
  });

  test.each([
    ["no vocabulary", {}, "missing_file", /neither vocab.json/],
    ["half a vocabulary", { "vocab.json": "{}" }, "missing_file", /neither vocab.json/],
    ["broken JSON", { "vocab.json": "{", "merges.txt": "" }, "bad_file", /vocab.json: not JSON/],
    ["no end token", { "vocab.json": '{"<|startoftext|>":0}', "merges.txt": "" }, "bad_file", /endoftext/],
    ["a name every object has", { "vocab.json": "{}", "merges.txt": "con structor" }, "bad_file", /startoftext/],
    [
      "a merge of unknown tokens",
      { "vocab.json": '{"<|startoftext|>":0,"<|endoftext|>":1,"a":2}', "merges.txt": "a b" },
      "bad_file",
      /merge 0: the vocabulary has undefined as id of "b"/,
    ],
    [
      "a merge of three",
      { "vocab.json": '{"<|startoftext|>":0,"<|endoftext|>":1}', "merges.txt": "a b c" },
      "bad_file",
      /not two/,
    ],
    ["no BPE", { "tokenizer.json": '{"model":{"type":"Unigram"}}' }, "bad_file", /not a list/],
  ])("%s is refused", async (_, files, code, message) => {
    const loading = loadTokenizer(folderWith(files as Record<string, string>));
    await expect(loading).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

test("the asset is what its maker makes", () => {
  const made = spawnSync(process.execPath, [join(ROOT, "scripts/make-vocabulary.mjs"), "--check"], {
    encoding: "utf8",
  });
  expect(made.stderr).toBe("");
  expect(made.status).toBe(0);
});

test("a long text takes no more than its length, and a word without end is refused", () => {
  for (const [name, text] of Object.entries({
    digits: "1 ".repeat(10_000),
    "one word": "ab".repeat(9_999),
    blanks: " ".repeat(1e6),
    tags: "very long hair, ".repeat(2_000),
  })) {
    const began = process.cpuUsage().user;
    expect(Array.isArray(tokenizer.encode(text))).toBe(true);
    // Below 2 s on the machine this was written on, and the longest prompt known has 3,000 letters.
    expect((process.cpuUsage().user - began) / 1000, name).toBeLessThan(20_000);
  }
  expect(() => tokenizer.encode("ab".repeat(1e6))).toThrow(
    expect.objectContaining({
      code: "bad_prompt",
      message: expect.stringContaining("a word of more than 20000 letters"),
      hint: expect.stringContaining("a file's content"),
    }),
  );
});

describe("a model's tokenizer", () => {
  const { textEncoder, textEncoder2 } = SDXL_BASE;
  const folders = (folder: string) => ({ tokenizerFolders: { tokenizer: folder, tokenizer2: folder } });

  test("fits tables that have a row for every id, and maybe more", async () => {
    expect((await modelTokenizer({ configs: SDXL_BASE })).end).toBe(49407);
    const larger = { textEncoder: { ...textEncoder, vocabSize: 49500 }, textEncoder2 };
    expect((await modelTokenizer({ configs: larger, ...folders(FOLDER) })).end).toBe(49407);
  });

  test.each([
    ["text_encoder", { textEncoder: { ...textEncoder, vocabSize: 49407 }, textEncoder2 }],
    ["text_encoder_2", { textEncoder, textEncoder2: { ...textEncoder2, vocabSize: 49407 } }],
  ])("is refused where a row is missing in %s", async (name, configs) => {
    await expect(modelTokenizer({ path: "m", configs })).rejects.toMatchObject({
      code: "bad_shape",
      message: `m: ${name} has 49407 tokens (vocab_size), and the built-in vocabulary, used where a model has none, has ids up to 49407`,
      hint: expect.stringMatching(/folders tokenizer and tokenizer_2/),
    });
    await expect(modelTokenizer({ configs, ...folders(FOLDER) })).rejects.toMatchObject({
      code: "bad_shape",
      message: `${name} has 49407 tokens (vocab_size), and ${FOLDER} has ids up to 49407`,
    });
  });
});
