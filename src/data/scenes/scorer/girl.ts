/**
 * @file Reading a girl: where her face is, and what colours her hair, eyes and dress have. Everything is looked up at points of the
 * drawing's own coordinates (`drawing/hair.ts`), after the place, size and tilt at which they fit best have been found.
 */

import type { Head } from "../layout.ts";
import { DRESS, EYES, HAIR, mix, type Rgb, SKIN } from "../palette.ts";
import type { Tone } from "../scene.ts";
import { colourToner } from "../tone.ts";
import { bell, type Canvas, distance, type Lab, lab, squaredDistance } from "./canvas.ts";
import { type Look, nearestLook, perTone } from "./looks.ts";

type Point = readonly [x: number, y: number];

const mirrored = (points: readonly Point[]): Point[] =>
  points.flatMap(([x, y]) =>
    x === 0
      ? [[x, y] as Point]
      : [
          [x, y],
          [-x, y],
        ],
  );

/** Between and below the eyes, beside mouth and blush. */
const SKIN_POINTS = mirrored([
  [0, 3.5],
  [0, 7],
  [0, 10],
  [3, 14.5],
  [7, 16],
  [9, 17.5],
  [6, 20],
]);
/** The crown above its shine, the temples, and the locks before the ears: hair in every style and fringe, off its outline. */
const HAIR_POINTS = mirrored([
  [0, -32.5],
  [5, -32.5],
  [10, -31],
  [15, -28.5],
  [21, -15],
  [24, -17],
  [25, -11],
  [26, -6],
  [26, -1],
  [24.5, 4],
  [24, 9],
  [24, 14],
]);
/** Irises off pupil and light. */
const EYE_POINTS = mirrored([
  [6.4, 6.5],
  [14.4, 6.5],
  [6.6, 9],
  [14.2, 9],
  [7.6, 11.5],
  [13.2, 11.5],
  [10.4, 13],
]);
/** Sleeves, and the trunk beside the collar; lower ones may lie below the picture. */
const DRESS_POINTS = mirrored([
  [24, 40],
  [27, 44],
  [30, 47],
  [26, 49],
  [18, 42],
  [17, 47],
  [20, 51],
  [28, 53],
]);

/**
 * Where a face was found. `face` says how much like one it is, at most 1; `skin` is its colour; `irises` how far those are from skin in
 * OKLab: little where they are blurred away.
 */
export type Fit = Head & { readonly tilt: number; readonly face: number; readonly skin: Lab; readonly irises: number };

type Place = Head & { readonly tilt: number };

/** Standard deviation, in OKLab, of colours that count as skin, or as one hair's. */
const SPREAD = 0.05;

/** The same of a face's mean colour, about the skin of a look: a painter's hand, and a model's, is not exact. */
export const SKIN_SPREAD = 0.08;

/** How much the places of skin are of one colour, and of a look's skin: 1 at most. */
function skinAt(canvas: Canvas, looks: readonly Look[], place: Place): { skin: Lab; evenness: number } {
  const colours = coloursAt(canvas, SKIN_POINTS, place);
  const skin = meanOf(colours);
  return { skin, evenness: share(colours, skin) * bell(skin, nearestLook(looks, skin).skin, SKIN_SPREAD) };
}

/**
 * How many of these points are like skin, and are all of one colour? A face fits in many places near its own; hair and irises do not.
 * What is like skin speaks against a face.
 */
function apart(canvas: Canvas, points: readonly Point[], place: Place, skin: Lab) {
  const colours = coloursAt(canvas, points, place);
  return { likeness: share(colours, skin), coherence: share(colours, meanOf(colours)) };
}

/** How many of the colours are this one. */
const share = (colours: readonly Lab[], one: Lab): number =>
  colours.reduce((sum, colour) => sum + bell(colour, one, SPREAD), 0) / colours.length;

function meanOf(colours: readonly Lab[]): Lab {
  let [lightness, a, b] = [0, 0, 0];
  for (const colour of colours) {
    lightness += colour[0];
    a += colour[1];
    b += colour[2];
  }
  return [lightness / colours.length, a / colours.length, b / colours.length];
}

function coloursAt(canvas: Canvas, points: readonly Point[], { x, y, scale, tilt }: Place): Lab[] {
  const turn = (tilt * Math.PI) / 180;
  const cos = scale * Math.cos(turn);
  const sin = scale * Math.sin(turn);
  return points.map(([px, py]) => canvas.at(x + px * cos - py * sin, y + px * sin + py * cos));
}

