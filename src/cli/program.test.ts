/** @file Calls as users make them: what is understood, what is refused and in which words, with which exit code. */

import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeGenerate } from "../../test/cli/fake-generate.ts";
import { type FakeOptions, fakeShell } from "../../test/cli/fake-shell.ts";
import { IllustriousError } from "../base/error.ts";
import { shippedModels } from "../tasks/find-model.ts";
import type { GenerateTask } from "./follow.ts";
import { run } from "./program.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function call(argv: readonly string[], options: FakeOptions = {}, task?: GenerateTask) {
  const shell = fakeShell(options);
  const fake = fakeGenerate();
  const code = await run(argv, shell, { generate: task ?? fake.task }, "1.2.3");
  return { code, out: shell.stdout.text, err: shell.stderr.text, asked: fake.calls[0], calls: fake.calls };
}

test("flags, their short forms and other programs' names for them", async () => {
  const { asked, code } = await call([
    ...["generate", "a girl", "-n", "text", "-W", "832", "-H", "1216", "-s", "20", "--cfg-scale", "6.5"],
    ...["--sampler_name", "DPM++ 2M Karras", "--seed", "-1", "--clip_skip", "3", "--grid", "--batch-count", "2"],
    ...["--zero_snr", "comfyui", "--negative-crop-top", "16", "-m", "x.safetensors"],
  ]);
  expect(code).toBe(0);
  expect(asked).toEqual({
    prompt: "a girl",
    negativePrompt: "text",
    width: 832,
    height: 1216,
    steps: 20,
    cfg: 6.5,
    sampler: "DPM++ 2M Karras",
    schedule: "karras",
    seed: -1,
    clipSkip: 3,
    grid: true,
    count: 2,
    zeroSnr: "comfyui",
    negativeCropTop: 16,
    model: "x.safetensors",
    outDir: "outputs/2025-03-22",
  });
});

test("a prompt may be several words, a flag, or empty", async () => {
  expect((await call(["generate", "1girl,", "red", "hair"])).asked?.prompt).toBe("1girl, red hair");
  expect((await call(["generate", "-p", "x"])).asked?.prompt).toBe("x");
  expect((await call(["generate", "-p", ""])).asked?.prompt).toBe("");
  expect((await call(["generate", "--", "-1girl"])).asked?.prompt).toBe("-1girl");
});

test("without --model: ILLUSTRIOUS_MODEL, else the shipped model", async () => {
  expect((await call(["generate", "x"])).asked).toMatchObject({ model: shippedModels()[0]!.name });
  const named = (await call(["generate", "x"], { env: { ILLUSTRIOUS_MODEL: "mine.safetensors" } })).asked;
  expect(named).toEqual({ prompt: "x", model: "mine.safetensors", outDir: "outputs/2025-03-22" });
});

test("every option that is wrong is told at once, with what was given and what may be", async () => {
  const { code, err, out, calls } = await call([
    ...["generate", "x", "--steps", "0", "-W", "1000", "-H", "1001", "--cfg", "lots", "--noise", "gpu", "--shift", "0"],
    ...["-c", "1.5", "--memory", "-1", "--cfg-rescale", "1.2", "--threads", "0x10", "--model", "", "--seed", "1e300"],
  ]);
  expect({ code, out, calls }).toEqual({ code: 2, out: "", calls: [] });
  expect(err).toMatchInlineSnapshot(`
    "error: --model "": must be a text of at least one character
    error: --height 1001: must be a multiple of 8 from 64 to 2048, such as 1000 or 1008
    error: --steps 0: must be a whole number from 1 to 999
    error: --cfg lots: must be a number from 0 to 100
    error: --cfg-rescale 1.2: must be a number from 0 to 1
    error: --seed 1e300: must be a whole number from -1 to 9007199254740991
    error: --count 1.5: must be a whole number from 1 to 10000
    error: --noise gpu: must be cpu or nv
    error: --shift 0: must be a number above 0 and at most 100
    error: --threads 0x10: must be a whole number from 1 to 1024
    error: --memory -1: must be a number above 0
      All options: illustrious generate --help
    "
  `);
});

test("names, and options that do not go together, are told with the rest", async () => {
  const { code, err, calls } = await call([
    ...[
      "generate",
      "x",
      "--sampler",
      "eulr",
      "--scheduler",
      "turbo",
      "--cfg-from",
      "5",
      "--cfg-to",
      "2",
      "--steps",
      "1000",
    ],
    ...["--seed", "9007199254740991", "-c", "2", "--out-dir", join(folder, "new")],
  ]);
  expect({ code, calls }).toEqual({ code: 2, calls: [] });
  expect(err).toMatchInlineSnapshot(`
    "error: --steps 1000: must be a whole number from 1 to 999
    error: --sampler eulr: unknown; did you mean euler?
    error: --scheduler turbo: unknown; schedules are normal, sgm_uniform, simple, ddim_uniform, karras, exponential, beta, beta_forge, kl_optimal, ays, trailing, leading, linspace
    error: --cfg-to 2: guidance would begin above 5, so no sigma is left for it
    error: --seed 9007199254740991: the last of 2 pictures would have a seed above 9007199254740991
      All options: illustrious generate --help
    "
  `);
  expect(
    await call(["generate", "x", "--cfg-from", "5", "--cfg-to", "5.1", "-o", join(folder, "a.png")]),
  ).toMatchObject({
    code: 0,
  });
});

