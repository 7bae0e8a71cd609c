/**
 * @file Scenes as a folder of pictures with captions beside them, as kohya's trainers read it: `<seed>.png`, and `<seed>.txt`
 * whose lines are so many ways to tell the scene (`enable_wildcard` takes one of them each time).
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { exists } from "../../formats/exists.ts";
import { controlTokensOf } from "./control.ts";
import { renderScene } from "./drawing/render.ts";
import { type SceneOptions, sceneAt } from "./scene-at.ts";
import { trainingCaption } from "./training-caption.ts";

export type SceneSetOptions = SceneOptions & {
  readonly first?: number;
  readonly count: number;
  /** Pixels a side. Default 256. */
  readonly size?: number;
  /** Ways to tell each scene. Default 8. */
  readonly captions?: number;
};

/** Yields how many are written. Pictures whose caption is already there are left alone, so that a stopped run goes on. */
export async function* writeSceneSet(folder: string, options: SceneSetOptions): AsyncGenerator<number, void> {
  const { first = 0, count, size = 256, captions = 8, ...scenes } = options;
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const seed = first + i;
    const name = join(folder, String(seed).padStart(7, "0"));
    if (!(await exists(`${name}.txt`))) {
      const scene = sceneAt(seed, scenes);
      const picture = await renderScene(scene, size);
      const tokens = controlTokensOf(picture);
      const told = scenes.tones === "all" ? "always" : "often";
      const lines = Array.from({ length: captions }, (_, k) => trainingCaption(scene, seed * 64 + k, { tokens, told }));
      const { width, height, rgb } = picture;
      await sharp(Buffer.from(rgb), { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 6 })
        .toFile(`${name}.png`);
      // Last, because it says that the picture is whole.
      await writeFile(`${name}.txt`, `${lines.join("\n")}\n`);
    }
    yield i + 1;
  }
}
