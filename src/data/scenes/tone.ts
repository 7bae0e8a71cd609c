/**
 * @file Tones: ways to change a whole picture's colours and sharpness. A tone gives the control tokens something to tell;
 * which tokens a picture gets is measured on its pixels, never taken from its tone's name.
 */

import type { Dice } from "./dice.ts";
import type { Rgb } from "./palette.ts";
import { type Background, PLAIN_TONE, type Tone, type ToneKind } from "./scene.ts";

const SHARES: readonly (readonly [ToneKind, number])[] = [
  ["plain", 0.44],
  ["dark", 0.09],
  ["bright", 0.07],
  ["muted", 0.09],
  ["vivid", 0.08],
  ["blurred", 0.1],
  ["low contrast", 0.06],
  ["high contrast", 0.07],
];

/** Tones that would make a black background grey, or a white one. */
const MOVES_BLACK_OR_WHITE: readonly ToneKind[] = ["dark", "bright", "low contrast"];

export function drawTone(d: Dice, background: Background, tones: boolean): Tone {
  const kind = d.weighted(SHARES);
  const tone = { ...PLAIN_TONE, kind, ...drawChange(d, kind) };
  const exact = background.kind === "plain" && (background.colour === "black" || background.colour === "white");
  return !tones || (exact && MOVES_BLACK_OR_WHITE.includes(kind)) ? PLAIN_TONE : tone;
}

function drawChange(d: Dice, kind: ToneKind): Partial<Tone> {
  const strength = d.next();
  const between = (from: number, to: number) => from + (to - from) * strength;
  switch (kind) {
    case "dark":
      return { brightness: -between(0.3, 0.62) };
    case "bright":
      return { brightness: between(0.18, 0.42) };
    case "muted":
      return { saturation: between(0.4, 0.65) };
    case "vivid":
      return { saturation: between(1.25, 1.7) };
    case "blurred":
      return { blur: between(0.007, 0.017) };
    case "low contrast":
      return { contrast: between(0.45, 0.68) };
    case "high contrast":
      return { contrast: between(1.3, 1.7) };
    case "plain":
      return {};
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
