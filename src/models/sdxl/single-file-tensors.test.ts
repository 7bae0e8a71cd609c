/** @file What is written as a single file, beside diffusers' own conversion of such files. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bytesFromFloat32, float32FromBytes } from "../../base/float-bytes.ts";
import type { TensorToWrite } from "../../formats/safetensors/index.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { SDXL_BASE } from "./config.ts";
import { parametersOf } from "./names.ts";
import { predictionMarks } from "./prediction-marks.ts";
import { singleFileTensors, type ValuesOf } from "./single-file-tensors.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures");

type Row = { key: string; shape: number[]; targets: unknown[] };

const theirs: Record<"full" | "tiny", Row[]> = JSON.parse(
  gunzipSync(readFileSync(join(fixtures, "sgm-keys.json.gz"))).toString(),
);
const tiny = await openCheckpoint(join(fixtures, "tiny-sdxl"));
const bare = { tensors: [], scalars: {}, metadata: {} };
const nothing: ValuesOf = () => ({ dtype: "F16", bytes: () => new Uint8Array() });

test.each([
  { size: "full" as const, configs: SDXL_BASE },
  { size: "tiny" as const, configs: tiny.configs },
])("$size SDXL: the keys and shapes that diffusers' conversion takes, and no others", ({ size, configs }) => {
  const ours = singleFileTensors(configs, nothing, bare).map(({ name, shape }) => `${name} [${shape}]`);
  // Two more are in Stability's files and of no use: diffusers reads them into nothing.
  const used = theirs[size].filter(({ targets }) => targets.length > 0);
  expect(theirs[size].length - used.length).toBe(2);
  expect(ours.sort()).toEqual(used.map(({ key, shape }) => `${key} [${shape}]`).sort());
});

test.each([
  { says: { prediction: "eps", zeroSnr: false }, marks: [] },
  { says: { prediction: "v", zeroSnr: false }, marks: ["v_pred"] },
  { says: { prediction: "v", zeroSnr: true }, marks: ["v_pred", "ztsnr"] },
  { says: { prediction: "flow", zeroSnr: true }, marks: [] },
] as const)("$says has the marks $marks, empty as ComfyUI writes them", ({ says, marks }) => {
  const tensors = singleFileTensors(tiny.configs, nothing, predictionMarks(says));
  const plain = new Set(singleFileTensors(tiny.configs, nothing, bare).map(({ name }) => name));
  const more = tensors.filter(({ name }) => !plain.has(name));
  expect(more).toEqual(marks.map((name) => ({ name, dtype: "F32", shape: [0], data: new Uint8Array() })));
});

test("EDM's sigmas are scalars of float32", () => {
  const marks = { ...bare, scalars: { "edm_vpred.sigma_max": 80 } };
  const [mark] = singleFileTensors(tiny.configs, nothing, marks).filter(({ name }) => name.startsWith("edm_"));
  expect(mark).toMatchObject({ dtype: "F32", shape: [] });
  expect(float32FromBytes(mark!.data as Uint8Array, "F32")).toEqual(Float32Array.of(80));
});

const read = async (tensors: readonly TensorToWrite[], key: string) => {
  const { data, dtype } = tensors.find(({ name }) => name === key)!;
  const bytes = typeof data === "function" ? await data() : data;
  return { dtype, values: float32FromBytes(bytes, dtype as "F16") };
};

const IN_PROJ = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_bias";
const PROJECTION = "conditioner.embedders.1.model.text_projection";

/** Every value of a parameter is 1, 2 or 3 in the packed matrix; the projection counts. */
const numbered =
  (dtypes: Record<string, "F32" | "F16" | "BF16"> = {}): ValuesOf =>
  (component, name) => {
    const { shape } = parametersOf(component, tiny.configs)!.find((p) => p.name === name)!;
    const matrix = /self_attn\.(q|k|v)_proj/.exec(name)?.[1] ?? "other";
    const dtype = dtypes[matrix] ?? "F32";
    const count = shape.reduce((a, b) => a * b, 1);
    const value = { q: 1, k: 2, v: 3 }[matrix];
    return {
      dtype,
      bytes: () =>
        bytesFromFloat32(
          Float32Array.from({ length: count }, (_, i) => value ?? i),
          dtype,
        ),
    };
  };

test("queries, keys and values lie behind each other; the projection is transposed", async () => {
  const tensors = singleFileTensors(tiny.configs, numbered(), bare);
  const width = tiny.configs.textEncoder2.hiddenSize;
  const packed = await read(tensors, IN_PROJ);
  expect([packed.values[0], packed.values[width], packed.values[2 * width]]).toEqual([1, 2, 3]);
  expect(packed.values).toHaveLength(3 * width);
  const { values } = await read(tensors, PROJECTION);
  const columns = tiny.configs.textEncoder2.projectionDim!;
  expect([values[0], values[1], values[columns]]).toEqual([0, width, 1]);
});

test("each tensor keeps its type; what is packed of two types becomes float32; another may be asked for", async () => {
  const mixed = numbered({ q: "F16", k: "BF16", v: "F16", other: "BF16" });
  const own = singleFileTensors(tiny.configs, mixed, bare);
  expect(await read(own, IN_PROJ)).toMatchObject({ dtype: "F32" });
  expect((await read(own, IN_PROJ)).values.at(-1)).toBe(3);
  expect((await read(own, PROJECTION)).dtype).toBe("BF16");
  const asked = singleFileTensors(tiny.configs, (...at) => ({ ...mixed(...at)!, storedAs: "F16" }), bare);
  expect(new Set(asked.map(({ dtype }) => dtype))).toEqual(new Set(["F16"]));
  expect((await read(asked, IN_PROJ)).values.at(-1)).toBe(3);
});

test.each(["F32", "F16"] as const)("a number of %s that is none is refused by its parameter", async (dtype) => {
  const damaged: ValuesOf = (component, name) =>
    name === "conv_out.bias"
      ? { dtype, bytes: () => bytesFromFloat32(Float32Array.of(1, Number.NaN, 0, 0), dtype) }
      : numbered()(component, name);
  const key = "model.diffusion_model.out.2.bias";
  await expect(read(singleFileTensors(tiny.configs, damaged, bare), key)).rejects.toMatchObject({
    code: "bad_file",
    message: "unet.conv_out.bias has the value NaN",
  });
});
