/**
 * @file Tones: ways to change a whole picture's colours and sharpness. A tone gives the control tokens something to tell;
 * which tokens a picture gets is measured on its pixels, never taken from its tone's name.
 */

import type { Dice } from "./dice.ts";
import type { Rgb } from "./palette.ts";
import { type Background, PLAIN_TONE, type Tone, type ToneChange } from "./scene.ts";

/** `vivid`: every picture more saturated, and none before black or white; nothing else is changed. */
export type Tones = "none" | "some" | "all" | "vivid";

/** How many changes a picture has: two at once keep a model from taking one for the other. */
const COUNTS = {
  some: [
    [0, 0.45],
    [1, 0.35],
    [2, 0.2],
  ],
  all: [
    [1, 0.5],
    [2, 0.5],
  ],
} as const;

/** Each kind of change with the directions that it has. */
const CHANGES = {
  brightness: ["dark", "bright"],
  saturation: ["muted", "vivid"],
  contrast: ["low contrast", "high contrast"],
  sharpness: ["blurred", "sharpened"],
} as const satisfies Record<string, readonly ToneChange[]>;

/**
 * Where saturation alone is changed. Captions tell vivid and muted pictures from others, so guidance leads away from both, and all guidance adds
 * saturation: more vivid pictures than muted ones weigh against that.
 */
const SATURATIONS = [
  ["vivid", 0.8],
  ["muted", 0.2],
] as const satisfies readonly (readonly [ToneChange, number])[];

const KINDS = Object.keys(CHANGES) as (keyof typeof CHANGES)[];

/**
 * Two kinds at once, and how often. Contrast moves edges as much as areas, and a change of saturation moves colourfulness as much as saturation: most
 * pairs part such measures.
 */
const PAIRS = [
  [["contrast", "sharpness"], 0.35],
  [["brightness", "saturation"], 0.35],
  [["brightness", "contrast"], 0.075],
  [["brightness", "sharpness"], 0.075],
  [["saturation", "contrast"], 0.075],
  [["saturation", "sharpness"], 0.075],
] as const satisfies readonly (readonly [readonly [keyof typeof CHANGES, keyof typeof CHANGES], number])[];

/** Pairs whose one measure follows the other's: only what takes them apart. Brighter colours are paler, and stronger edges are sharper. */
const OPPOSED: { readonly [pair: string]: readonly (readonly [ToneChange, ToneChange])[] } = {
  "contrast, sharpness": [
    ["low contrast", "sharpened"],
    ["high contrast", "blurred"],
  ],
  "brightness, saturation": [
    ["dark", "muted"],
    ["bright", "vivid"],
  ],
};

/** Changes that would make a black background grey, or a white one: contrast does near a girl. */
const MOVES_BLACK_OR_WHITE: readonly ToneChange[] = ["dark", "bright", "low contrast", "high contrast"];

/** Of `all`, too, exact black and white backgrounds stay what they are. */
export function drawTone(d: Dice, background: Background, tones: Tones = "some"): Tone {
  if (tones === "none") return PLAIN_TONE;
  if (tones === "vivid") return changedTone([["vivid", d.next()]]);
  const exact = background.kind === "plain" && (background.colour === "black" || background.colour === "white");
  const changes = drawChanges(d, d.weighted<number>(COUNTS[tones])).filter(
    (change) => !exact || !MOVES_BLACK_OR_WHITE.includes(change),
  );
  return changedTone(changes.map((change) => [change, d.next()]));
}

function drawChanges(d: Dice, count: number): ToneChange[] {
  if (count < 2)
    return d
      .shuffled(KINDS)
      .slice(0, count)
      .map((kind) => (kind === "saturation" ? d.weighted(SATURATIONS) : d.pick<ToneChange>(CHANGES[kind])));
  const [one, other] = d.weighted<(typeof PAIRS)[number][0]>(PAIRS);
  const opposed = OPPOSED[`${one}, ${other}`];
  return opposed === undefined ? [d.pick(CHANGES[one]), d.pick(CHANGES[other])] : [...d.pick(opposed)];
}

