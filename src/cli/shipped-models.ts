/** @file The checkpoints that come with the project, and the options that suit each. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { GenerateInput } from "../tasks/generate-options.ts";

export type ShippedModel = {
  /** Of its folder under `models/`, and on the command line. */
  readonly name: string;
  readonly path: string;
  /** Used where nothing else is said. */
  readonly preset: Partial<GenerateInput>;
};

const TABLE: readonly Omit<ShippedModel, "path">[] = [
  // As its README states: trained at 128 pixels on trailing timesteps, ten steps of DDIM are all it needs.
  { name: "nano-bootstrap", preset: { sampler: "ddim", schedule: "simple", steps: 10, cfg: 4 } },
];

const MODELS = new URL("../../models/", import.meta.url);

/** Those that are there: a package may be installed without some. */
export function shippedModels(): ShippedModel[] {
  const all = TABLE.map((model) => ({ ...model, path: fileURLToPath(new URL(model.name, MODELS)) }));
  return all.filter(({ path }) => existsSync(path));
}

export function shippedModel(name: string): ShippedModel | undefined {
  return shippedModels().find((model) => model.name === name);
}
