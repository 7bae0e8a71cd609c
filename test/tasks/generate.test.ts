/** @file `generate` as a program uses it: the engine's process, real pictures, stops and kills at any moment. */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { createEngine, type GenerateEvent, type GenerateInput, generate } from "../../src/index.ts";

const bootstrap = join(import.meta.dirname, "../fixtures/nano-bootstrap");
const cases: { prompt: string; seed: number }[] = JSON.parse(
  await readFile(join(bootstrap, "expected/expected.json"), "utf8"),
);
const nano = { model: bootstrap, sampler: "ddim", schedule: "trailing", steps: 10, cfg: 4 };

// The sources are TypeScript, which the engine's Node does not read.
const ENTRY = new URL("../../dist/tasks/engine-main.js", import.meta.url);
const engine = createEngine(ENTRY);
afterAll(() => engine.close());

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "illustrious-generate-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function eventsOf(input: GenerateInput): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = [];
  for await (const event of generate(input, { engine })) events.push(event);
  return events;
}

type Picture = Extract<GenerateEvent, { type: "picture" }>;
const picturesIn = (events: readonly GenerateEvent[]) => events.filter((e): e is Picture => e.type === "picture");

async function psnr(png: Uint8Array, expected: string): Promise<number> {
  const read = (input: Uint8Array | string) => sharp(input).removeAlpha().raw().toBuffer();
  const [a, b] = await Promise.all([read(png), read(join(bootstrap, "expected", expected))]);
  expect(a.length).toBe(b.length);
  const square = a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length;
  return 10 * Math.log10(255 ** 2 / square);
}

test("a batch of pictures: each is its seed's, whatever the batch", async () => {
  const { prompt, seed } = cases[0]!;
  const events = await eventsOf({ ...nano, prompt, seed: seed - 1, count: 3, batch: 2, outDir: folder, grid: true });
  const kinds = [...new Set(events.map((e) => e.type))];
  expect(kinds).toEqual(["stage", "settings", "step", "picture", "grid", "done"]);
  const pictures = picturesIn(events);
  expect(pictures.map((p) => p.seed)).toEqual([0, 1, 2]);
  // The bound of the checkpoint's README; the second of the batch has the seed of the expected picture.
  expect(await psnr(pictures[1]!.png, "0.png")).toBeGreaterThan(45);
  expect(await readdir(folder)).toEqual(["00000-0.png", "00001-1.png", "00002-2.png", "grid-00003.png"]);
  for (const { path, png } of pictures) expect(new Uint8Array(await readFile(path!))).toEqual(png);
});

test("euler on the same noise levels is ddim, and a preview shows the same colours", async () => {
  const { prompt, seed } = cases[2]!;
  const events = await eventsOf({ ...nano, sampler: "euler", prompt, seed, preview: 10 });
  const [picture] = picturesIn(events);
  expect(await psnr(picture!.png, "2.png")).toBeGreaterThan(45);
  const preview = events.flatMap((e) => (e.type === "step" ? (e.previews ?? []) : []));
  expect(preview).toHaveLength(1);
  const small = await sharp(picture!.image.rgb, { raw: { width: 128, height: 128, channels: 3 } })
    .resize(16, 16)
    .raw()
    .toBuffer();
  const difference = preview[0]!.rgb.reduce((sum, v, i) => sum + Math.abs(v - small[i]!), 0) / small.length;
  // Linear in the latents, so soft, but not another picture: 255 levels, and unrelated pictures differ by 60 and more.
  expect(difference).toBeLessThan(30);
});

test("prompt editing changes the prompt on the way; AND joins two", async () => {
  const base = { ...nano, seed: 3, steps: 10 };
  const bytes = async (prompt: string) => (picturesIn(await eventsOf({ ...base, prompt }))[0] as Picture).image.rgb;
  const [plain, edited, never, joined] = [
    await bytes("1girl, solo, red hair"),
    await bytes("1girl, solo, [red hair:blue hair:0.5]"),
    await bytes("1girl, solo, [red hair:blue hair:10]"),
    await bytes("1girl, solo, red hair AND 1girl, solo, red hair :0"),
  ];
  expect(edited).not.toEqual(plain);
  expect(never).toEqual(plain);
  const difference = joined.reduce((sum, v, i) => sum + Math.abs(v - plain[i]!), 0) / plain.length;
  // A part of weight 0 adds nothing but rounding.
  expect(difference).toBeLessThan(0.1);
});

