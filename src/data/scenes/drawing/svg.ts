/** @file A scene as SVG text, for a picture of any size. */

import { layoutOf, type Size } from "../layout.ts";
import type { Scene } from "../scene.ts";
import { backgroundSvg } from "./background.ts";
import { girlSvg } from "./girl.ts";

/** The picture before its tone: what `renderScene` draws. */
export function svgOf(scene: Scene, size: Size = 128): string {
  const { width, height, unit, heads } = layoutOf(scene.girls.length, size);
  const girls = scene.girls.map((girl, i) => {
    const { x, y, scale } = heads[i]!;
    const { pose } = girl;
    const place = `translate(${n(x + pose.x)} ${n(y + pose.y)}) rotate(${n(pose.tilt)}) scale(${n(scale * pose.scale)})`;
    return `<g transform="${place}">${girlSvg(girl)}</g>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.round(width * unit)}" height="${Math.round(height * unit)}" ` +
    `viewBox="0 0 ${n(width)} ${n(height)}">${backgroundSvg(scene.background, width, height)}${girls.join("")}</svg>`
  );
}

const n = (value: number) => String(Math.round(value * 1000) / 1000);
