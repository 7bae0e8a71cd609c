/**
 * @file Pictures of a model while it learns, made as `generate` makes them: through files, on the noise schedule that it is trained
 * with. So a preview shows what its user will see.
 */

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { halfFolder } from "../../trainer/checkpoints.ts";
import type { Examination, Lesson } from "../../trainer/lesson.ts";
import type { TrainedSchedule } from "../../trainer/scheduler-config.ts";
import { generateInEngine } from "../generate-in-engine.ts";
import { parseGenerateOptions } from "../generate-options.ts";
import type { SamplePrompt } from "./sample-prompts.ts";

export type PreviewOptions = {
  /** The run's folder, in which the model lies while it is looked at. */
  readonly run: string;
  readonly step: number;
  readonly prompts: readonly SamplePrompt[];
  readonly size: number;
  readonly seed: number;
  /** A LoRA's file, by name, the checkpoint beside which it learns, and the autoencoder in place of its own. */
  readonly lora?: {
    readonly file: string;
    readonly base: string;
    readonly vae?: string | undefined;
    /** Factor on the sigmas of the checkpoint's own levels, which a whole model's folder says itself. */
    readonly shift: number;
  };
  /** What is trained: a LoRA's file does not carry it, and its checkpoint may be of another kind. */
  readonly schedule: TrainedSchedule;
  readonly clipSkip: number;
};

/** Steps of a preview, as in sd-scripts. */
const STEPS = 28;

export async function previewsOf(
  saveModel: Lesson["saveModel"],
  { run, step, prompts, size, seed, lora, schedule, clipSkip }: PreviewOptions,
  signal: AbortSignal,
): Promise<Examination["previews"]> {
  // By its step, for a model that lay at the same place would be taken for one that is open already.
  const folder = halfFolder(run, `preview-${step}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  try {
    await saveModel(folder);
    const { file, base = folder, vae, shift } = lora ?? {};
    const model = {
      model: base,
      ...(file !== undefined && { loras: [{ path: join(folder, file) }] }),
      ...(vae !== undefined && { vae }),
      ...(shift !== undefined && { shift }),
    };
    const { prediction } = schedule;
    const zeroSnr = prediction === "flow" ? "auto" : schedule.zeroSnr ? "exact" : "off";
    const trained = { prediction, zeroSnr, clipSkip } as const;
    const usual = { ...model, ...trained, width: size, height: size, seed, steps: STEPS };
    const previews: { name: string; prompt: string; seed: number; png: Uint8Array }[] = [];
    for (const [i, own] of prompts.entries()) {
      const options = parseGenerateOptions({ ...usual, ...own });
      for await (const event of generateInEngine(options, signal)) {
        if (event.type !== "picture") continue;
        previews.push({ name: `${i + 1}`, prompt: own.prompt, seed: event.seed, png: event.png });
      }
    }
    return previews;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