test("a prompt of three chunks and a negative of one run together", async () => {
  const prompt = Array.from({ length: 60 }, () => "blue hair, smile").join(", ");
  const events = await eventsOf({ ...nano, prompt, seed: 1, steps: 2 });
  const settings = events.find((e) => e.type === "settings");
  expect(settings?.settings.chunks).toBe(Math.ceil((60 * 5 - 1) / 75));
  expect(picturesIn(events)).toHaveLength(1);
});

test.each<[string, Partial<GenerateInput>, object]>([
  [
    "a size that is no multiple of 8",
    { width: 100 },
    { code: "bad_option", message: expect.stringContaining("width: 100") },
  ],
  [
    "a sampler and a schedule that are not there",
    { sampler: "eulr", schedule: "turbo" },
    {
      code: "bad_option",
      message: expect.stringMatching(/^sampler: "eulr": unknown; did you mean euler\?; schedule: "turbo": unknown; /),
    },
  ],
  ["a model that is not there", { model: "/nowhere.safetensors" }, { code: "missing_file" }],
  ["eps with zero SNR", { prediction: "eps", zeroSnr: "exact" }, { code: "unsupported" }],
  ["too little memory", { memory: 0.1 }, { code: "not_enough_memory", message: expect.stringContaining("GiB") }],
])("%s is refused before any step", async (_name, options, error) => {
  await expect(eventsOf({ ...nano, ...options, outDir: folder })).rejects.toMatchObject(error);
  expect(await readdir(folder)).toEqual([]);
});

test.each<[string, (folder: string) => Partial<GenerateInput>, object]>([
  [
    "a model of no known name",
    () => ({ model: "nobody" }),
    { code: "missing_file", message: 'no model "nobody" is found' },
  ],
  ["a folder inside a file", (folder) => ({ outDir: join(folder, "file/x") }), { code: "write_failed" }],
  [
    "options that are not there",
    () => ({ cfgscale: 3, negative_prompt: "text", foo: 1 }) as object,
    {
      code: "bad_option",
      message:
        "cfgscale: no such option; did you mean cfg?; " +
        "negative_prompt: no such option; did you mean negativePrompt?; foo: no such option",
    },
  ],
  ["a value out of range", () => ({ steps: 0 }), { code: "bad_option" }],
])("%s is refused before the engine starts", async (_name, options, error) => {
  await writeFile(join(folder, "file"), "");
  const idle = createEngine(ENTRY);
  const run = generate({ ...nano, ...options(folder) }, { engine: idle });
  await expect(run.next()).rejects.toMatchObject(error);
  expect(idle.pid).toBeUndefined();
});

const circle: { inside?: unknown } = {};
circle.inside = circle;

test.each<[string, unknown, string]>([
  ["seed", 5n, "seed: 5n: "],
  ["cfg", Number.NaN, "cfg: NaN: "],
  ["prompt", circle, "prompt: <ref *1> { inside: [Circular *1] }: "],
  ["prompt", () => "", "prompt: [Function (anonymous)]: "],
])("a value that JSON does not hold is refused by name: %s", async (name, value, message) => {
  await expect(generate({ ...nano, [name]: value }).next()).rejects.toMatchObject({
    code: "bad_option",
    message: expect.stringContaining(message),
  });
});

test("what is no object in the options' or the control's place is refused by name", async () => {
  const refused = (message: string) => ({ code: "bad_option", message: expect.stringContaining(message) });
  await expect(generate(null as never).next()).rejects.toMatchObject(refused("options: null: "));
  await expect(generate(nano, null as never).next()).rejects.toMatchObject(refused("control: null: must be an object"));
});

test("Karras on zero SNR works on the stand-in and warns", async () => {
  const events = await eventsOf({ ...nano, schedule: "karras", prompt: "1girl", seed: 1 });
  expect(picturesIn(events)).toHaveLength(1);
  const warnings = events.flatMap((e) => (e.type === "warning" ? [e.message] : []));
  expect(warnings.join("\n")).toMatch(/karras/);
});

