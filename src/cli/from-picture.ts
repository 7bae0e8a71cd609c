/** @file `--from PICTURE.png`: the options that a picture was made with, its model found again, and a check that it is the same. */

import { basename } from "node:path";
import { parseInfotext } from "../formats/infotext.ts";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import type { GenerateInput } from "../tasks/generate-options.ts";
import { optionsFromPicture } from "../tasks/picture-options.ts";
import { usageError } from "./command.ts";
import { findByName } from "./find-model.ts";
import { readPictureFile } from "./picture-file.ts";
import type { Shell } from "./shell.ts";

export type FromPicture = {
  /** `model` and `vae` are paths that exist. */
  readonly options: Partial<GenerateInput>;
  /** What was not honoured, in whole sentences. */
  readonly notes: readonly string[];
  /** `Model hash`, where the picture has one. */
  readonly modelHash: string | undefined;
};

/**
 * @param given the options on the command line, which win
 * @throws IllustriousError `bad_option` when the picture's model is not found and no other is given
 */
export async function fromPicture(
  picture: string,
  given: Partial<Record<keyof GenerateInput, unknown>>,
  env: Shell["env"],
): Promise<FromPicture> {
  const texts = new Map((await readPictureFile(picture)).texts);
  const { options, unused, notes } = optionsFromPicture(texts);
  const { model, vae, ...rest } = options;
  const modelHash = parseInfotext(texts.get("parameters") ?? "").fields.get("Model hash");
  const told = unused.length > 0 ? [...notes, `Not honoured: ${unused.join(", ")}.`] : [...notes];

  if (given.model !== undefined && stem(String(given.model)) !== stem(model ?? "")) {
    // They were right for the picture's model; the other one says its own.
    const { prediction: _, zeroSnr: __, shift: ___, ...kept } = rest;
    return { options: kept, notes: told, modelHash: undefined };
  }
  const foundVae = vae === undefined || given.vae !== undefined ? undefined : await findByName(vae, env);
  if (vae !== undefined && given.vae === undefined && !foundVae) {
    told.push(`Its VAE ${vae} is not found here; the checkpoint's own is used.`);
  }
  const path =
    given.model === undefined && model !== undefined ? await pathOf(model, picture, modelHash, env) : undefined;
  const files = { ...(path !== undefined && { model: path }), ...(foundVae && { vae: foundVae.path }) };
  return { options: { ...rest, ...files }, notes: told, modelHash };
}

async function pathOf(model: string, picture: string, hash: string | undefined, env: Shell["env"]): Promise<string> {
  const found = await findByName(model, env);
  if (found) return found.path;
  const which = hash === undefined ? "" : ` (hash ${hash})`;
  const hint = "Say where it is with --model, or put its folder into ILLUSTRIOUS_MODELS.";
  throw usageError(`${picture} was made with the model ${model}${which}, which is not found here`, hint);
}

function stem(path: string): string {
  return basename(path, ".safetensors");
}

/** A warning, should the new picture come from another model file than the old one. */
export function otherModelWarning(event: GenerateEvent, modelHash: string | undefined): string | undefined {
  if (event.type !== "picture" || event.index > 0 || modelHash === undefined) return undefined;
  const now = parseInfotext(event.infotext).fields.get("Model hash");
  if (now === undefined || now.toLowerCase() === modelHash.toLowerCase()) return undefined;
  return `the picture was made with another model file of this name (hash ${modelHash}, this one has ${now})`;
}
