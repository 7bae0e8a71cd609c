import { expect, test } from "vitest";
import { SDXL_BASE } from "./config.ts";
import { COMPONENTS, parametersOf } from "./names.ts";

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
