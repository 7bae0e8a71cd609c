/** @file A picture made again: the options that it was made with, its model found again, and a check that it is the same. */

import { basename, dirname, resolve } from "node:path";
import { IllustriousError } from "../base/error.ts";
import { parseInfotext } from "../formats/infotext.ts";
import { type Environment, findByName, findVae } from "./find-model.ts";
import type { GenerateEvent } from "./generate-events.ts";
import type { GenerateInput } from "./generate-options.ts";
import { optionsFromTexts, type PictureSource } from "./picture-options.ts";
import { readPicture, readPictureFile } from "./read-picture.ts";

export type PictureOptions = {
  /** Whose record the picture has; undefined where it does not say how it was made, or in a way that is not read here. */
  readonly source: PictureSource | undefined;
  /** For `generate`. `model` and `vae` are paths that exist; what the picture does not say is not there, its model among it. */
  readonly options: Partial<GenerateInput>;
  /** What is not honoured, in whole sentences. */
  readonly notes: readonly string[];
  /** First ten hexadecimal digits of the model file's sha256, where the picture has them. */
  readonly modelHash: string | undefined;
  /** Likewise of the VAE's, where it has one of its own. */
  readonly vaeHash?: string | undefined;
  /** First twelve hexadecimal digits of what A1111 hashes of each LoRA's file, by name, where the picture has them. */
  readonly loraHashes?: ReadonlyMap<string, string>;
};

/**
 * The options that a picture was made with: this project's, else A1111's and Forge's, else ComfyUI's. To repeat it, with
 * a model for pictures that name none:
 *
 *     const { options } = await optionsFromPicture("picture.png");
 *     for await (const event of generate({ model: "nano-v3.0-eps", ...options, seed: 8 })) …
 *
 * @param picture a PNG's, JPEG's or WebP's path or bytes
 * @param given what will be asked for instead: with another model, what belongs to the picture's own is left out
 * @throws IllustriousError `missing_file` also when the picture's model is not found and no other is given; `bad_file`
 */
export async function optionsFromPicture(
  picture: string | Uint8Array,
  given: Readonly<Partial<Record<keyof GenerateInput, unknown>>> = {},
  env: Environment = process.env,
): Promise<PictureOptions> {
  const file = typeof picture === "string" ? await readPictureFile(picture) : await readPicture(picture);
  const texts = new Map(file.texts);
  const { source, options, unused, notes } = optionsFromTexts(texts);
  const { model, vae, ...rest } = options;
  // How it was decoded was right for its size.
  if (given.width !== undefined || given.height !== undefined) delete rest.vaeTile;
  const { fields } = parseInfotext(texts.get("parameters") ?? "");
  const modelHash = fields.get("Model hash");
  const loraHashes = loraHashesOf(fields);
  const told = unused.length > 0 ? [...notes, `Not honoured: ${unused.join(", ")}.`] : [...notes];

  if (given.model !== undefined && stem(String(given.model)) !== stem(model ?? "")) {
    // They were right for the picture's model; the other one says its own.
    const { prediction: _, zeroSnr: __, shift: ___, ...kept } = rest;
    return { source, options: kept, notes: told, modelHash: undefined, loraHashes };
  }
  const name = typeof picture === "string" ? picture : "the picture";
  const path = given.model === undefined && model !== undefined ? await pathOf(model, name, modelHash, env) : undefined;
  const near = [path ?? given.model, typeof picture === "string" ? picture : undefined]
    .filter((one) => one !== undefined)
    .map((one) => dirname(resolve(String(one))));
  const foundVae = vae === undefined || given.vae !== undefined ? undefined : await findVae(vae, near, env);
  if (vae !== undefined && given.vae === undefined && foundVae === undefined) {
    told.push(`Its VAE ${vae} is not found here; the checkpoint's own is used. Say where it is with --vae.`);
  }
  const files = { ...(path !== undefined && { model: path }), ...(foundVae !== undefined && { vae: foundVae }) };
  const vaeHash = foundVae === undefined ? undefined : fields.get("VAE hash");
  return { source, options: { ...rest, ...files }, notes: told, modelHash, vaeHash, loraHashes };
}

/** As A1111 lists them: `a: 0123, b: 4567`. */
function loraHashesOf(fields: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const listed = (fields.get("Lora hashes") ?? "").split(", ").flatMap((entry) => {
    const [, name, hash] = /^(.+): ([0-9a-f]+)$/i.exec(entry.trim()) ?? [];
    return name === undefined || hash === undefined ? [] : [[name, hash] as const];
  });
  return new Map(listed);
}

async function pathOf(model: string, picture: string, hash: string | undefined, env: Environment): Promise<string> {
  const found = await findByName(model, env);
  if (found) return found.path;
  const which = hash === undefined ? "" : ` (hash ${hash})`;
  const message = `${picture} was made with the model ${model}${which}, which is not found here`;
  const hint = "Say where it is with --model, or put its folder into ILLUSTRIOUS_MODELS.";
  throw new IllustriousError("missing_file", message, hint);
}

function stem(path: string): string {
  return basename(path, ".safetensors");
}

/** Warnings, should the new picture come from another model, VAE or LoRA file than the old one. */
export function otherFileWarnings(
  event: GenerateEvent,
  { modelHash, vaeHash, loraHashes = new Map() }: Pick<PictureOptions, "modelHash" | "vaeHash" | "loraHashes">,
): string[] {
  if (event.type !== "picture" || event.index > 0) return [];
  const { fields } = parseInfotext(event.infotext);
  const loras = loraHashesOf(fields);
  const files = [
    ["model", modelHash, fields.get("Model hash"), "this name"],
    ["VAE", vaeHash, fields.get("VAE hash"), "this name"],
    ...[...loraHashes].map(([name, hash]) => ["LoRA", hash, loras.get(name), `the name ${name}`] as const),
  ] as const;
  return files.flatMap(([what, then, now, name]) => {
    if (then === undefined || now === undefined || now.toLowerCase() === then.toLowerCase()) return [];
    return [`the picture was made with another ${what} file of ${name} (hash ${then}, this one has ${now})`];
  });
}
