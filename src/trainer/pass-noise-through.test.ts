/** @file A new eps network gives back what comes in, by the exact interpreter. */

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSafetensors, writeSafetensors } from "../formats/safetensors/index.ts";
import { parseUNetConfig } from "../models/sdxl/config-json.ts";
import { expectedUNetParameters } from "../models/sdxl/names.ts";
import { unetGraph } from "../models/sdxl/unet.ts";
import { referenceRuntime } from "../runtime/reference/interpreter.ts";
import { float32 } from "../runtime/runtime.ts";
import { initialValues } from "../training/learner/initialise.ts";
import { nextNormals, randomState } from "../training/random.ts";
import { tensorsToWrite } from "./model-files.ts";
import { passNoiseThrough } from "./pass-noise-through.ts";

const recipe = JSON.parse(readFileSync(join(import.meta.dirname, "../../recipes/nano/model.json"), "utf8"));

/** Fresh values of a UNet like nano's with four latent channels and the first level so wide. */
function fresh(width: number, groups: number) {
  const small = { in_channels: 4, out_channels: 4, block_out_channels: [width, 16, 16], norm_num_groups: groups };
  const config = parseUNetConfig({ ...recipe.unet, ...small, attention_head_dim: [1, 1, 1] });
  const random = randomState(5);
  const entries = [...expectedUNetParameters(config)].map(
    ([name, shape]) => [name, { shape, values: initialValues(name, shape, random) }] as const,
  );
  return { config, network: new Map(entries) };
}

test("each channel comes out as it went in, divided by its deviation", async () => {
  const { config, network } = fresh(16, 8);
  passNoiseThrough(network, config);
  const runtime = referenceRuntime();
  const graph = unetGraph(config);
  const random = randomState(6);
  const [batch, height, width, tokens] = [2, 6, 5, 3];
  const normals = (...shape: number[]) =>
    float32(
      nextNormals(
        random,
        shape.reduce((a, b) => a * b, 1),
      ),
      shape,
    );
  const sample = normals(batch, 4, height, width);
  const pooled = config.projectionInputDim - 6 * config.additionTimeEmbedDim;
  const feeds = {
    sample,
    timestep: float32(Float32Array.of(999, 20), [batch]),
    context: normals(batch, tokens, config.crossAttentionDim),
    pooled: normals(batch, pooled),
    timeIds: float32(new Float32Array(12).fill(64), [batch, 6]),
  };
  const folder = await mkdtemp(join(tmpdir(), "pass-noise-"));
  const path = join(folder, "unet.safetensors");
  await writeSafetensors(path, tensorsToWrite("unet", network, "F32"));
  const { tensors } = await openSafetensors(path);
  const weights = new Map([...tensors].map(([name, entry]) => [name, { ...entry, path, dtype: "F32" as const }]));
  const session = await runtime.open(graph, weights);
  const { output } = await session.run(feeds);
  await rm(folder, { recursive: true });
  const area = height * width;
  for (let channel = 0; channel < batch * 4; channel++) {
    const part = (data: ArrayLike<number>) => Array.from({ length: area }, (_, i) => data[channel * area + i]!);
    const before = part(sample.data as Float32Array);
    // A pair of opposites has the mean 0.
    const deviation = Math.sqrt(before.reduce((sum, x) => sum + x * x, 0) / area + config.normEps);
    part(output!.data as Float32Array).forEach((x, i) => {
      expect(x).toBeCloseTo(before[i]! / deviation, 5);
    });
  }
});

test("a first level that is too narrow, or whose norms part the pairs, stays as it was", () => {
  for (const [width, groups] of [
    [4, 2],
    [8, 8],
  ] as const) {
    const { config, network } = fresh(width, groups);
    const before = new Map([...network].map(([name, { values }]) => [name, values.slice()]));
    passNoiseThrough(network, config);
    for (const [name, { values }] of network) expect(values, name).toEqual(before.get(name));
  }
});
