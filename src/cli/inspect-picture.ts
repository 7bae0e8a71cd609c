/** @file What a picture says of how it was made, for people and as data. */

import { readComfyGraph } from "../formats/comfy-graph-read.ts";
import { parseInfotext } from "../formats/infotext.ts";
import { optionsFromTexts, type PictureSource } from "../tasks/picture-options.ts";
import type { PictureFile } from "../tasks/read-picture.ts";
import type { Section } from "./text-sections.ts";

export type PictureInspection = {
  readonly path: string;
  readonly kind: "picture";
  readonly width: number;
  readonly height: number;
  /** Of A1111's text. */
  readonly prompt?: string;
  readonly negativePrompt?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** The job that ComfyUI's graph describes, as far as it is known here. */
  readonly comfy?: Readonly<Record<string, unknown>>;
  /** Whose record it has. */
  readonly source: PictureSource | undefined;
  /** What `generate --from` takes over, leaves out and has to say. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly unused: readonly string[];
  readonly notes: readonly string[];
  /** All texts of the file, as they stand. */
  readonly texts: Readonly<Record<string, string>>;
};

export function inspectPicture(path: string, { width, height, texts: pairs }: PictureFile): PictureInspection {
  const texts = new Map(pairs);
  const infotext = texts.get("parameters");
  const { prompt, negativePrompt, fields } = parseInfotext(infotext ?? "");
  const graph = texts.get("prompt");
  return {
    path,
    kind: "picture",
    width,
    height,
    ...(infotext !== undefined && { prompt, negativePrompt, fields: Object.fromEntries(fields) }),
    ...(graph !== undefined && { comfy: comfyJob(graph) }),
    ...optionsFromTexts(texts),
    texts: Object.fromEntries(texts),
  };
}

/** A text under ComfyUI's key need not be ComfyUI's. */
function comfyJob(graph: string): Readonly<Record<string, unknown>> {
  try {
    return readComfyGraph(graph);
  } catch {
    return {};
  }
}

/** Shown under a heading of their own. */
const SHOWN = new Set(["parameters", "prompt"]);
const LONG = 200;

/** @param full every text in full */
export function pictureSections(picture: PictureInspection, full: boolean): Section[] {
  const { path, width, height, prompt, negativePrompt, fields = {}, comfy = {}, unused, notes, texts } = picture;
  const cut = (text: string) =>
    full || text.length <= LONG ? text : `${text.slice(0, LONG)}… (${text.length.toLocaleString("en-US")} characters)`;
  const known = Object.keys(picture.options).length > 0;
  return [
    { title: path, lines: [`a picture of ${width}×${height} pixels`] },
    { title: "Prompt", lines: prompt ? [prompt] : [] },
    { title: "Negative prompt", lines: negativePrompt ? [negativePrompt] : [] },
    { title: "Settings", lines: Object.entries(fields).map(([key, value]) => `${key}: ${cut(value)}`) },
    { title: "ComfyUI's graph", lines: Object.entries(comfy).map(([key, value]) => `${key}: ${cut(inWords(value))}`) },
    {
      title: "Other texts",
      lines: Object.entries(texts).flatMap(([key, value]) => (SHOWN.has(key) ? [] : [`${key}: ${cut(value)}`])),
    },
    { title: "Cannot be repeated", lines: [...notes, ...unused] },
    { title: "To make it again", lines: known ? [`illustrious generate --from ${quoted(path)}`] : [] },
  ];
}

function inWords(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** As a POSIX shell wants it. */
function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