/** The best place of a face near where the layout has one: a wide and coarse search, then a narrow and fine one. */
export function findFace(canvas: Canvas, head: Head, looks: readonly Look[]): Fit {
  let best = { ...head, tilt: 0, face: 0, skin: looks[0]!.skin };
  let most = Number.NEGATIVE_INFINITY;
  const search = (around: Place, reach: number, step: number, scales: readonly number[], tilts: readonly number[]) => {
    for (let dy = -reach; dy <= reach; dy += step) {
      for (let dx = -reach; dx <= reach; dx += step) {
        for (const scale of scales) {
          for (const tilt of tilts) {
            const place = { x: around.x + dx, y: around.y + dy, scale: around.scale * scale, tilt: around.tilt + tilt };
            const { skin, evenness } = skinAt(canvas, looks, place);
            // Each group of points adds 1 at most, and is dear.
            if (evenness + 2 <= most) continue;
            const eyes = apart(canvas, EYE_POINTS, place, skin);
            if (evenness - 0.5 * eyes.likeness + eyes.coherence + 1 <= most) continue;
            const hair = apart(canvas, HAIR_POINTS, place, skin);
            const face = evenness - 0.5 * eyes.likeness - 0.5 * hair.likeness;
            const total = face + eyes.coherence + hair.coherence;
            if (total <= most) continue;
            most = total;
            best = { ...place, face, skin };
          }
        }
      }
    }
  };
  search(best, 8, 2, [0.92, 1, 1.08], [0]);
  search(best, 2, 1, [0.95, 1, 1.05], [-4, 0, 4]);
  search(best, 0.5, 0.5, [0.975, 1, 1.025], [-2, 0, 2]);
  const irises = coloursAt(canvas, EYE_POINTS, best);
  const away = irises.reduce((sum, colour) => sum + distance(colour, best.skin), 0) / irises.length;
  return { ...best, irises: away };
}

/** What a group of points shows: the name that most of them are nearest to, and how many that is. */
export type Reading<Name extends string> = { readonly name: Name; readonly share: number };

function read<Name extends string>(colours: readonly Lab[], palette: Record<Name, Rgb>, tone: Tone): Reading<Name> {
  const names = Object.keys(palette) as Name[];
  const toned = colourToner(tone);
  const samples = names.map((name) => lab(toned(palette[name])));
  const votes = names.map(() => 0);
  let count = 0;
  for (const colour of colours) {
    count++;
    let nearest = 0;
    for (let i = 1; i < samples.length; i++) {
      if (squaredDistance(colour, samples[i]!) < squaredDistance(colour, samples[nearest]!)) nearest = i;
    }
    if (squaredDistance(colour, samples[nearest]!) < FARTHEST ** 2) votes[nearest]!++;
  }
  const winner = votes.indexOf(Math.max(...votes));
  return { name: names[winner]!, share: votes[winner]! / count };
}

/** A colour farther than this from every entry is none of them, in OKLab. */
const FARTHEST = 0.16;

export const readHair = (canvas: Canvas, fit: Fit, tone: Tone): Reading<keyof typeof HAIR> =>
  read(coloursAt(canvas, HAIR_POINTS, fit), HAIR, tone);

/** How little like any hair in this tone her hair is: the least squared distance over a spread, on average of the points. */
export function hairCost(canvas: Canvas, fit: Fit, tone: Tone): number {
  const colours = coloursAt(canvas, HAIR_POINTS, fit);
  const costs = hairIn(tone).map((sample) =>
    colours.reduce((sum, colour) => sum + Math.min(squaredDistance(colour, sample), FARTHEST ** 2), 0),
  );
  return Math.min(...costs) / colours.length / HAIR_SPREAD ** 2;
}
const HAIR_SPREAD = 0.06;

const hairIn = perTone((tone) => Object.values(HAIR).map((colour) => lab(colourToner(tone)(colour))));

/** An iris is small: what blur brings into it from around is taken into account. */
export function readEyes(canvas: Canvas, fit: Fit, tone: Tone): Reading<keyof typeof EYES> {
  const veil = Math.min(MOST_VEILED, VEIL_OF_BLUR * Math.hypot(tone.blur, canvas.softness));
  const veiled = Object.entries(EYES).map(([name, colour]) => [name, mix(colour, SKIN, veil)]);
  return read(coloursAt(canvas, EYE_POINTS, fit), Object.fromEntries(veiled) as typeof EYES, tone);
}

/** The share of skin's colour in an iris, measured on blurred scenes, rises with blur: a third at a sixtieth of the side. */
const VEIL_OF_BLUR = 20;
const MOST_VEILED = 0.4;

export function readDress(canvas: Canvas, fit: Fit, tone: Tone): Reading<keyof typeof DRESS> {
  const seen = DRESS_POINTS.filter(([, y]) => fit.y + y * fit.scale < canvas.height);
  return read(coloursAt(canvas, seen, fit), DRESS, tone);
}
