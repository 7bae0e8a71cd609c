/**
 * @file Tones: ways to change a whole picture's colours and sharpness. A tone gives the control tokens something to tell;
 * which tokens a picture gets is measured on its pixels, never taken from its tone's name.
 */

import type { Dice } from "./dice.ts";
import type { Rgb } from "./palette.ts";
import { type Background, PLAIN_TONE, type Tone, type ToneChange } from "./scene.ts";

export type Tones = "none" | "some" | "all";

/** How many changes a picture has: two at once keep a model from taking one for the other. */
const COUNTS = {
  some: [
    [0, 0.45],
    [1, 0.35],
    [2, 0.2],
  ],
  all: [
    [1, 0.6],
    [2, 0.4],
  ],
} as const;

/** Each kind of change with the directions that it has. */
const CHANGES: readonly (readonly ToneChange[])[] = [
  ["dark", "bright"],
  ["muted", "vivid"],
  ["low contrast", "high contrast"],
  ["blurred"],
];

/** Changes that would make a black background grey, or a white one. */
const MOVES_BLACK_OR_WHITE: readonly ToneChange[] = ["dark", "bright", "low contrast"];

/** Of `all`, too, exact black and white backgrounds stay what they are. */
export function drawTone(d: Dice, background: Background, tones: Tones = "some"): Tone {
  if (tones === "none") return PLAIN_TONE;
  const exact = background.kind === "plain" && (background.colour === "black" || background.colour === "white");
  const kinds = d.shuffled(CHANGES).slice(0, d.weighted<number>(COUNTS[tones]));
  const changes = kinds
    .map((kind) => d.pick(kind))
    .filter((change) => !exact || !MOVES_BLACK_OR_WHITE.includes(change));
  return changedTone(changes.map((change) => [change, d.next()]));
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
      return { brightness: between(0.15, 0.4) };
    case "muted":
      return { saturation: between(0.4, 0.7) };
    case "vivid":
      return { saturation: between(1.25, 1.7) };
    case "blurred":
      return { blur: between(0.006, 0.016) };
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

/** What a tone makes of a value of one channel, once saturation is done: contrast about middle grey, then brightness. */
function curveOf({ contrast, brightness }: Tone): Float64Array {
  return Float64Array.from({ length: 256 }, (_, value) => {
    const contrasted = clamped(127.5 + (value - 127.5) * contrast);
    return brightness < 0 ? contrasted * (1 + brightness) : contrasted + (255 - contrasted) * brightness;
  });
}

/** What a tone makes of one colour, but for its blur. */
export function colourToner(tone: Tone): (colour: Rgb) => Rgb {
  const curve = curveOf(tone);
  const pixel = new Uint8Array(3);
  return (colour) => {
    pixel.set(colour);
    through(pixel, tone.saturation, curve);
    return [pixel[0]!, pixel[1]!, pixel[2]!];
  };
}

/** Changes pixels: saturation about luma first, then the curve. Blur is not its matter. */
export function toneInPlace(rgb: Uint8Array, tone: Tone): void {
  if (tone.saturation === 1 && tone.contrast === 1 && tone.brightness === 0) return;
  through(rgb, tone.saturation, curveOf(tone));
}

function through(rgb: Uint8Array, saturation: number, curve: Float64Array): void {
  for (let i = 0; i < rgb.length; i += 3) {
    const grey = RED * rgb[i]! + GREEN * rgb[i + 1]! + BLUE * rgb[i + 2]!;
    for (let c = i; c < i + 3; c++)
      rgb[c] = Math.round(curve[Math.round(clamped(grey + (rgb[c]! - grey) * saturation))]!);
  }
}
