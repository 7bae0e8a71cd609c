/** @file A scene's pixels. */

import sharp from "sharp";
import { IllustriousError } from "../../../base/error.ts";
import { layoutOf, type Size } from "../layout.ts";
import type { Scene } from "../scene.ts";
import { sharpenInPlace, toneInPlace } from "../tone.ts";
import { svgOf } from "./svg.ts";

export type ScenePicture = {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** 8-bit sRGB, row by row from the top. */
  readonly rgb: Uint8Array;
};

/** Standard deviation of the blur that sharpening goes by, as a share of the short side: a pixel and a half of 128. */
const SHARPENED_RADIUS = 0.012;

/** The same of the blur that leaves areas without their lines, for contrast. */
const AREA_RADIUS = 0.05;

/** Pixels: sharp blurs by no less. */
const LEAST_SIGMA = 0.3;

/**
 * Draws a scene, and gives it its tone.
 *
 * @param size pixels: a square's side, or both
 * @throws IllustriousError `bad_option` for impossible sides; `unsupported` when this process has blocked SVG
 */
export async function renderScene(scene: Scene, size: Size = 128): Promise<ScenePicture> {
  const { width, height, unit } = layoutOf(scene.girls.length, size);
  const { tone } = scene;
  const svg = Buffer.from(svgOf(scene, size));
  const drawn = async (blur: number) => {
    const drawing = sharp(svg);
    const blurred = blur === 0 ? drawing : drawing.blur(Math.max(LEAST_SIGMA, blur * 128 * unit));
    return blurred.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  };
  const { data, info } = await drawn(tone.blur).catch((cause: unknown) => {
    throw new IllustriousError(
      "unsupported",
      `the drawing of a scene did not render: ${cause instanceof Error ? cause.message : cause}`,
      "Scenes are drawn through sharp's SVG reader; do not block VipsForeignLoadSvg in this process.",
      { cause },
    );
  });
  const picture = { width: Math.round(width * unit), height: Math.round(height * unit), rgb: new Uint8Array(data) };
  if (info.width !== picture.width || info.height !== picture.height) {
    throw new IllustriousError(
      "internal",
      `internal: drew ${info.width} x ${info.height} for ${picture.width} x ${picture.height}`,
    );
  }
  if (tone.sharpening > 0) sharpenInPlace(picture.rgb, (await drawn(SHARPENED_RADIUS)).data, tone.sharpening);
  toneInPlace(picture.rgb, tone, tone.contrast === 1 ? undefined : (await drawn(AREA_RADIUS)).data);
  return picture;
}