test("--json: what the command line does not understand is JSON as well", async () => {
  const wrong = async (...argv: string[]) => JSON.parse((await call([...argv, "--json"])).out) as unknown;
  expect(await wrong("generate", "x", "--stepz", "3")).toEqual({
    type: "error",
    code: "bad_option",
    message: "unknown option '--stepz'",
    hint: "Did you mean --steps?",
  });
  expect(await wrong("inspect")).toEqual({
    type: "error",
    code: "bad_option",
    message: "missing required argument 'path'",
  });
  expect(await wrong("generate", "x", "--steps", "0")).toMatchObject({ code: "bad_option" });
  expect((await call(["generate", "x", "--stepz", "3", "--json"])).code).toBe(2);
});

test("--json with a file is no wish for lines of JSON", async () => {
  const file = join(folder, "r.json");
  for (const wrong of [["--seeds", "0"], ["--stepz"]]) {
    const { code, out, err } = await call(["evaluate", "x", "--json", file, ...wrong]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch("error: ");
  }
});

test.each([
  [["generate", "x", "--stepz", "3"], "error: unknown option '--stepz'\n(Did you mean --steps?)\n"],
  [["generate", "x", "--steps"], "error: option '-s, --steps <n>' argument missing\n"],
  [["genrate", "x"], "error: unknown command 'genrate'\n(Did you mean generate?)\n"],
  [["inspect"], "error: missing required argument 'path'\n"],
  [
    ["generate", "x", "--cfg", "3", "--cfg-scale", "4"],
    "error: --cfg and --cfg-scale are the same option\n  Give --cfg once.\n",
  ],
  [["generate", "x", "-p", "y"], "error: the prompt is given twice, with and without --prompt\n"],
  [
    ["generate"],
    'error: no prompt is given\n  Such as: illustrious generate "1girl, red hair". For none at all: -p ""\n',
  ],
  [
    ["generate", "x", "-o", "a.png", "-c", "2"],
    "error: --out names one file, and --count asks for 2 pictures\n  Use --out-dir.\n",
  ],
  [
    ["generate", "x", "-o", "a.png", "--grid"],
    "error: --grid makes a sheet of several pictures, and --out names the file of one\n  Use --out-dir.\n",
  ],
  [
    ["generate", "x", "-o", "a.png", "--out-dir", "b"],
    "error: --out a.png and --out-dir b both say where the one picture goes\n  Leave one out, or put the folder into the file's name.\n",
  ],
  [
    ["generate", "-f", "a.png", "--from", "b.png"],
    "error: --from is given twice, a.png and b.png\n  Options are taken from one picture.\n",
  ],
  [
    ["generate", "x", "-o", "a.jpg"],
    "error: --out a.jpg: must end in .png\n  Pictures are PNG files. For a folder, use --out-dir.\n",
  ],
  [
    ["generate", "x", "--preview-to", "a.gif"],
    "error: --preview-to a.gif: must end in .png\n  Previews are PNG files.\n",
  ],
])("called wrongly: %j", async (argv, words) => {
  expect(await call(argv)).toMatchObject({ code: 2, out: "", err: words, calls: [] });
});

test("help and version cost no model and go to stdout", async () => {
  for (const argv of [[], ["--help"], ["-h"], ["help"]]) {
    const { code, out, err } = await call(argv);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("illustrious generate");
    expect(out).toContain("Exit codes: 0 done, 1 failed, 2 called wrongly, 130 stopped by Ctrl-C");
  }
  expect(await call(["--version"])).toMatchObject({ code: 0, out: "1.2.3\n", err: "" });
  for (const argv of [
    ["generate", "--help"],
    ["help", "generate"],
  ]) {
    const { out } = await call(argv);
    for (const heading of ["Picture:", "Sampling:", "Conditioning:", "Model:", "Output:", "Examples:"])
      expect(out).toContain(heading);
    expect(out).toContain("[default: 28]");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  }
});

test("--out writes the one picture where it is said, with its folder", async () => {
  const path = join(folder, "new/city.png");
  const { code, out, asked } = await call(["generate", "x", "-o", path, "-q"]);
  expect({ code, out }).toEqual({ code: 0, out: `${path}\n` });
  expect(asked).not.toHaveProperty("outDir");
  expect((await readFile(path)).subarray(1, 4).toString()).toBe("PNG");
  expect(await readdir(join(folder, "new"))).toEqual(["city.png"]);
});

test("places where nothing can be written are told before the work, without a stack", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  await mkdir(join(folder, "dir.png"));
  for (const flag of ["-o", "--preview-to"]) {
    for (const [place, words] of [
      ["file/x.png", `(${file} is a file)\n  Choose another folder, or rename that file.\n`],
      ["dir.png", "(it is a folder)\n  Name a file in it.\n"],
    ]) {
      const path = join(folder, place!);
      const { code, err, calls } = await call(["generate", "x", flag, path]);
      expect({ code, calls }).toEqual({ code: 1, calls: [] });
      expect(err).toContain("cannot be written (");
      expect(err.endsWith(words!)).toBe(true);
      expect(err).not.toContain("    at ");
    }
  }
});

