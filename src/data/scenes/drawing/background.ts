/** @file Backgrounds as SVG: the large fields, and what stands in front of them. Lengths are 1/128 of the picture's short side. */

import { type Dice, dice } from "../dice.ts";
import { hex } from "../palette.ts";
import type { Background, Place } from "../scene.ts";
import { fieldsOf, HORIZON } from "./fields.ts";

/** A picture of `width` x `height` units, of which the smaller is 128. */
export function backgroundSvg(background: Background, width: number, height: number): string {
  const fields = fieldsOf(background);
  const frame = `<rect width="${width}" height="${height}"`;
  if (background.kind === "plain") return `${frame} fill="${hex(fields[0]![1])}"/>`;
  const stops = fields.map(([share, colour]) => `<stop offset="${share}" stop-color="${hex(colour)}"/>`).join("");
  const painted = `<linearGradient id="bg" x2="0" y2="1">${stops}</linearGradient>${frame} fill="url(#bg)"/>`;
  if (background.kind === "gradient") return painted;
  const { place, detail } = background;
  return painted + DETAILS[place](dice(detail, "detail"), width, height, height * (HORIZON[place] ?? 1));
}

type Detail = (dice: Dice, width: number, height: number, horizon: number) => string;

const n = (value: number): string => String(Math.round(value * 10) / 10);
const circle = (x: number, y: number, r: number, rest: string) =>
  `<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" ${rest}/>`;
const ellipse = (x: number, y: number, rx: number, ry: number, rest: string) =>
  `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(rx)}" ry="${n(ry)}" ${rest}/>`;
const rect = (x: number, y: number, w: number, h: number, rest: string) =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" ${rest}/>`;
const path = (d: string, rest: string) => `<path d="${d}" ${rest}/>`;
const repeat = (times: number, draw: (i: number) => string) =>
  Array.from({ length: times }, (_, i) => draw(i)).join("");

/** A few per 128 x 128 units, more in a larger picture. */
const many = (perSquare: number, width: number, height: number) => Math.round((perSquare * width * height) / 128 ** 2);

function cloud(x: number, y: number, size: number): string {
  const puffs = [
    [-1.1, 0.1, 0.55],
    [-0.4, -0.3, 0.75],
    [0.45, -0.15, 0.65],
    [1.05, 0.15, 0.5],
  ] as const;
  const round = puffs.map(([dx, dy, r]) => circle(x + dx * size, y + dy * size, r * size, "")).join("");
  return `<g fill="#fff" opacity=".92">${round}${rect(x - 1.2 * size, y + 0.05 * size, 2.4 * size, 0.58 * size, `rx="${n(0.3 * size)}"`)}</g>`;
}

/** A hilly line from the left to the right edge, closed along the bottom. */
function hills(d: Dice, width: number, height: number, top: number, swing: number): string {
  const parts = Math.max(3, Math.round(width / 40));
  const step = width / parts;
  let line = `M0 ${n(height)}V${n(top + d.between(-swing, swing))}`;
  for (let i = 0; i < parts; i++)
    line += `q${n(step / 2)} ${n(d.between(-swing, swing))} ${n(step)} ${n(d.between(-swing / 2, swing / 2))}`;
  return `${line}V${n(height)}z`;
}

function pine(x: number, foot: number, size: number, fill: string): string {
  const tier = (y: number, w: number) => `M${n(x)} ${n(foot - y - size * 0.5)}l${n(w)} ${n(size * 0.5)}h${n(-2 * w)}z`;
  return path(tier(0, size * 0.34) + tier(size * 0.28, size * 0.27) + tier(size * 0.54, size * 0.2), `fill="${fill}"`);
}

