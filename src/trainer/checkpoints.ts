/**
 * @file Checkpoints of a run: whole folders, renamed into place. `step-00001000/` holds `model/`, which other programs read,
 * and `state.safetensors`, from which a new process goes on bit for bit.
 */

import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { IllustriousError } from "../base/error.ts";
import { systemCalls } from "../formats/atomic-write.ts";
import {
  openSafetensors,
  readTensorBytes,
  type SafetensorsFile,
  type TensorToWrite,
  writeSafetensors,
} from "../formats/safetensors/index.ts";
import type { LearnerState, SavedLearner } from "../training/learner/learner.ts";
import type { Segmentation } from "../training/segments/open-step.ts";
import type { DataIdentity } from "./data-identity.ts";
import type { LeftOut } from "./left-out.ts";

export type SavedState = {
  readonly step: number;
  readonly learner: SavedLearner;
  /** `Lesson.position`. */
  readonly position: Readonly<Record<string, number>>;
  /** `Lesson.leftOut`. */
  readonly leftOut?: LeftOut;
  /** `Lesson.foundation`. */
  readonly foundation?: string | undefined;
  /** `Lesson.segments`. */
  readonly segments?: Segmentation;
  /** What the run learns from, where it says so. */
  readonly data?: DataIdentity | undefined;
  /** The recipe asked for this checkpoint; a stop's has been made beside. */
  readonly scheduled?: boolean;
  /** The recipe, as text: what learns, and how, must be the same for the run to go on. */
  readonly recipe: string;
};

/** What a state says beside the learner's numbers, which may be gigabytes. */
export type StateNotes = Omit<SavedState, "learner">;

export type StateToSave = Omit<SavedState, "learner"> & { readonly learner: LearnerState };

const NAME = /^step-(\d{8})$/;
const HALF = ".half";
const STATE = "state.safetensors";

export const checkpointName = (step: number): string => `step-${String(step).padStart(8, "0")}`;

/**
 * Writes a checkpoint beside its final name and renames it, so that one that is there is whole, and will be after a power cut:
 * then old ones may be removed.
 */
export async function writeCheckpoint(
  run: string,
  state: StateToSave,
  saveModel: (folder: string) => Promise<void>,
): Promise<string> {
  const final = join(run, checkpointName(state.step));
  const half = halfFolder(run, checkpointName(state.step));
  await rm(half, { recursive: true, force: true });
  await mkdir(half, { recursive: true });
  try {
    await saveModel(join(half, "model"));
    const { step, position, leftOut, foundation, segments, data, scheduled, learner } = state;
    await writeSafetensors(join(half, STATE), tensorsOf(learner), {
      "illustrious.state": JSON.stringify({
        step,
        position,
        leftOut,
        foundation,
        segments,
        data,
        scheduled,
        numbers: learner.numbers,
      }),
      "illustrious.recipe": state.recipe,
    });
  } catch (error) {
    // On a full disk its room is wanted.
    await rm(half, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
  await rm(final, { recursive: true, force: true });
  await rename(half, final);
  await systemCalls.syncFolder(run);
  return final;
}

/** The folder of something half-made in a run's folder: it goes away with old checkpoints, if whoever made it was killed. */
export const halfFolder = (run: string, name: string): string => join(run, `${name}${HALF}`);

export type CheckpointPlace = {
  readonly step: number;
  readonly folder: string;
  /** What `generate` takes: a LoRA's file, a model's file or folder, or an autoencoder's folder. */
  readonly model: string;
};

/** What a checkpoint's folder is, from its name and what lies in it. */
export async function checkpointPlace(folder: string): Promise<CheckpointPlace> {
  const model = join(folder, "model");
  const names = await namesIn(model);
  const file = names.find((name) => name.endsWith(".safetensors"));
  const inside = file ?? (names.includes("model_index.json") ? "" : "vae");
  return { step: Number(NAME.exec(basename(folder))?.[1]), folder, model: join(model, inside) };
}

/** The newest whole checkpoint of a run, if it has one; of those from before a step, where one is given. */
export async function newestCheckpoint(run: string, before = Number.POSITIVE_INFINITY): Promise<string | undefined> {
  const names = await namesIn(run);
  const newest = names
    .filter((name) => Number(NAME.exec(name)?.[1]) < before)
    .sort()
    .at(-1);
  return newest && join(run, newest);
}

/** @throws IllustriousError `bad_file` for a file that is no state of a run */
export async function readNotes(checkpoint: string): Promise<StateNotes> {
  const { numbers: _, ...notes } = notesOf(await openState(checkpoint));
  return notes;
}

const openState = (checkpoint: string): Promise<SafetensorsFile> => openSafetensors(join(checkpoint, STATE));

function notesOf(file: SafetensorsFile): StateNotes & Pick<LearnerState, "numbers"> {
  const [text, recipe] = [file.metadata.get("illustrious.state"), file.metadata.get("illustrious.recipe")];
  if (text === undefined || recipe === undefined) {
    throw new IllustriousError(
      "bad_file",
      `${file.path} is not the state of a run`,
      "Resume from a folder that training wrote.",
    );
  }
  return { ...(JSON.parse(text) as Omit<ReturnType<typeof notesOf>, "recipe">), recipe };
}

/** @throws IllustriousError `bad_file` for a file that is no state of a run */
export async function readState(checkpoint: string): Promise<SavedState> {
  const file = await openState(checkpoint);
  const { numbers, ...notes } = notesOf(file);
  const tensors = new Map<string, Float32Array | Int32Array>();
  for (const [name, { dtype }] of file.tensors) {
    const { buffer } = (await readTensorBytes(file, name)).slice();
    tensors.set(name, dtype === "I32" ? new Int32Array(buffer) : new Float32Array(buffer));
  }
  return { ...notes, learner: { tensors, numbers } };
}

function tensorsOf({ tensors }: LearnerState): TensorToWrite[] {
  return [...tensors].map(([name, values]) => ({
    name,
    dtype: values instanceof Int32Array ? ("I32" as const) : ("F32" as const),
    shape: [values.length],
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  }));
}

/** Which scheduled checkpoints stay: so many of the newest, or the newest and those of so many steps before it. */
export type Keep = { readonly last: number } | { readonly steps: number };

/**
 * Removes the scheduled checkpoints that are not to be kept, those that a stop made as soon as a newer one is there, and what a killed
 * process left half-made. What was scheduled before the recipe asked for another interval, or another end, is scheduled still.
 */
export async function removeOld(run: string, keep: Keep, isScheduled: (step: number) => boolean): Promise<void> {
  const names = await namesIn(run);
  const whole = names.filter((name) => NAME.test(name)).sort();
  const stepOf = (name: string) => Number(NAME.exec(name)![1]);
  const scheduled: string[] = [];
  for (const name of whole) {
    if (isScheduled(stepOf(name)) || (await wasScheduled(join(run, name)))) scheduled.push(name);
  }
  const now = scheduled.length > 0 ? stepOf(scheduled.at(-1)!) : 0;
  const kept =
    "last" in keep ? scheduled.slice(-keep.last) : scheduled.filter((name) => stepOf(name) >= now - keep.steps);
  const old = whole.slice(0, -1).filter((name) => !kept.includes(name));
  const halves = names.filter((name) => name.endsWith(HALF));
  for (const name of [...old, ...halves]) await rm(join(run, name), { recursive: true, force: true });
}

/** Earlier checkpoints do not say, nor does one whose state cannot be read. */
function wasScheduled(checkpoint: string): Promise<boolean> {
  return readNotes(checkpoint).then(
    ({ scheduled = false }) => scheduled,
    () => false,
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}
