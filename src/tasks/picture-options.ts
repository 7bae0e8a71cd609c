/**
 * @file From a picture back to the options that made it: this project's JSON, else A1111's infotext, else ComfyUI's graph.
 * Pictures come from strangers, so every value passes the schema, and nothing in them chooses a folder or a thread count.
 */

import { readComfyRecord } from "../formats/comfy-graph-read.ts";
import { type Infotext, parseInfotext } from "../formats/infotext.ts";
import type { GenerateInput } from "./generate-options.ts";
import { type Draft, type PictureOption, pictureOptions, take } from "./picture-draft.ts";
import { readComfyJob } from "./picture-options-comfy.ts";
import { readInfotext } from "./picture-options-infotext.ts";

export type PictureSource = "illustrious" | "a1111" | "comfyui";

export type PictureReading = {
  /** Whose record the picture has; none of those that are read here where it is undefined. */
  readonly source: PictureSource | undefined;
  /** `model` and `vae` are names without folders, perhaps without an extension. */
  readonly options: Partial<GenerateInput>;
  /** What the picture was made with and cannot be honoured, as `key: value`. */
  readonly unused: readonly string[];
  /** In whole sentences, for people. */
  readonly notes: readonly string[];
};

/** @param chunks the PNG's texts by key */
export function optionsFromTexts(chunks: ReadonlyMap<string, string>): PictureReading {
  const draft: Draft = { options: {}, unused: [], notes: [] };
  const infotext = chunks.get("parameters");
  const graph = chunks.get("prompt");
  const parsed = infotext === undefined ? undefined : parseInfotext(infotext);
  let source: PictureSource | undefined;
  if (parsed && parsed.fields.size > 0) {
    const own = parsed.fields.get("Illustrious");
    source = own !== undefined && readOwn(own, draft) ? "illustrious" : "a1111";
    if (source === "a1111") readInfotext(parsed, draft);
  } else if (graph !== undefined) {
    source = "comfyui";
    readComfyJob(readComfyRecord(graph), draft);
  } else if (parsed && parsed.prompt !== "") {
    source = "a1111";
    readPromptAlone(parsed, draft);
  } else {
    draft.notes.push(`The picture does not say how it was made${otherPrograms(chunks)}.`);
  }
  return { source, ...draft } as PictureReading;
}

/** @returns whether it was what this project writes */
function readOwn(json: string, draft: Draft): boolean {
  let values: unknown;
  try {
    values = JSON.parse(json);
  } catch {
    return false;
  }
  if (typeof values !== "object" || values === null || Array.isArray(values)) return false;
  for (const [name, value] of Object.entries(values)) {
    const written = `${name}: ${JSON.stringify(value)}`;
    if (Object.hasOwn(pictureOptions.shape, name)) take(draft, name as PictureOption, value, written);
    else draft.unused.push(written);
  }
  return true;
}

/** Whose program wrote it, and so what it left unsaid, is not known. */
function readPromptAlone({ prompt, negativePrompt }: Infotext, draft: Draft): void {
  draft.options.prompt = prompt;
  if (negativePrompt !== "") draft.options.negativePrompt = negativePrompt;
  draft.notes.push("Its text is a prompt without settings, so what is usual here is taken for all of them.");
}

/** Keys by which other programs' records are known. */
const OTHERS: readonly (readonly [key: string, program: string])[] = [
  ["Comment", "NovelAI"],
  ["invokeai_metadata", "InvokeAI"],
  ["sd-metadata", "InvokeAI"],
  ["fooocus_scheme", "Fooocus"],
  ["sui_image_params", "SwarmUI"],
];

function otherPrograms(chunks: ReadonlyMap<string, string>): string {
  const found = OTHERS.find(([key]) => chunks.has(key));
  return found ? ` in a way that is read here (it has ${found[1]}'s record "${found[0]}")` : "";
}
