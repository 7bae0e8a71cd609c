/** @file `inspect` of models and pictures, also of those that want to steer the terminal. */

import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { fakeGenerate } from "../../test/cli/fake-generate.ts";
import { type FakeOptions, fakeShell } from "../../test/cli/fake-shell.ts";
import { encodePng, type PngText } from "../formats/png/index.ts";
import { writeSafetensors } from "../formats/safetensors/index.ts";
import { inspectModel } from "../models/sdxl/inspect.ts";
import { exportModel } from "../tasks/export-model.ts";
import { run } from "./program.ts";

const bootstrap = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "inspect-"));
  // Hashes are remembered there.
  vi.stubEnv("ILLUSTRIOUS_HOME", folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inspect(argv: readonly string[], options: FakeOptions = {}) {
  const shell = fakeShell(options);
  const code = await run(["inspect", ...argv], shell, { generate: fakeGenerate().task }, "0");
  return { code, out: shell.stdout.text, err: shell.stderr.text };
}

async function picture(name: string, texts: PngText[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, encodePng({ width: 3, height: 2, rgb: new Uint8Array(18) }, texts));
  return path;
}

async function lora(name: string, metadata: Record<string, string>): Promise<string> {
  const path = join(folder, name);
  const tensor = (key: string, ...shape: number[]) => {
    const data = new Uint8Array(2 * shape.reduce((a, b) => a * b, 1));
    return { name: `lora_te2_text_model_encoder_layers_0_mlp_fc1.${key}`, dtype: "F16" as const, shape, data };
  };
  await writeSafetensors(path, [tensor("lora_down.weight", 8, 1280), tensor("lora_up.weight", 5120, 8)], metadata);
  return path;
}

test("a checkpoint in diffusers' layout", async () => {
  const { code, out, err } = await inspect([bootstrap]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out.slice(out.indexOf("\n"))).toMatchInlineSnapshot(`
    "
      an SDXL checkpoint in diffusers' layout
      24.8 MB in 4 files, 585 tensors, 12.3 million parameters

    Predicts v, zero terminal SNR (certain)
      v  — scheduler_config.json: prediction_type
      zero SNR  — scheduler_config.json: rescale_betas_zero_snr

    Parts
      unet            328  tensors  4.83 million  9.65 MB
      text_encoder_2   37  tensors  3.27 million  6.54 MB
      text_encoder     36  tensors  3.27 million  6.53 MB
      vae             184  tensors  978,103       1.96 MB

    Number types
      F16  585  tensors  12.3 million  24.7 MB

    Metadata
      format: pt
    "
  `);
});

test("evidence that lost is shown as such; the default only where nothing else is known", async () => {
  const disputed = await lora("noob-vpred.safetensors", { "modelspec.prediction_type": "epsilon" });
  const { code, out } = await inspect([disputed]);
  expect(code).toBe(0);
  expect(out).toMatch(
    / {2}eps {2}— modelspec\.prediction_type\n {2}v.* {2}— name "noob-vpred\.safetensors" \(overruled\)\n/,
  );
  expect(out).not.toContain("default");
  const bare = (await inspect([await lora("plain.safetensors", {})])).out;
  expect(bare).not.toContain("Predicts");
});

test("a checkpoint of which nothing says what it predicts, and marks, which are of use", async () => {
  const silent = join(folder, "silent");
  await cp(bootstrap, silent, { recursive: true, filter: (path) => !path.includes("scheduler") });
  expect((await inspect([silent])).out).toContain("Predicts eps (nothing in the file says)\n  eps  — SDXL's default\n");
  const named = join(folder, "mine-vpred");
  await cp(silent, named, { recursive: true });
  expect((await inspect([named])).out).toContain("\n  zero terminal SNR: nothing says; if pictures come out grey, try");
  expect((await inspect([bootstrap])).out).not.toContain("nothing says");
  const marked = join(folder, "marked.safetensors");
  for await (const _ of exportModel({ model: bootstrap, out: marked }));
  expect((await inspectModel(marked)).report?.ignored).toEqual(["v_pred", "ztsnr"]);
  const { out } = await inspect([marked]);
  expect(out).toContain("tensor v_pred");
  expect(out).not.toContain("Tensors of no use");
});

test.each([
  [{ trained_betas: [0.2, 0.5, 1] }, "a list of its own (trained_betas): sigma 0.5 to 1.22, and Infinity"],
  [{ shift: 0.25, rescale_betas_zero_snr: true }, "SDXL's times 0.25: sigma 0.00729 to 564, and Infinity"],
  [{ _class_name: "FlowMatchEulerDiscreteScheduler", shift: 3 }, "a flow's times 3: sigma 0.003 to 3000, and Infinity"],
  [{ beta_schedule: "linear" }, "a curve of its own: sigma 0.0292 to 25.1"],
  [{ trained_betas: [0.2, 2] }, "beta 1 of 2 is 2"],
])("noise levels that are not the usual ones: %j", async (more, said) => {
  const own = join(folder, "own-levels");
  await cp(bootstrap, own, { recursive: true });
  const config = { prediction_type: "v_prediction", ...more };
  await writeFile(join(own, "scheduler/scheduler_config.json"), JSON.stringify(config));
  expect((await inspect([own])).out).toContain(`\nNoise levels\n  ${said}\n`);
});

test("what is no model that opens is shown, and fails", async () => {
  const empty = join(folder, "empty");
  await mkdir(empty);
  const { code, out, err } = await inspect([empty]);
  expect({ code, err }).toEqual({ code: 1, err: "" });
  expect(out).toContain("a folder that does not open as an SDXL checkpoint\n");
  expect(out).toContain("\nProblems\n");
  const other = join(folder, "other.safetensors");
  await writeSafetensors(other, [{ name: "x", dtype: "F16", shape: [1], data: new Uint8Array(2) }], {});
  expect((await inspect([other])).code).toBe(1);
  expect((await inspect([empty, bootstrap])).code).toBe(1);
});

test("a LoRA with its hash", async () => {
  const path = await lora("style.safetensors", { ss_sd_model_name: "noob-vpred.safetensors", ss_network_alpha: "4" });
  const { out } = await inspect([path, "--hash"]);
  expect(out).toContain("  a LoRA in kohya's format for SDXL\n");
  expect(out).toContain("LoRA\n  changes 1 layer\n  rank 8\n  alpha 4\n  trained on noob-vpred.safetensors\n");
  expect(out).toMatch(/sha256 {12}[0-9a-f]{64}\n {2}model hash {8}[0-9a-f]{10} {2}\(AutoV2\)/);
  expect(out).toMatch(/LoRA hash {9}[0-9a-f]{12}\n/);
});

test("what does not exist, or is not what its name says, does not keep the others from being looked at", async () => {
  const pickle = join(folder, "model.safetensors");
  await writeFile(pickle, Uint8Array.of(0x80, 2, 0x63, 0x6f, 0x73, 0x0a));
  const image = await picture("named.safetensors", []);
  const { code, out, err } = await inspect([join(folder, "none"), pickle, image]);
  expect(code).toBe(1);
  expect(err).toContain("none: no such file or folder");
  expect(err).toContain("a Python pickle, whatever its name says");
  expect(out).toContain("a picture of 3×2 pixels");
});

test("a JPEG is a picture, too", async () => {
  const { default: sharp } = await import("sharp");
  const path = join(folder, "photo.jpg");
  await sharp({ create: { width: 5, height: 4, channels: 3, background: "red" } })
    .jpeg()
    .toFile(path);
  const { code, out } = await inspect([path]);
  expect(code).toBe(0);
  expect(out).toContain("a picture of 5×4 pixels");
  expect(out).toContain("The picture does not say how it was made.");
});

test("a picture: settings in order, and how to make it again", async () => {
  const infotext = "1girl\nnight\nNegative prompt: text\nSteps: 20, Sampler: Restart, Seed: 4, Size: 64x64, Model: m";
  const path = await picture("it's.png", [
    ["parameters", infotext],
    ["workflow", "y".repeat(300)],
    ["prompt", "{}"],
  ]);
  const { code, out } = await inspect([path]);
  expect(code).toBe(0);
  expect(out.replaceAll(folder, "…")).toMatchInlineSnapshot(`
    "…/it's.png
      a picture of 3×2 pixels

    Prompt
      1girl
      night

    Negative prompt
      text

    Settings
      Steps: 20
      Sampler: Restart
      Seed: 4
      Size: 64x64
      Model: m

    Other texts
      workflow: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy… (300 characters)

    Cannot be repeated
      Sampler: Restart

    To make it again
      illustrious generate --from '…/it'\\''s.png'
    "
  `);
  expect((await inspect([path, "--full"])).out).toContain("y".repeat(300));
});

test("--json gives everything, one object a line", async () => {
  const path = await picture("a.png", [["parameters", "x\nSteps: 20, Seed: 4, Size: 64x64"]]);
  const { out } = await inspect([path, bootstrap, "--json"]);
  const [first, second] = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toMatchObject({ kind: "picture", width: 3, height: 2, fields: { Seed: "4" }, options: { seed: 4 } });
  expect(second).toMatchObject({ kind: "sdxl", keys: 585, prediction: { prediction: "v", confidence: "certain" } });
});

test("a picture that tells nothing", async () => {
  const { out } = await inspect([await picture("bare.png", [])]);
  expect(out).toContain("The picture does not say how it was made.");
  expect(out).not.toContain("To make it again");
});

test("metadata cannot steer the terminal", async () => {
  const evil = "\x1b]0;owned\x07\x1b[2J\u009b31mred\u202eesrever";
  const obeyed = ["\x1b", "\x07", "\u009b", "\u202e"];
  const model = await lora("evil.safetensors", { [`key ${evil}`]: evil, ss_sd_model_name: evil });
  const image = await picture("evil.png", [
    ["parameters", `${evil}\nSteps: 1, Seed: 1, Size: 8x8, Model: ${evil}`],
    ["k", evil],
  ]);
  for (const path of [model, image]) {
    for (const flags of [[], ["--full"], ["--json"]]) {
      const { code, out, err } = await inspect([path, ...flags], { isTTY: true, env: { NO_COLOR: "1" } });
      expect(code).toBe(0);
      expect(out).toContain(flags[0] === "--json" ? "owned" : "\\x1b]0;owned\\x07");
      for (const character of obeyed) expect(out + err).not.toContain(character);
    }
  }
});

test("hashing shows how far it is, and leaves nothing of that", async () => {
  const path = await lora("progress.safetensors", {});
  const { err } = await inspect([path, "--hash"], { isTTY: true });
  expect(err).toContain("hashing progress.safetensors · 100 % of");
  expect(err.endsWith("\r\x1b[2K")).toBe(true);
});
