/** @file A girl as SVG: head, face and dress, in the coordinates of `hair.ts`. */

import { DRESS, EYES, HAIR, hex, mix, type Paint, paint, type Rgb, SKIN, TRIM } from "../palette.ts";
import type { Girl, Mouth } from "../scene.ts";
import { hairBefore, hairBehind } from "./hair.ts";

const path = (d: string, rest: string) => `<path d="${d}" ${rest}/>`;

const BLUSH: Rgb = [0xff, 0x8a, 0x8a];
const SKIN_SHADE = hex(mix(SKIN, [0xd8, 0x78, 0x78], 0.38));
const SKIN_LINE = "#8a4a48";
const INK = "#2b1a2c";

/** How far below the face's middle the body goes on: past the edge of any picture. */
const BODY = 500;

export function girlSvg(girl: Girl): string {
  const hair = paint(HAIR[girl.hair]);
  const dress = paint(DRESS[girl.dress]);
  return [
    hairBehind(girl, hair, dress),
    body(girl, dress, trimOf(girl, dress)),
    face(),
    eyes(EYES[girl.eyes], hair),
    path(MOUTHS[girl.mouth].d, MOUTHS[girl.mouth].rest),
    hairBefore(girl, hair, dress),
  ].join("");
}

type Trimming = { sash: string; bow: string; hem: string };

function trimOf({ trim }: Girl, dress: Paint): Trimming {
  if (trim === "plain") return { sash: dress.shade, bow: dress.shade, hem: dress.light };
  const colour = hex(TRIM[trim]);
  return { sash: colour, bow: colour, hem: colour };
}

function body({ pose }: Girl, dress: Paint, trim: Trimming): string {
  const outline = `stroke="${dress.line}" stroke-width="1.5" stroke-linejoin="round"`;
  const arm = path(`M24 50L34 52Q35 66 32 ${BODY}H22z`, `fill="${hex(SKIN)}" stroke="${SKIN_LINE}" stroke-width="1.2"`);
  const sleeve =
    path("M10 31Q24 30 32 40Q39 50 36 58Q29 63 20 59Q16 46 10 31z", `fill="${dress.base}" ${outline}`) +
    path("M26 40Q30 46 30 54", `fill="none" stroke="${dress.shade}" stroke-width="1.6" stroke-linecap="round"`);
  const neck = path("M-7 16H7V32Q0 40 -7 32z", `fill="${SKIN_SHADE}"`);
  const trunk = path(
    `M-10 31Q-22 34 -23 46Q-21 58 -19 66Q-30 84 -33 110V${BODY}H33V110Q30 84 19 66Q21 58 23 46Q22 34 10 31Q0 ${pose.collar === 1 ? 46 : 40} -10 31z`,
    `fill="${dress.base}" ${outline}`,
  );
  const waist = path("M-19.5 63Q0 68 19.5 63V69Q0 74 -19.5 69z", `fill="${trim.sash}"`);
  const folds = path(
    `M-9 74Q-12 90 -13 110M9 74Q12 90 13 110`,
    `fill="none" stroke="${dress.shade}" stroke-width="1.8" stroke-linecap="round"`,
  );
  return (
    arm + flipped(arm) + neck + trunk + waist + folds + sleeve + flipped(sleeve) + collar(pose.collar, trim, outline)
  );
}

const flipped = (content: string) => `<g transform="scale(-1 1)">${content}</g>`;

function collar(kind: 0 | 1 | 2, trim: Trimming, outline: string): string {
  // A bow on a white collar, a light hem, and a sailor's collar.
  if (kind === 0) {
    return (
      path("M-13 30Q-6 36 0 38Q6 36 13 30L17 39Q8 46 0 41Q-8 46 -17 39z", `fill="#fff" ${outline}`) +
      path("M0 42L-9 37V48zM0 42L9 37V48z", `fill="${trim.bow}" ${outline}`)
    );
  }
  if (kind === 1)
    return path("M-11 31.5Q0 47 11 31.5", `fill="none" stroke="${trim.hem}" stroke-width="4" stroke-linecap="round"`);
  return path("M-12 30L0 48L12 30L21 35L2 58H-2L-21 35z", `fill="${trim.hem}" ${outline}`);
}

