/** @file `--from`: what a picture says is asked for again, what is given beside it wins, what is left out is told. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fakeGenerate } from "../../test/cli/fake-generate.ts";
import { fakeShell } from "../../test/cli/fake-shell.ts";
import { exifBlock } from "../../test/fixtures/formats/exif-block.ts";
import { encodePng, type PngText } from "../formats/png/index.ts";
import { optionsFromPicture, otherFileWarnings } from "../tasks/from-picture.ts";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import { run } from "./program.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "from-"));
  await mkdir(join(folder, "models/sdxl"), { recursive: true });
  await mkdir(join(folder, "vae"));
  await writeFile(join(folder, "models/sdxl/noob.safetensors"), "");
  await writeFile(join(folder, "vae/sdxl_vae.safetensors"), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const env = () => ({ ILLUSTRIOUS_MODELS: `${join(folder, "models")}${delimiter}${join(folder, "vae")}` });

async function picture(name: string, ...texts: PngText[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, texts));
  return path;
}

async function generate(...argv: string[]) {
  const shell = fakeShell({ env: env() });
  const { task, calls } = fakeGenerate();
  const code = await run(["generate", ...argv], shell, { generate: task }, "0");
  return { code, err: shell.stderr.text, asked: calls[0] };
}

const OWN = {
  model: "noob.safetensors",
  vae: "sdxl_vae",
  prompt: "1girl",
  negativePrompt: "text",
  width: 832,
  height: 1216,
  steps: 20,
  cfg: 6,
  sampler: "euler",
  schedule: "simple",
  seed: 42,
  prediction: "v",
  zeroSnr: "exact",
  cfgRescale: 0.3,
};
const own = (hash = "0123456789"): PngText => [
  "parameters",
  `1girl\nSteps: 20, Seed: 42, Size: 832x1216, Model hash: ${hash}, Illustrious: ${JSON.stringify(JSON.stringify(OWN))}`,
];

test("our own picture, all of it, with its files found by name", async () => {
  const { code, asked, err } = await generate("--from", await picture("own.png", own()));
  expect(code).toBe(0);
  expect(asked).toEqual({
    ...OWN,
    model: join(folder, "models/sdxl/noob.safetensors"),
    vae: join(folder, "vae/sdxl_vae.safetensors"),
    outDir: "outputs/2025-03-22",
  });
  expect(err).not.toContain("warning");
});

test("flags beside it win, a prompt too", async () => {
  const path = await picture("own.png", own());
  const { asked } = await generate("2girls", "-f", path, "--seed", "7", "--steps", "9", "-c", "3");
  expect(asked).toMatchObject({ prompt: "2girls", seed: 7, steps: 9, count: 3, cfg: 6 });
});

test("another model brings its own prediction type", async () => {
  const path = await picture("own.png", own());
  const { asked } = await generate("--from", path, "-m", "other.safetensors");
  expect(asked).toMatchObject({ model: "other.safetensors", seed: 42, cfgRescale: 0.3 });
  for (const name of ["prediction", "zeroSnr", "vae"]) expect(asked).not.toHaveProperty(name);
  const stated = await generate("--from", path, "-m", "other.safetensors", "--prediction", "eps");
  expect(stated.asked).toMatchObject({ prediction: "eps" });
});

test("how it was decoded was right for its size, and is left out with another", async () => {
  const json = JSON.stringify(JSON.stringify({ ...OWN, vaeTile: "off" }));
  const text = `1girl\nSteps: 20, Seed: 42, Size: 832x1216, Illustrious: ${json}`;
  const path = await picture("untiled.png", ["parameters", text]);
  expect((await generate("--from", path)).asked).toMatchObject({ vaeTile: "off" });
  const larger = (await generate("--from", path, "-W", "2048")).asked;
  expect(larger).toMatchObject({ width: 2048, height: 1216 });
  expect(larger).not.toHaveProperty("vaeTile");
});

test("the same model somewhere else keeps what belongs to it, and is checked", async () => {
  const { asked, err } = await generate(
    "--from",
    await picture("own.png", own("ffffffffff")),
    "-m",
    "else/noob.safetensors",
  );
  expect(asked).toMatchObject({ model: "else/noob.safetensors", prediction: "v", zeroSnr: "exact" });
  expect(asked).toHaveProperty("vae", join(folder, "vae/sdxl_vae.safetensors"));
  expect(err).toContain("hash ffffffffff, this one has 0123456789");
});

test("a model that is not here is named, with the way out", async () => {
  const text = "x\nSteps: 20, Seed: 4, Size: 64x64, Model hash: abcdef0123, Model: elsewhere";
  const { code, err, asked } = await generate("--from", await picture("gone.png", ["parameters", text]));
  expect({ code, asked }).toEqual({ code: 1, asked: undefined });
  expect(err).toMatch(
    /gone\.png was made with the model elsewhere \(hash abcdef0123\), which is not found here\n {2}Say where/,
  );
});

test("what is not honoured is told before the work begins", async () => {
  const text = "x\nSteps: 20, Sampler: Restart, Seed: 4, Size: 64x64, Model: noob, VAE: gone.pt, ENSD: 31337";
  const { err, asked } = await generate("--from", await picture("a1111.png", ["parameters", text]));
  expect(asked).toMatchObject({ steps: 20, seed: 4, noise: "nv", model: join(folder, "models/sdxl/noob.safetensors") });
  expect(err.split("\n").slice(0, 2)).toEqual([
    "warning: Not honoured: Sampler: Restart, ENSD: 31337.",
    "warning: Its VAE gone.pt is not found here; the checkpoint's own is used. Say where it is with --vae.",
  ]);
});

test("Civitai's pictures name files as the site does, and no model: both are told", async () => {
  const lora = '{"type":"lora","weight":0.7,"modelVersionId":2,"modelName":"Style, [soft]","modelVersionName":"v1"}';
  const resources = `[{"type":"checkpoint","modelVersionId":1,"modelName":"Ill","modelVersionName":"2.0"},${lora}]`;
  const text = `x\nSteps: 20, Seed: 4, Civitai resources: ${resources}, Civitai metadata: {"a":1,"b":2}, ENSD: 3`;
  const { err, asked } = await generate("--from", await picture("civitai.png", ["parameters", text]));
  expect(asked?.model).toMatch(/^nano-/);
  expect(err.split("\n").slice(0, 3)).toEqual([
    "warning: Civitai made it with checkpoint Ill 2.0, lora Style, [soft] v1 (weight 0.7); to use them, say where they are with --model and --lora.",
    "warning: Not honoured: ENSD: 3.",
    `warning: The picture names no model; ${asked?.model} is used. Another: --model.`,
  ]);
  const broken = await picture("cut.png", ["parameters", "x\nSteps: 20, Seed: 4, Civitai resources: [{, ENSD: 3"]);
  expect((await generate("--from", broken)).err).toContain("Not honoured: Civitai resources: [{, ENSD: 3.");
});

test("another file under the model's name is noticed by its hash", async () => {
  // The fake pictures say 0123456789.
  expect((await generate("--from", await picture("same.png", own()))).err).not.toContain("another model file");
  const { err } = await generate("--from", await picture("other.png", own("ffffffffff")));
  expect(err).toContain("made with another model file of this name (hash ffffffffff, this one has 0123456789)");
});

test("JPEG and WebP have the same texts in EXIF, or say nothing", async () => {
  const { default: sharp } = await import("sharp");
  const pixel = sharp({ create: { width: 2, height: 1, channels: 3, background: "red" } });
  const bare = await pixel.jpeg().toBuffer();
  const block = exifBlock(false, "UNICODE\0", Buffer.from("x\nSteps: 9, Seed: 4, Model: noob", "utf16le").swap16());
  const marker = Buffer.from([0xff, 0xe1, 0, block.length + 2]);
  const jpeg = join(folder, "a1111.png");
  await writeFile(jpeg, Buffer.concat([bare.subarray(0, 2), marker, block, bare.subarray(2)]));
  expect((await generate("--from", jpeg)).asked).toMatchObject({ prompt: "x", steps: 9, seed: 4, noise: "nv" });
  const graph = JSON.stringify({ 3: { class_type: "KSampler", inputs: { seed: 7 } } });
  const webp = join(folder, "comfyui.webp");
  await writeFile(
    webp,
    await pixel
      .webp()
      .withExif({ IFD0: { Model: `prompt:${graph}` } })
      .toBuffer(),
  );
  expect((await generate("y", "--from", webp)).asked).toMatchObject({ prompt: "y", seed: 7, noise: "cpu" });
  await writeFile(jpeg, bare);
  const { code, err } = await generate("--from", jpeg);
  expect({ code, err }).toEqual({
    code: 2,
    err: expect.stringContaining("a1111.png has none that is read here: The picture does not say how it was made."),
  });
  await writeFile(jpeg, bare.subarray(0, 20));
  expect((await generate("--from", jpeg)).err).toContain("a1111.png: not a whole JPEG file");
});

test("no PNG, and no text in it", async () => {
  await writeFile(join(folder, "text.png"), "hello");
  expect(await generate("--from", join(folder, "text.png"))).toMatchObject({
    code: 1,
    err: expect.stringContaining("text.png: not a whole PNG file"),
  });
  expect(await generate("--from", await picture("bare.png"))).toMatchObject({
    code: 2,
    err: expect.stringContaining("no prompt is given"),
  });
  const { err, asked } = await generate("x", "--from", await picture("bare.png"), "-m", "m");
  expect(err).toContain("warning: The picture does not say how it was made.");
  expect(asked).toMatchObject({ prompt: "x", model: "m" });
});

test("where a record has no prompt that can be read, the error says why", async () => {
  const graph = {
    3: { class_type: "KSampler", inputs: { seed: 7, positive: ["6", 0] } },
    6: { class_type: "CLIPTextEncode", inputs: { text: ["7", 0] } },
    7: { class_type: "PromptMaker", inputs: { topic: "cats" } },
  };
  const path = await picture("computed.png", ["prompt", JSON.stringify(graph)]);
  const { code, err, asked } = await generate("--from", path);
  expect({ code, asked }).toEqual({ code: 2, asked: undefined });
  expect(err).toContain(`error: no prompt is given, and ${path} has none that is read here: Not read from its graph`);
  expect(err).toMatch(/taken: checkpoint, prompt, .* Such as: illustrious generate/s);
  expect((await generate("y", "--from", path)).asked).toMatchObject({ prompt: "y", seed: 7 });
  const novel = await picture("novel.png", ["Comment", "{}"]);
  expect((await generate("--from", novel)).err).toContain('it has NovelAI\'s record "Comment"');
});

test("a prompt alone is taken", async () => {
  const { asked, err } = await generate("--from", await picture("words.png", ["parameters", "1girl, night"]));
  expect(asked).toMatchObject({ prompt: "1girl, night" });
  expect(err).toContain("warning: Its text is a prompt without settings");
  expect(err).toContain("warning: The picture names no model;");
});

test("a diffusers VAE is found by its model's name: next to the picture, the model, or in a model folder", async () => {
  const json = (vae: string) => JSON.stringify(JSON.stringify({ ...OWN, vae }));
  const text = (vae: string) =>
    `1girl\nSteps: 20, Seed: 42, Size: 832x1216, VAE hash: ffffffffff, Illustrious: ${json(vae)}`;
  for (const name of ["beside/vae", "models/sdxl/mine/vae", "models/known/vae"])
    await mkdir(join(folder, name), { recursive: true });
  for (const [vae, path] of [
    ["beside/vae", "beside/vae"],
    ["mine/vae", "models/sdxl/mine/vae"],
    ["known/vae", "models/known/vae"],
  ] as const) {
    const { asked, err } = await generate("--from", await picture("vae.png", ["parameters", text(vae)]));
    expect(asked).toHaveProperty("vae", join(folder, path));
    expect(err).not.toContain("not found");
  }
  // Whatever leads elsewhere is a name and no more, which `models/known` happens to have.
  for (const vae of ["./beside/vae", "/beside/vae", "beside/../vae", "../beside/vae"]) {
    const { asked } = await generate("--from", await picture("vae.png", ["parameters", text(vae)]));
    expect(asked).toHaveProperty("vae", join(folder, "models/known/vae"));
  }
});

test("another file under the VAE's name is noticed by its hash", () => {
  const event = { type: "picture", index: 0, infotext: "x\nSteps: 1, VAE hash: 0123456789, Seed: 1" } as GenerateEvent;
  expect(otherFileWarnings(event, { modelHash: undefined, vaeHash: "0123456789" })).toEqual([]);
  expect(otherFileWarnings(event, { modelHash: undefined, vaeHash: "ffffffffff" })).toEqual([
    "the picture was made with another VAE file of this name (hash ffffffffff, this one has 0123456789)",
  ]);
});

test("another file under a LoRA's name is noticed by its hash", async () => {
  const text = (ink: string) => `x\nSteps: 1, Lora hashes: "a, b: 0123456789ab, ink: ${ink}", Model: known`;
  const { loraHashes } = await optionsFromPicture(await picture("ink.png", ["parameters", text("cccccccccccc")]), {
    model: "other",
  });
  const event = (ink: string) => ({ type: "picture", index: 0, infotext: text(ink) }) as GenerateEvent;
  expect(otherFileWarnings(event("cccccccccccc"), { modelHash: undefined, loraHashes: loraHashes! })).toEqual([]);
  expect(otherFileWarnings(event("dddddddddddd"), { modelHash: undefined, loraHashes: loraHashes! })).toEqual([
    "the picture was made with another LoRA file of the name ink (hash cccccccccccc, this one has dddddddddddd)",
  ]);
});