test("a v model of which nothing says whether it has zero SNR: a warning, unless it is stated", async () => {
  // The scheduler is what says it of this model. The name is the folder's, however it is called.
  const model = join(folder, "unmarked");
  const filter = (source: string) => !/scheduler|expected/.test(relative(bootstrap, source));
  await cp(bootstrap, model, { recursive: true, filter });
  const about = async (options: Partial<GenerateInput>) => {
    const events = await eventsOf({ ...nano, model: `${model}/.`, prediction: "v", steps: 1, seed: 1, ...options });
    const settings = events.find((e) => e.type === "settings")!.settings;
    return { settings, warnings: events.flatMap((e) => (e.type === "warning" ? [e.message] : [])) };
  };
  const unknown = await about({});
  expect(unknown.warnings).toContainEqual(expect.stringMatching(/nothing says whether .* zero terminal SNR/));
  expect(unknown.settings).toMatchObject({ model: "unmarked", prediction: "v", zeroSnr: "off", confidence: "certain" });
  for (const zeroSnr of ["off", "exact"] as const)
    expect((await about({ zeroSnr })).warnings.filter((message) => /nothing says/.test(message))).toEqual([]);
});

test("relative paths mean the folder in which the program is, and are told as they are given", async () => {
  const here = process.cwd();
  try {
    for (const name of ["one", "other"]) {
      await mkdir(join(folder, name));
      process.chdir(join(folder, name));
      const events = await eventsOf({ ...nano, prompt: "1girl", seed: 1, steps: 1, outDir: "pictures" });
      expect(picturesIn(events)[0]!.path).toBe("pictures/00000-1.png");
      expect(await readdir(join(folder, name, "pictures"))).toEqual(["00000-1.png"]);
    }
  } finally {
    process.chdir(here);
  }
});

test("an abort leaves whole files or none, and the engine takes the next job", async () => {
  const abort = new AbortController();
  const run = async () => {
    const input = { ...nano, prompt: "1girl", seed: 1, count: 50, outDir: folder };
    for await (const event of generate(input, { engine, signal: abort.signal })) {
      if (event.type === "step" && event.done === 25) abort.abort();
    }
  };
  await expect(run()).rejects.toMatchObject({ code: "cancelled" });
  const names = await readdir(folder);
  expect(names.every((name) => /^\d{5}-\d+\.png$/.test(name))).toBe(true);
  expect(names.length).toBeLessThan(50);
  for (const name of names) await expect(sharp(join(folder, name)).stats()).resolves.toBeDefined();
  expect(picturesIn(await eventsOf({ ...nano, prompt: "1girl", seed: 1, steps: 1 }))).toHaveLength(1);
});

// Eight engines start and load a model: seconds each on a busy machine.
test("an engine killed while it writes pictures leaves none torn", { timeout: 300_000 }, async () => {
  for (let round = 0; round < 8; round++) {
    const victim = createEngine(ENTRY);
    // Killed at another moment each time, from the first picture on.
    let pictures = 0;
    const run = async () => {
      const input = { ...nano, prompt: "1girl", seed: 1, steps: 1, count: 1000, outDir: folder };
      for await (const event of generate(input, { engine: victim })) {
        if (event.type !== "picture" || ++pictures < 2) continue;
        setTimeout(() => victim.pid && process.kill(victim.pid, "SIGKILL"), round * 4);
      }
    };
    await expect(run()).rejects.toMatchObject({ code: "engine_failed" });
  }
  const names = (await readdir(folder)).filter((name) => name.endsWith(".png"));
  expect(names.length).toBeGreaterThanOrEqual(16);
  for (const name of names) {
    const { channels } = await sharp(join(folder, name), { failOn: "warning" }).stats();
    expect(channels).toHaveLength(3);
  }
});

test.each([
  ["128 × 128 pixels", { width: 128, height: 128, steps: 2 }],
  ["256 × 256 pixels", { width: 256, height: 256, steps: 2 }],
  ["384 × 512 pixels", { width: 384, height: 512, steps: 2 }],
  ["two pictures, one after the other", { width: 512, height: 512, steps: 1, count: 2 }],
  ["four pictures at once", { width: 384, height: 384, steps: 1, count: 4, batch: 4 }],
  ["tiles", { width: 1536, height: 512, steps: 1 }],
])(
  "the memory estimate for %s is close to what a fresh engine takes",
  async (_, options) => {
    const fresh = createEngine(ENTRY);
    let estimate = 0;
    let peak = 0;
    for await (const event of generate({ ...nano, prompt: "1girl", seed: 1, ...options }, { engine: fresh })) {
      if (event.type === "settings") estimate = event.memoryBytes;
      if (event.type === "done") peak = event.peakBytes;
    }
    await fresh.close();
    // Within 15 %: at most 9 % where this was written; the rest is what another processor's kernels may differ by.
    expect(Math.abs(estimate / peak - 1)).toBeLessThan(0.15);
  },
  60_000,
);