function face(): string {
  const shape = "M-21 -14C-22 2 -21 12 -13 19Q-6 25 0 25.5Q6 25 13 19C21 12 22 2 21 -14Q0 -26 -21 -14z";
  const blush = (x: number) => `<ellipse cx="${x}" cy="13.5" rx="4.6" ry="2.6" fill="${hex(BLUSH)}" opacity=".5"/>`;
  return (
    path(shape, `fill="${hex(SKIN)}" stroke="${SKIN_LINE}" stroke-width="1.2"`) +
    // The fringe's shadow.
    path("M-20 -10Q0 -2 20 -10L20 -5Q0 3 -20 -5z", `fill="${SKIN_SHADE}" opacity=".6"`) +
    blush(-14) +
    blush(14) +
    path("M-.6 12.6L.8 13.4", `fill="none" stroke="${SKIN_LINE}" stroke-width="1" stroke-linecap="round"`)
  );
}

/** Both irises are one large field of colour: at 128 pixels an eye of one of two girls is ten pixels wide. */
function eyes(colour: Rgb, hair: Paint): string {
  const dark = hex(mix(colour, [0x12, 0x08, 0x20], 0.6));
  const bright = hex(mix(colour, [255, 255, 255], 0.4));
  const eye = (x: number, side: 1 | -1) =>
    `<ellipse cx="${x}" cy="6" rx="7" ry="8" fill="#fff"/>` +
    `<ellipse cx="${x}" cy="6.2" rx="6" ry="7.8" fill="${hex(colour)}"/>` +
    path(`M${x - 5.9} 5A6 7.8 0 0 1 ${x + 5.9} 5Q${x} 1.4 ${x - 5.9} 5z`, `fill="${dark}"`) +
    `<ellipse cx="${x}" cy="6.4" rx="2.2" ry="3.1" fill="${dark}"/>` +
    `<ellipse cx="${x}" cy="11" rx="3" ry="1.6" fill="${bright}"/>` +
    `<circle cx="${x - 2.2}" cy="2.6" r="2" fill="#fff"/>` +
    // The upper lashes, thick, ending in a wing outwards.
    path(
      `M${x - 6.6 * side} 2.6Q${x - 3 * side} -2.6 ${x + 2 * side} -2Q${x + 6.4 * side} -1 ${x + 8.2 * side} 3.4Q${x + 5 * side} .6 ${x} .4Q${x - 4 * side} .4 ${x - 6.6 * side} 2.6z`,
      `fill="${INK}"`,
    );
  const brow = (x: number, side: 1 | -1) =>
    path(
      `M${x - 4 * side} -6.4Q${x} -8 ${x + 4.4 * side} -6`,
      `fill="none" stroke="${hair.line}" stroke-width="1.2" stroke-linecap="round"`,
    );
  return eye(-10.4, -1) + eye(10.4, 1) + brow(-10.4, -1) + brow(10.4, 1);
}

const STROKE = `fill="none" stroke="#a03a44" stroke-width="1.5" stroke-linecap="round"`;

const MOUTHS: Record<Mouth, { d: string; rest: string }> = {
  smile: { d: "M-4.4 17.4Q0 21.4 4.4 17.4", rest: STROKE },
  open: { d: "M-4.2 16.8H4.2Q3.6 22.6 0 22.6T-4.2 16.8z", rest: `fill="#c8414e" stroke="#8a2a38" stroke-width="1"` },
  closed: { d: "M-3 18.6H3", rest: STROKE },
  smirk: { d: "M-3.6 19Q1.4 20.6 4.8 16.6", rest: STROKE },
  frown: { d: "M-3.8 20.2Q0 16.6 3.8 20.2", rest: STROKE },
};
