/**
 * @file The emoji as a folder to train with: `train/` and `held-out/` with pictures and captions beside them, and `held-out.json`, what a
 * model is asked and what colour its picture should have.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { examinationPrompt, trainingCaptions } from "./captions.ts";
import type { ColourName } from "./colour-names.ts";
import { readEmoji, renderEmoji } from "./emoji.ts";
import { type PlannedPicture, type PlanOptions, planSet, shuffled } from "./plan.ts";

export type Question = {
  readonly prompt: string;
  readonly name: string;
  readonly colour: ColourName;
  readonly natural: ColourName | null;
  readonly drawnBy: "openmoji" | "recoloured";
  /** The true picture, beside `held-out.json`. */
  readonly picture: string;
};

/** Pixels a side. */
const SIZE = 128;

/**
 * Yields how many pictures are written.
 *
 * @param source the unpacked npm package `openmoji`
 * @throws IllustriousError `missing_file`, `bad_file`
 */
export async function* writeEmojiSet(
  source: string,
  folder: string,
  { size = SIZE, ...options }: PlanOptions & { readonly size?: number } = {},
): AsyncGenerator<{ readonly done: number; readonly total: number }, void> {
  const { training, heldOut } = planSet(await readEmoji(source), options);
  const asked = shuffled(heldOut, ({ name, colour }) => `${colour} ${name}`);
  const total = training.length + asked.length;
  await mkdir(join(folder, "train"), { recursive: true });
  await mkdir(join(folder, "held-out"), { recursive: true });
  for (const [i, it] of training.entries()) {
    await writePicture(join(folder, "train", numbered(i)), it, trainingCaptions(it), size);
    yield { done: i + 1, total };
  }
  const questions: Question[] = [];
  for (const [i, it] of asked.entries()) {
    const prompt = examinationPrompt(it, i);
    await writePicture(join(folder, "held-out", numbered(i)), it, [prompt], size);
    const { name, colour, natural = null, drawnBy } = it;
    questions.push({ prompt, name, colour, natural, drawnBy, picture: `held-out/${numbered(i)}.png` });
    yield { done: training.length + i + 1, total };
  }
  await writeFile(join(folder, "held-out.json"), `${JSON.stringify(questions, null, 2)}\n`);
}

const numbered = (i: number) => String(i).padStart(4, "0");

async function writePicture(path: string, { svg }: PlannedPicture, lines: readonly string[], size: number) {
  const { width, height, rgb } = await renderEmoji(svg, size);
  const raw = { width, height, channels: 3 } as const;
  await sharp(rgb, { raw }).png({ compressionLevel: 6 }).toFile(`${path}.png`);
  await writeFile(`${path}.txt`, `${lines.join("\n")}\n`);
}
