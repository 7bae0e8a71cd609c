/** @file A scene's pixels. */

import sharp from "sharp";
import { IllustriousError } from "../../../base/error.ts";
import { layoutOf, type Size } from "../layout.ts";
import type { Scene } from "../scene.ts";
import { toneInPlace } from "../tone.ts";
import { svgOf } from "./svg.ts";

export type ScenePicture = {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** 8-bit sRGB, row by row from the top. */
  readonly rgb: Uint8Array;
};

/**
 * Draws a scene, and gives it its tone.
 *
 * @param size pixels: a square's side, or both
 * @throws IllustriousError `bad_option` for impossible sides; `unsupported` when this process has blocked SVG
 */
export async function renderScene(scene: Scene, size: Size = 128): Promise<ScenePicture> {
  const { width, height, unit } = layoutOf(scene.girls.length, size);
  const { tone } = scene;
  const drawing = sharp(Buffer.from(svgOf(scene, size)));
  const toned = tone.blur === 0 ? drawing : drawing.blur(tone.blur * 128 * unit);
  const { data, info } = await toned
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
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
  toneInPlace(picture.rgb, tone);
  return picture;
}
