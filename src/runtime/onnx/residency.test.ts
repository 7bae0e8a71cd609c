/** @file Weights of every type, folded and mapped: the same numbers, and mapped ones widened only when their turn comes. */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { WeightDType } from "../../base/dtype.ts";
import { bfloat16FromFloat32, float16FromFloat32, float32FromBfloat16, float32FromFloat16 } from "../../base/half.ts";
import { size } from "../../graph/dim.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import { referenceRuntime } from "../reference/interpreter.ts";
import { float32, int64 } from "../runtime.ts";
import type { WeightSource, Weights } from "../weights.ts";
import { chooseResidency, type Residency } from "./residency.ts";
import { onnxRuntime } from "./session.ts";

const folder = await mkdtemp(join(tmpdir(), "residency-"));
afterAll(() => rm(folder, { recursive: true }));

const round: Record<WeightDType, (values: Float32Array) => { bytes: ArrayBufferView; values: Float32Array }> = {
  F32: (values) => ({ bytes: values, values }),
  F16: (values) => {
    const bytes = float16FromFloat32(values);
    return { bytes, values: float32FromFloat16(bytes) };
  },
  BF16: (values) => {
    const bytes = bfloat16FromFloat32(values);
    return { bytes, values: float32FromBfloat16(bytes) };
  },
};

/** One file with all of a graph's weights as `dtype`, and one with the same numbers as float32. */
async function weightFiles(graph: Graph, dtype: WeightDType): Promise<{ stored: Weights; exact: Weights }> {
  const [stored, exact] = [new Map<string, WeightSource>(), new Map<string, WeightSource>()];
  // Tensors of a file after another's header start anywhere: an odd beginning is the worst of them.
  const files = { stored: [Buffer.from("odd")], exact: [] as Buffer[] };
  const place = (list: Buffer[], view: ArrayBufferView) => {
    const offset = list.reduce((sum, { length }) => sum + length, 0);
    list.push(Buffer.from(view.buffer, view.byteOffset, view.byteLength));
    return { offset, length: view.byteLength };
  };
  for (const [n, { attributes, shape }] of graph.weights.entries()) {
    const count = (shape as number[]).reduce((a, b) => a * b, 1);
    const { bytes, values } = round[dtype](Float32Array.from({ length: count }, (_, i) => Math.sin(n + i * 1.3) / 2));
    const common = { shape: shape as number[], dtype };
    stored.set(attributes.name, { ...common, path: join(folder, dtype), ...place(files.stored, bytes) });
    const at = place(files.exact, values);
    exact.set(attributes.name, { ...common, dtype: "F32", path: join(folder, `${dtype}-exact`), ...at });
  }
  await writeFile(join(folder, dtype), Buffer.concat(files.stored));
  await writeFile(join(folder, `${dtype}-exact`), Buffer.concat(files.exact));
  return { stored, exact };
}

function smallNetwork(): Graph {
  const ids = g.input("ids", [size("b"), 6], "i64");
  const image = g.input("image", [size("b"), 3, 2, 2]);
  const words = g.gather(g.weight("table", [11, 4]), ids);
  const wide = g.linear(words, g.weight("matrix", [8, 4]), g.weight("bias", [8]));
  const again = g.linear(wide, g.weight("square", [8, 8]));
  const pixels = g.conv2d(image, g.weight("kernel", [6, 3, 3, 3]), g.weight("shift", [6]), {
    stride: 1,
    padding: [1, 1, 1, 1],
  });
  return graphOf({ again, pixels });
}

test.each(["F32", "F16", "BF16"] as const)("%s", async (dtype) => {
  const graph = smallNetwork();
  const { stored, exact } = await weightFiles(graph, dtype);
  const feeds = {
    ids: int64([0, 10, 3, 3, 7, 1, 9, 8, 2, 4, 5, 6], [2, 6]),
    image: float32(
      Float32Array.from({ length: 24 }, (_, i) => Math.cos(i)),
      [2, 3, 2, 2],
    ),
  };
  const reference = await (await referenceRuntime().open(graph, exact)).run(feeds);
  for (const residency of ["folded", "mapped"] satisfies Residency[]) {
    const session = await onnxRuntime({ threads: 1, residency }).open(graph, stored);
    const results = await session.run(feeds);
    await session.release();
    for (const [name, { data }] of Object.entries(results)) {
      // Sums of at most 27 products of numbers up to 1, in float32.
      data.forEach((v, i) => {
        expect(Number(v), `${residency} ${name}`).toBeCloseTo(Number(reference[name]!.data[i]), 5);
      });
    }
  }
});

type ProfileEvent = { cat: string; name: string; ts: number; args: { op_name?: string } };

test("a mapped matrix is widened after the layer before it has run, so that one is wide at a time", async () => {
  const layers = 12;
  let x = g.input("x", [size("b"), 16]);
  for (let i = 0; i < layers; i++) x = g.linear(x, g.weight(`layers.${i}`, [16, 16]), g.weight(`bias.${i}`, [16]));
  const graph = graphOf({ last: x });
  const { stored } = await weightFiles(graph, "F16");
  const profile = join(folder, "profile");
  const session = await onnxRuntime({ threads: 1, residency: "mapped", profile }).open(graph, stored);
  await session.run({ x: float32(new Float32Array(16), [1, 16]) });
  await session.release();
  const file = (await readdir(folder)).find((name) => name.startsWith("profile"))!;
  const events: ProfileEvent[] = JSON.parse(await readFile(join(folder, file), "utf8"));
  const order = events
    .filter(({ cat, name }) => cat === "Node" && name.endsWith("kernel_time"))
    .sort((a, b) => a.ts - b.ts)
    .map(({ args }) => args.op_name)
    .filter((op) => op === "Cast" || op === "FusedMatMul");
  expect(order).toEqual(Array.from({ length: layers }, () => ["Cast", "FusedMatMul"]).flat());
});

test("folded where it fits with room to run, mapped where it does not", () => {
  // The parameters of SDXL's UNet, and what an idle machine of 16 and of 12 GiB has left.
  const unet = 4 * 2_567_463_684;
  expect(chooseResidency(unet, 15 * 2 ** 30)).toBe("folded");
  expect(chooseResidency(unet, 11 * 2 ** 30)).toBe("mapped");
});
