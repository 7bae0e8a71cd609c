/**
 * @file Reading a background: which of all backgrounds makes the colours around the girls most likely. A background is a mixture of the
 * field's colour at that height, of what stands in front of it, and of anything at all; points that a girl's hair hides are "anything"
 * for every background alike, so her style need not be known.
 */

import { fieldsOf, OBJECTS } from "../drawing/fields.ts";
import type { Layout } from "../layout.ts";
import { mix, PLAIN, type PlainColour, type Rgb } from "../palette.ts";
import { type Background, PLACES, type Tone } from "../scene.ts";
import { colourToner } from "../tone.ts";
import { bell, type Canvas, type Lab, lab } from "./canvas.ts";
import { perTone } from "./looks.ts";

/** Shares of a background's points: its field, its objects if it has any, and anything. */
const FIELD = 0.7;
const FIELD_AMONG_OBJECTS = 0.45;
const OBJECTS_SHARE = 0.35;

/** Standard deviation of a painted colour as it is seen, in OKLab. */
const SPREAD = 0.037;

/** OKLab's volume that sRGB fills, about: what a colour's density is when it may be any. */
const ANYTHING = 1 / 0.05;

const PEAK = 1 / (SPREAD * Math.sqrt(2 * Math.PI)) ** 3;

/** Every this many units a point. */
const STEP = 4;

type Model = {
  readonly background: Background;
  readonly fieldAt: (share: number) => Lab;
  readonly objects: readonly Lab[];
};

/** How likely a background must be at least, in natural logarithms a point over "anything": noise stays below. */
const LEAST_EVIDENCE = 0.6;

/** The background that fits best, or none; `evidence` in natural logarithms a point. A place's details are not read. */
export function readBackground(
  canvas: Canvas,
  layout: Layout,
  tone: Tone,
): { background: Background | undefined; evidence: number } {
  const points = freePoints(canvas, layout);
  let best: Background | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const model of modelsFor(tone)) {
    const objects = model.objects.length > 0;
    const field = objects ? FIELD_AMONG_OBJECTS : FIELD;
    const others = objects ? OBJECTS_SHARE / model.objects.length : 0;
    const anything = 1 - field - (objects ? OBJECTS_SHARE : 0);
    let sum = 0;
    for (const { share, colour } of points) {
      let density = anything * ANYTHING + field * PEAK * bell(colour, model.fieldAt(share), SPREAD);
      for (const object of model.objects) density += others * PEAK * bell(colour, object, SPREAD);
      sum += Math.log(density / ANYTHING);
    }
    if (sum <= most) continue;
    most = sum;
    best = model.background;
  }
  const evidence = most / points.length;
  return { background: evidence >= LEAST_EVIDENCE ? best : undefined, evidence };
}

/** The same to a viewer: details of a place may differ. */
export function sameBackground(a: Background, b: Background): boolean {
  if (a.kind === "plain") return b.kind === "plain" && a.colour === b.colour;
  if (a.kind === "gradient") return b.kind === "gradient" && a.top === b.top && a.bottom === b.bottom;
  return b.kind === "place" && a.place === b.place;
}

/** Places around the heads and beside the bodies. */
function freePoints(canvas: Canvas, { heads }: Layout): { share: number; colour: Lab }[] {
  const hidden = (x: number, y: number) =>
    heads.some((head) => {
      const dx = Math.abs(x - head.x) / head.scale;
      const dy = (y - head.y) / head.scale;
      return dy < 24 ? Math.hypot(dx / 38, (dy + 2) / 44) < 1 : dx < 42;
    });
  const points = [];
  for (let y = 2; y < canvas.height; y += STEP) {
    for (let x = 2; x < canvas.width; x += STEP) {
      if (!hidden(x, y)) points.push({ share: y / canvas.height, colour: canvas.at(x, y) });
    }
  }
  return points;
}

const modelsFor = perTone((tone): Model[] => {
  const toned = colourToner(tone);
  const seen = (colour: Rgb) => lab(toned(colour));
  const plains = Object.keys(PLAIN) as PlainColour[];
  const all: Background[] = [
    ...plains.map((colour) => ({ kind: "plain", colour }) as const),
    ...plains.flatMap((top) =>
      plains.filter((c) => c !== top).map((bottom) => ({ kind: "gradient", top, bottom }) as const),
    ),
    ...PLACES.map((place) => ({ kind: "place", place, detail: 0 }) as const),
  ];
  return all.map((background) => {
    const rows = Array.from({ length: ROWS }, (_, i) => seen(fieldAt(background, (i + 0.5) / ROWS)));
    return {
      background,
      fieldAt: (share) => rows[Math.min(ROWS - 1, Math.floor(share * ROWS))]!,
      objects: background.kind === "place" ? OBJECTS[background.place].map(seen) : [],
    };
  });
});

const ROWS = 40;

function fieldAt(background: Background, share: number): Rgb {
  const stops = fieldsOf(background);
  const next = stops.findIndex(([at]) => at > share);
  if (next <= 0) return stops.at(next === 0 ? 0 : -1)![1];
  const [from, a] = stops[next - 1]!;
  const [to, b] = stops[next]!;
  return mix(a, b, (share - from) / (to - from));
}