test("--preview-to asks for previews and keeps one whole file", async () => {
  const path = join(folder, "p.png");
  const first = await call(["generate", "x", "--preview-to", path]);
  expect(first.asked).toMatchObject({ preview: 1 });
  expect((await readFile(path)).subarray(1, 4).toString()).toBe("PNG");
  expect(await readdir(folder)).toEqual(["p.png"]);
  expect((await call(["generate", "x", "--preview-to", path, "--preview-every", "5"])).asked).toMatchObject({
    preview: 5,
  });
});

test("previews that no one could see are said to be so", async () => {
  const { err } = await call(["generate", "x", "--preview-every", "1"]);
  expect(err).toContain(
    "warning: previews are shown in a terminal with colours, which this is not\n  Write them to a file",
  );
});

test("an error of the task: words and code", async () => {
  const failing = (error: Error): GenerateTask =>
    async function* () {
      yield { type: "stage", stage: "open", message: "opening" };
      throw error;
    };
  const own = new IllustriousError("missing_file", "x.safetensors: \x1b[31mno such file", "Check the path.");
  expect(await call(["generate", "x", "-q"], {}, failing(own))).toMatchObject({
    code: 1,
    out: "",
    err: "error: x.safetensors: \\x1b[31mno such file\n  Check the path.\n",
  });
  const usage = new IllustriousError("bad_option", 'unknown sampler "x"', "Samplers: euler.");
  expect(await call(["generate", "x", "-q"], {}, failing(usage))).toMatchObject({ code: 2 });
  const json = await call(["generate", "x", "--json"], {}, failing(own));
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out.trim().split("\n").at(-1)!)).toEqual({
    type: "error",
    code: "missing_file",
    message: "x.safetensors: \x1b[31mno such file",
    hint: "Check the path.",
  });
  const bug = await call(["generate", "x", "-q"], {}, failing(new TypeError("undefined is not a function")));
  expect(bug.code).toBe(1);
  expect(bug.err).toMatch(/^error: undefined is not a function\nTypeError: .*\n\s+at /);
});

test("--json: each event a line, pictures as paths, nothing that JSON does not have", async () => {
  const { out, err, code } = await call(["generate", "x", "--json", "-s", "2", "--seed", "7", "--out-dir", "o"]);
  expect(code).toBe(0);
  expect(err).toBe("");
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ type }) => type)).toEqual(["stage", "settings", "step", "step", "picture", "done"]);
  expect(lines[1]).toMatchObject({ settings: { sigmas: ["Infinity", 4, 2, 1, 0] } });
  expect(lines[2]).toEqual({
    type: "step",
    batch: 0,
    batches: 1,
    step: 1,
    steps: 2,
    done: 1,
    total: 2,
    sigma: "Infinity",
    seconds: 2,
  });
  expect(lines[4]).toEqual({
    type: "picture",
    index: 0,
    seed: 7,
    width: 64,
    height: 64,
    path: "o/00000-7.png",
    infotext: expect.any(String),
  });
});

test.each([
  [["--out-dir", ""], '--out-dir "": must be a text of at least one character'],
  [["--model", ""], '--model "": must be a text of at least one character'],
  [["--vae", ""], '--vae "": must be a text of at least one character'],
  [["-o", ""], '--out "": must end in .png'],
  [["--preview-to", ""], '--preview-to "": must end in .png'],
  [["--from", ""], '--from "": must be a picture'],
])("nothing where a name is wanted: %j", async (flags, message) => {
  const { code, err, calls } = await call(["generate", "x", ...flags]);
  expect({ code, calls }).toEqual({ code: 2, calls: [] });
  expect(err).toMatch(`error: ${message}\n  `);
});

test("picture and previews in one file, however it is named", async () => {
  const path = join(folder, "same.png");
  await symlink("same.png", join(folder, "link.png"));
  for (const other of [path, join(folder, "x/../same.png"), join(folder, "link.png")]) {
    const { code, err, calls } = await call(["generate", "x", "-o", path, "--preview-to", other]);
    expect({ code, calls }).toEqual({ code: 2, calls: [] });
    expect(err).toContain(`--out and --preview-to are the same file, ${path}`);
  }
});

test("a picture goes through a link to its target, and the link stays", async () => {
  await symlink("target.png", join(folder, "link.png"));
  const { code, out } = await call(["generate", "x", "-o", join(folder, "link.png")]);
  expect({ code, out }).toEqual({ code: 0, out: `${join(folder, "link.png")}\n` });
  expect((await lstat(join(folder, "link.png"))).isSymbolicLink()).toBe(true);
  expect((await lstat(join(folder, "target.png"))).isFile()).toBe(true);
});