const DETAILS: Record<Place, Detail> = {
  sky: (d, w, h) =>
    repeat(many(5, w, h), (i) =>
      cloud(d.between(0, w), h * (0.08 + 0.84 * ((i + d.next()) / many(5, w, h))), d.between(8, 14)),
    ),

  ocean: (d, w, h, y) =>
    cloud(d.between(0.1, 0.9) * w, y * d.between(0.25, 0.45), d.between(9, 12)) +
    cloud(d.between(0.1, 0.9) * w, y * d.between(0.6, 0.8), d.between(6, 9)) +
    repeat(many(12, w, h), () => {
      const down = d.next();
      const length = 8 + 16 * down;
      return path(
        `M${n(d.between(-0.1, 1) * w)} ${n(y + 4 + (h - y - 4) * down)}q${n(length / 4)} -2.5 ${n(length / 2)} 0t${n(length / 2)} 0`,
        'fill="none" stroke="#bfe6fb" stroke-width="1.6" stroke-linecap="round" opacity=".75"',
      );
    }),

  sunset: (d, w, h, y) => {
    const x = d.between(0.25, 0.75) * w;
    const glow = repeat(6, (i) => {
      const half = 16 - 1.6 * i + d.between(-3, 3);
      return rect(x - half, y + 3 + i * ((h - y) / 7), 2 * half, 2.2, 'rx="1.1"');
    });
    return (
      circle(x, y, 30, 'fill="#ffd27a" opacity=".35"') +
      path(`M${n(x - 19)} ${n(y)}a19 19 0 0 1 38 0z`, 'fill="#fff0a8"') +
      `<g fill="#ffc765" opacity=".8">${glow}</g>`
    );
  },

  night: (d, w, h) => {
    const x = d.between(0.12, 0.88) * w;
    const y = d.between(0.12, 0.2) * h;
    const stars = repeat(many(34, w, h), () => circle(d.between(0, w), d.between(0, h), d.between(0.5, 1.3), ""));
    return (
      `<g fill="#fff6d8">${stars}</g>` +
      circle(x, y, 17, 'fill="#fff3c4" opacity=".18"') +
      circle(x, y, 11, 'fill="#fff3c4"')
    );
  },

  meadow: (d, w, h, y) => {
    const colours = ["#fff", "#ffd84a", "#ff8fb4", "#f4f0ff"];
    const flowers = repeat(many(20, w, h), () => {
      const down = d.next();
      return circle(d.between(0, w), y + 6 + (h - y - 8) * down, 1 + 1.4 * down, `fill="${d.pick(colours)}"`);
    });
    return (
      cloud(d.between(0.1, 0.9) * w, y * d.between(0.2, 0.7), d.between(8, 12)) +
      path(hills(d, w, h, y, 9), 'fill="#7cc850"') +
      path(hills(d, w, h, y + (h - y) * 0.4, 7), 'fill="#57b344"') +
      flowers
    );
  },

  forest: (d, w, _height, y) => {
    const trees = Math.round(w / 15);
    const row = (foot: number, size: number, fill: string) =>
      repeat(trees, (i) => pine((w * (i + d.between(0.1, 0.9))) / trees, foot, size * d.between(0.85, 1.15), fill));
    return row(y - 6, 52, "#57a463") + row(y + 1, 66, "#2c7344") + row(y + 9, 40, "#1d5434");
  },

  room: (d, w, h, y) => {
    const x = d.between(0.02, 0.5) * w;
    const top = h * 0.07;
    const pane = 'fill="#a9defa" stroke="#fbf9ff" stroke-width="3"';
    const tall = h * 0.42;
    const side = d.chance(0.5) ? 0.06 : 0.84;
    const window =
      rect(x, top, 30, tall, pane) +
      rect(x + 30, top, 30, tall, pane) +
      path(`M${n(x - 5)} ${n(top - 4)}h20q-3 ${n(tall * 0.5)} -17 ${n(tall + 6)}h-3z`, 'fill="#f2a7b8"') +
      path(`M${n(x + 65)} ${n(top - 4)}h-20q3 ${n(tall * 0.5)} 17 ${n(tall + 6)}h3z`, 'fill="#f2a7b8"');
    const shelf = rect(w * side - 3, y - 34, 22, 34, 'fill="#b98a5e" stroke="#7c5034" stroke-width="1.4"');
    return `${window}${shelf}${rect(0, y - 2.5, w, 3.5, 'fill="#fbf9ff"')}`;
  },

  city: (d, w, h) => {
    const lights = ["#ffe27a", "#59f0ff", "#ff6ad0", "#ffe27a"];
    let out = "";
    for (const [low, high, fill] of [
      [0.22, 0.4, "#3b2166"],
      [0.4, 0.62, "#1a1238"],
    ] as const) {
      for (let x = d.between(-10, 0); x < w; ) {
        const wide = d.between(15, 24);
        const top = h * d.between(low, high);
        out += rect(x, top, wide + 0.5, h - top, `fill="${fill}"`);
        const lit = d.pick(lights);
        for (let y = top + 5; y < h; y += 8) {
          for (let k = x + 3; k < x + wide - 3; k += 5.5) {
            if (d.chance(0.5)) out += rect(k, y, 3, 4, `fill="${lit}"`);
          }
        }
        x += wide;
      }
    }
    return out;
  },

  snow: (d, w, h, y) => {
    const trees = Math.round(w / 18);
    const row = (size: number, fill: string) =>
      repeat(trees, (i) => pine((w * (i + d.between(0.1, 0.9))) / trees, y + 3, size * d.between(0.8, 1.2), fill));
    const flakes = repeat(many(42, w, h), () => circle(d.between(0, w), d.between(0, h), d.between(0.9, 2.2), ""));
    return (
      row(72, "#8fabc9") +
      row(50, "#5d80a6") +
      path(hills(d, w, h, y + 4, 5), 'fill="#fbfdff"') +
      `<g fill="#fff">${flakes}</g>`
    );
  },

  blossoms: (d, w, h, y) => {
    const branch = (x: number, side: 1 | -1) => {
      const reach = 40 * side;
      const puffs = repeat(9, (i) => {
        const along = (i + 0.5) / 9;
        const fill = ["#ffb7d1", "#ff9dc2", "#ffd0e0"][i % 3];
        return circle(x + reach * along * 1.1, 6 + 20 * along + d.between(-11, 7), d.between(6, 9.5), `fill="${fill}"`);
      });
      return (
        path(`M${n(x)} 2q${n(reach * 0.5)} 6 ${n(reach)} 24`, 'fill="none" stroke="#7a4a3c" stroke-width="4"') + puffs
      );
    };
    const petals = repeat(many(22, w, h), () =>
      ellipse(d.between(0, w), d.between(0.15, 1) * h, 1.9, 1.1, `fill="#ff9dc2" opacity=".9"`),
    );
    return path(hills(d, w, h, y, 3), 'fill="#f8bcd2"') + branch(-4, 1) + branch(w + 4, -1) + petals;
  },
};
