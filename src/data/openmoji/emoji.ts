/**
 * @file OpenMoji's package as it comes: which of its pictures have one colour that can be named, and what they are called. What colour a
 * picture has is counted, pixels that are exactly a palette's entry, so that it owes nothing to `dominantColour`, which judges later.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import {
  COLOUR_NAMES,
  type ColourName,
  type Dominant,
  dominantOf,
  noCounts,
  rgbNumber,
  SHADES,
} from "./colour-names.ts";

export type Emoji = {
  readonly hexcode: string;
  /** OpenMoji's annotation without words for colours. */
  readonly name: string;
  /** Its tags, those that name a colour left out. */
  readonly tags: readonly string[];
  readonly colour: ColourName;
  /** The shade of that colour that most pixels have. */
  readonly shade: string;
  readonly svg: string;
};

const entry = z.object({
  hexcode: z.string().regex(/^[0-9A-F]{1,8}(-[0-9A-F]{1,8})*$/),
  group: z.string(),
  subgroups: z.string(),
  annotation: z.string(),
  tags: z.string(),
  openmoji_tags: z.string(),
  skintone: z.union([z.string(), z.number()]),
});

/** People are of skin's colours, and flags, letters and brands of several. */
const LEFT_OUT = /^people-body|^component|^flags|keycap|alphanum|subdivision|regional|brand/;

const WORDS_FOR_COLOURS =
  /\b(red|orange|yellow|green|blue|purple|pink|brown|black|white|gr[ae]y|gold|golden|silver|violet|blond|rainbow|dark|light|deep)\b/gi;

/** Pixels a side at which colours are counted. */
const COUNTED_AT = 144;
/** Of the pixels that have a colour, as many must have the named one; and of all pixels, as many must have one. */
const DOMINANT = 0.65;
const COLOURED = 0.1;
const LONGEST_NAME = 4;

/** @param folder the unpacked npm package `openmoji`
 * @throws IllustriousError `missing_file`, `bad_file` */
export async function readEmoji(folder: string): Promise<Emoji[]> {
  const entries = await readEntries(join(folder, "data/openmoji.json"));
  const found: Emoji[] = [];
  for (const { hexcode, group, subgroups, annotation, tags, openmoji_tags, skintone } of entries) {
    if (skintone !== "" || LEFT_OUT.test(`${group}/${subgroups}`) || LEFT_OUT.test(subgroups)) continue;
    const said = [...annotation.matchAll(WORDS_FOR_COLOURS)].map((m) => m[0].toLowerCase());
    const name = annotation.replace(WORDS_FOR_COLOURS, " ").replaceAll("’", "'").replace(/\s+/g, " ").trim();
    if (!/^[a-z][a-z' -]+$/i.test(name) || name.split(" ").length > LONGEST_NAME) continue;
    const svg = await readText(join(folder, "color/svg", `${hexcode}.svg`));
    const { counted, shade } = await countColours(svg);
    const colour = counted.name;
    if (colour === undefined || counted.coloured < COLOURED || counted.shares[colour] < DOMINANT) continue;
    // A name that says a colour which the picture has not would be a false caption, and so would half of one.
    if (said.some((word) => word !== colour)) continue;
    const words = `${tags}, ${openmoji_tags}`.split(",").map((tag) => tag.trim().toLowerCase());
    const plain = words.filter((tag) => /^[a-z][a-z' -]+$/.test(tag) && tag.search(WORDS_FOR_COLOURS) < 0);
    found.push({ hexcode, name: name.toLowerCase(), tags: [...new Set(plain)], colour, shade, svg });
  }
  return found;
}

/** The drawing's shades of its colour in another colour's: the one that `emoji` mostly has becomes that colour's first. */
export function recoloured({ svg, colour, shade }: Emoji, to: ColourName): string {
  const [main, other] = SHADES[to];
  return svg.replace(/#[0-9a-f]{6}\b/gi, (text) => {
    const found = text.toLowerCase();
    if (found === shade) return main;
    return SHADES[colour].includes(found) ? other : text;
  });
}

/** On white, as transparent pictures of data sets are laid. */
export async function renderEmoji(
  svg: string,
  size: number,
): Promise<{ readonly width: number; readonly height: number; readonly rgb: Uint8Array }> {
  // OpenMoji's drawings are 72 units wide, which at 72 dots an inch are 72 pixels.
  const drawing = sharp(Buffer.from(svg), { density: size });
  const { data, info } = await drawing
    .resize(size, size, { fit: "contain", background: "#fff" })
    .flatten({ background: "#fff" })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: new Uint8Array(data) };
}

const EXACT = new Map(
  COLOUR_NAMES.flatMap((name) => SHADES[name].map((shade) => [rgbNumber(shade), { name, shade }] as const)),
);

/** The pixels that are exactly of the palette: neither edges nor what is seen through. */
export async function countColours(svg: string): Promise<{ readonly counted: Dominant; readonly shade: string }> {
  const { width, height, rgb } = await renderEmoji(svg, COUNTED_AT);
  const counts = noCounts();
  const shades = new Map<string, number>();
  let named = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    const exact = EXACT.get((rgb[i]! << 16) | (rgb[i + 1]! << 8) | rgb[i + 2]!);
    if (exact === undefined) continue;
    counts[exact.name]++;
    shades.set(exact.shade, (shades.get(exact.shade) ?? 0) + 1);
    named++;
  }
  const counted = dominantOf(counts, named, width * height);
  const ofIt = counted.name === undefined ? [] : SHADES[counted.name];
  const shade = [...ofIt].sort((a, b) => (shades.get(b) ?? 0) - (shades.get(a) ?? 0))[0] ?? "";
  return { counted, shade };
}

async function readEntries(path: string): Promise<z.infer<typeof entry>[]> {
  const text = await readText(path);
  try {
    return z.array(entry).parse(JSON.parse(text));
  } catch (cause) {
    const hint = "Unpack the npm package `openmoji`, version 15 to 17.";
    throw new IllustriousError("bad_file", `${path} is not OpenMoji's list of pictures`, hint, { cause });
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    const hint = "Give the folder of the unpacked npm package `openmoji`.";
    throw new IllustriousError("missing_file", `${path} cannot be read`, hint, { cause });
  });
}
