import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Graph } from "../../graph/graph.ts";
import { clipGraph } from "./clip.ts";
import { SDXL_BASE, type SdxlConfigs } from "./config.ts";
import { parseClipConfig, parseUNetConfig, parseVaeConfig } from "./config-json.ts";
import {
  COMPONENTS,
  type Expected,
  expectedClipParameters,
  expectedUNetParameters,
  expectedVaeParameters,
  FOLDER,
  parametersOf,
  SGM_PREFIX,
} from "./names.ts";
import { unetGraph } from "./unet.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "./vae.ts";

// Counted in stabilityai/stable-diffusion-xl-base-1.0's component files.
test.each([
  { component: "unet" as const, tensors: 1680, parameters: 2_567_463_684 },
  { component: "vae" as const, tensors: 248, parameters: 83_653_863 },
  { component: "textEncoder" as const, tensors: 196, parameters: 123_060_480 },
  { component: "textEncoder2" as const, tensors: 517, parameters: 694_659_840 },
])("SDXL's $component has $tensors tensors", ({ component, tensors, parameters }) => {
  const table = parametersOf(component, SDXL_BASE)!;
  expect(table.length).toBe(tensors);
  expect(new Set(table.map((p) => p.name)).size).toBe(tensors);
  expect(table.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0)).toBe(parameters);
});

test("no two parameters take the same bytes of a single file", () => {
  for (const component of COMPONENTS) {
    const places = parametersOf(component, SDXL_BASE)!.map(({ sgm }) => `${sgm.key} ${sgm.part?.index ?? ""}`);
    expect(new Set(places).size).toBe(places.length);
  }
});

type Row = {
  key: string;
  shape: number[];
  targets: { component: string; name: string; shape: number[]; rows?: [number, number]; transposed?: boolean }[];
};

const fixtures = join(import.meta.dirname, "../../../test/fixtures");
const theirs: Record<"full" | "tiny", Row[]> = JSON.parse(
  gunzipSync(readFileSync(join(fixtures, "sgm-keys.json.gz"))).toString(),
);
const json = (folder: string) => JSON.parse(readFileSync(join(fixtures, "tiny-sdxl", folder, "config.json"), "utf8"));
const tiny: SdxlConfigs = {
  unet: parseUNetConfig(json("unet")),
  vae: parseVaeConfig(json("vae")),
  textEncoder: parseClipConfig(json("text_encoder")),
  textEncoder2: parseClipConfig(json("text_encoder_2")),
};

test.each([
  { size: "full" as const, configs: SDXL_BASE },
  { size: "tiny" as const, configs: tiny },
])("$size SDXL: every key, slice and shape as diffusers converts them", ({ size, configs }) => {
  const ours = COMPONENTS.flatMap((component) =>
    parametersOf(component, configs)!.map(({ name, shape, sgm }) => {
      const of = sgm.part ? sgm.shape[0]! / sgm.part.of : 0;
      const rows = sgm.part && [sgm.part.index * of, (sgm.part.index + 1) * of];
      return { key: SGM_PREFIX[component] + sgm.key, stored: sgm.shape, folder: FOLDER[component], name, shape, rows };
    }),
  );
  const diffusers = theirs[size].flatMap(({ key, shape: stored, targets }) =>
    targets.map(({ component, name, shape, rows }) => ({ key, stored, folder: component, name, shape, rows })),
  );
  const lines = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
  expect(lines(ours)).toEqual(lines(diffusers));
  const transposed = theirs[size].filter(({ targets }) => targets.some((t) => t.transposed)).map(({ key }) => key);
  expect(transposed).toEqual(["conditioner.embedders.1.model.text_projection"]);
});

test.each([
  { size: "full", configs: SDXL_BASE },
  { size: "tiny", configs: tiny },
])("$size SDXL: the graphs declare these parameters, in these shapes, and no others", ({ configs }) => {
  const declared = (...graphs: Graph[]) => {
    const weights = graphs.flatMap((graph) => graph.weights).map((w) => [w.attributes.name, w.shape.join()] as const);
    return new Map(weights.sort());
  };
  const expected = (shapes: Expected) =>
    new Map([...shapes].map(([name, shape]) => [name, shape.join()] as const).sort());
  const { unet, vae, textEncoder, textEncoder2 } = configs;
  expect(declared(unetGraph(unet))).toEqual(expected(expectedUNetParameters(unet)));
  expect(declared(vaeEncoderGraph(vae!), vaeDecoderGraph(vae!))).toEqual(expected(expectedVaeParameters(vae!)));
  expect(declared(clipGraph(textEncoder2))).toEqual(expected(expectedClipParameters(textEncoder2)));
  // Of the first encoder SDXL takes the last layer's input, so the graph ends there.
  const last = `text_model.encoder.layers.${textEncoder.layers - 1}.`;
  const first = [...expected(expectedClipParameters(textEncoder))].filter(
    ([name]) => !name.startsWith(last) && !name.startsWith("text_model.final_layer_norm."),
  );
  expect([...declared(clipGraph(textEncoder))]).toEqual(first);
});
