/** @file Prompts of previews, as sd-scripts has them. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { promptOfLine, samplePrompts } from "./sample-prompts.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sample-prompts-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function read(name: string, text: string, sampler?: string) {
  await writeFile(join(root, name), text);
  return samplePrompts(name, (path) => join(root, path), sampler);
}

const ALL = {
  prompt: "1girl, solo",
  negativePrompt: "lowres, bad hands",
  ...{ width: 768, height: 1024, seed: 7, steps: 20, cfg: 6.5, sampler: "euler_a" },
};

test("options behind a prompt are what sd-scripts means by them", () => {
  const line = "1girl, solo --n lowres, bad hands --w 768 --h 1024 --d 7 --s 20 --l 6.5 --ss k_euler_a";
  expect(promptOfLine(line)).toEqual(ALL);
  expect(promptOfLine(line.replace(/--[a-z]+/g, (flag) => flag.toUpperCase()))).toEqual(ALL);
  expect(promptOfLine("a -- dash, and --words of a prompt")).toEqual({ prompt: "a -- dash, and --words of a prompt" });
});

test("a file has lines, a list of tables, or tables that share what is common", async () => {
  expect(await read("p.txt", "# not this\n\n1girl --s 4\n2girls\n", "dpmsolver++")).toEqual([
    { prompt: "1girl", steps: 4, sampler: "dpmpp_2m" },
    { prompt: "2girls", sampler: "dpmpp_2m" },
  ]);
  const tables = [
    { prompt: ALL.prompt, negative_prompt: ALL.negativePrompt, width: 768, height: 1024, seed: 7 },
    "1girl --s 4",
  ];
  Object.assign(tables[0]!, { sample_steps: 20, scale: 6.5, sample_sampler: "k_euler_a" });
  expect(await read("p.json", JSON.stringify(tables))).toEqual([ALL, { prompt: "1girl", steps: 4 }]);
  const toml =
    '[prompt]\nwidth = 64\nscale = 3\n[[prompt.subset]]\nprompt = "a"\n[[prompt.subset]]\nprompt = "b"\nscale = 4\n';
  expect(await read("p.toml", toml)).toEqual([
    { prompt: "a", width: 64, cfg: 3 },
    { prompt: "b", width: 64, cfg: 4 },
  ]);
});

test("sides are rounded down to eights", async () => {
  const sides = { width: 1208, height: 64 };
  expect(await read("p.txt", "a --w 1210 --h 71")).toEqual([{ prompt: "a", ...sides }]);
  expect(await read("p.json", '[{"prompt": "a", "width": 1215, "height": 64}]')).toEqual([{ prompt: "a", ...sides }]);
});

test.each(["ddim", "pndm", "lms", "euler", "heun", "dpm_2", "dpm_2_a", "dpmsolver", "dpmsingle", "k_lms", "k_dpm_2_a"])(
  "sd-scripts' %s is a sampler or gives way to one",
  async (sampler) => {
    expect(await read("p.txt", `a --ss ${sampler}`, sampler)).toHaveLength(1);
  },
);

test.each([
  ["p.txt", "a", "plms", /^sample_sampler: .*plms/],
  ["p.txt", "# sides\n\na --w 7", undefined, /p\.txt, line 3: width: 7: /],
  ["p.txt", "a --s many", undefined, '--s "many"'],
  ["p.txt", "a --s 2 --g 3", undefined, "--g is no option"],
  ["p.json", '["b", {"prompt": "a", "guidance": 3}]', undefined, "p.json, prompt 2: guidance is no option"],
  ["p.json", '{"prompt": "a"}', undefined, "holds no list of prompts"],
  ["p.json", "[", undefined, "p.json: "],
  ["p.toml", 'prompt = "a"', undefined, "holds no list of prompts"],
])("%s with %s and sampler %s is refused before the first step", async (name, text, sampler, words) => {
  await expect(read(name, text, sampler)).rejects.toThrow(words);
});
