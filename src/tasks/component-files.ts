/** @file What a model's folder consists of, in diffusers' layout. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Cards, samples and figures beside them change no picture. */
const COMPONENTS = ["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae"];

/** Paths in the folder, component by component and sorted within; those that it does not have are left out. */
export async function componentFiles(folder: string): Promise<string[]> {
  const inside = await Promise.all(
    COMPONENTS.map(async (component) => {
      const names = await readdir(join(folder, component)).catch(() => []);
      return names.sort().map((name) => join(component, name));
    }),
  );
  return inside.flat();
}