/** The tone of these changes, each with its strength from 0 to 1 of what scenes have. */
export function changedTone(changes: readonly (readonly [change: ToneChange, strength: number])[]): Tone {
  const numbers = changes.map(([change, strength]) => numbersOf(change, strength));
  return Object.assign({ ...PLAIN_TONE, changes: changes.map(([change]) => change) }, ...numbers) as Tone;
}

/** @param strength 0 to 1 */
function numbersOf(change: ToneChange, strength: number): Partial<Tone> {
  const between = (from: number, to: number) => from + (to - from) * strength;
  switch (change) {
    case "dark":
      return { brightness: -between(0.25, 0.6) };
    case "bright":
      return { brightness: between(0.2, 0.65) };
    case "muted":
      return { saturation: between(0.4, 0.7) };
    case "vivid":
      return { saturation: between(1.25, 1.7) };
    case "blurred":
      return { blur: between(0.006, 0.016) };
    case "sharpened":
      return { sharpening: between(0.5, 1.6) };
    case "low contrast":
      return { contrast: between(0.5, 0.72) };
    case "high contrast":
      return { contrast: between(1.25, 1.6) };
  }
}

const RED = 0.299;
const GREEN = 0.587;
const BLUE = 0.114;

const clamped = (value: number) => (value < 0 ? 0 : value > 255 ? 255 : value);

/** What a tone makes of luma: contrast about middle grey, which is the area's matter and leaves its lines, then brightness. */
function tonedLuma(luma: number, area: number, { contrast, brightness }: Tone): number {
  const contrasted = clamped(luma + (area - 127.5) * (contrast - 1));
  return brightness < 0 ? contrasted * (1 + brightness) : contrasted + (255 - contrasted) * brightness;
}

/**
 * What a tone makes of a colour's distance from its grey. Contrast leaves it, as brighter does; darker takes from it what it takes from luma, which
 * leaves HSV's saturation. Were every channel changed alike by all three, they would move colourfulness or saturation as much as themselves, and
 * pictures could not teach a model the difference.
 */
const chromaFactor = ({ saturation, brightness }: Tone) => saturation * (brightness < 0 ? 1 + brightness : 1);

/** What a tone makes of one colour, but for its blur and sharpening. */
export function colourToner(tone: Tone): (colour: Rgb) => Rgb {
  const pixel = new Uint8Array(3);
  return (colour) => {
    pixel.set(colour);
    toneInPlace(pixel, tone);
    return [pixel[0]!, pixel[1]!, pixel[2]!];
  };
}

/**
 * Changes pixels: luma by contrast and brightness, and the distance from grey by a factor. Blur and sharpening are not its matter.
 *
 * @param areas the same pixels, blurred: contrast moves their luma, and what stands out from it keeps its distance. Without them contrast moves
 *   lines as well, and sharpness with them.
 */
export function toneInPlace(rgb: Uint8Array, tone: Tone, areas: Uint8Array = rgb): void {
  if (tone.saturation === 1 && tone.contrast === 1 && tone.brightness === 0) return;
  const chroma = chromaFactor(tone);
  for (let i = 0; i < rgb.length; i += 3) {
    const luma = RED * rgb[i]! + GREEN * rgb[i + 1]! + BLUE * rgb[i + 2]!;
    const area = RED * areas[i]! + GREEN * areas[i + 1]! + BLUE * areas[i + 2]!;
    const toned = tonedLuma(luma, area, tone);
    for (let c = i; c < i + 3; c++) rgb[c] = Math.round(clamped(toned + (rgb[c]! - luma) * chroma));
  }
}

/**
 * An unsharp mask: each value moves away from a blurred picture's.
 *
 * @param blurred the same pixels, blurred
 * @param amount what of the difference is added
 */
export function sharpenInPlace(rgb: Uint8Array, blurred: Uint8Array, amount: number): void {
  for (let i = 0; i < rgb.length; i++) rgb[i] = Math.round(clamped(rgb[i]! + amount * (rgb[i]! - blurred[i]!)));
}
