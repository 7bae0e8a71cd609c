/**
 * @file What is known of a model's pictures, kept so that a stopped evaluation goes on: a line of JSON a picture, which only counts when it
 * is whole, and the pictures themselves beside it.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { encodePng, type RgbImage } from "../../formats/png/index.ts";
import { openLineFile } from "../../trainer/log/line-file.ts";
import { makeFolder } from "../output-place.ts";
import type { Cell, Shot } from "./cells.ts";
import { JUDGED, type Judgement } from "./judge.ts";
import type { RowName } from "./options.ts";

export type Outcome = Judgement & {
  readonly row: RowName;
  readonly cell: string;
  readonly prompt: string;
  readonly seed: number;
  /** Pixels a side, or "own" for the model's own size. */
  readonly side: number | "own";
};

/** Another number when pictures are drawn in another way: older lines then say nothing. How they are judged has numbers of its own. */
const VERSION = 1;

export type Records = {
  find(cell: Cell, shot: Shot): Outcome | undefined;
  /** Was it judged in another way than now? Then `find` does not know it, but its picture may be there. */
  outdated(cell: Cell, shot: Shot): boolean;
  /** Keeps the picture, then its line. */
  add(cell: Cell, shot: Shot, judgement: Judgement, image: RgbImage): Promise<void>;
  /** A new line for a picture that is kept. */
  judgedAgain(cell: Cell, shot: Shot, judgement: Judgement): Promise<void>;
  /** The picture as it was kept; undefined when somebody has deleted it. */
  picture(cell: Cell, shot: Shot): Promise<RgbImage | undefined>;
  close(): Promise<void>;
};

/**
 * @param folder of one model, made if need be
 * @throws IllustriousError `write_failed`
 */
export async function openRecords(folder: string): Promise<Records> {
  const pictures = join(folder, "pictures");
  await makeFolder(pictures);
  const known = new Map<string, Outcome>();
  const outdated = new Set<string>();
  const lines = await openLineFile(join(folder, "results.jsonl"), (line) => {
    const parsed = parse(line);
    if (!parsed) return false;
    const { outcome, current } = parsed;
    if (current) known.set(keyOf(outcome), outcome);
    else outdated.add(keyOf(outcome));
    return true;
  });
  const append = async (outcome: Outcome) => {
    await lines.append(JSON.stringify({ version: VERSION, judged: JUDGED[outcome.row], ...outcome }));
    known.set(keyOf(outcome), outcome);
  };
  const pathOf = (cell: Cell, { seed }: Shot) =>
    join(pictures, `${cell.row}-${cell.name.replace(/[^\p{L}\d]+/gu, "-")}-${seed}.png`);
  return {
    find: (cell, shot) => known.get(keyOf(placed(cell, shot))),
    outdated(cell, shot) {
      const key = keyOf(placed(cell, shot));
      return outdated.has(key) && !known.has(key);
    },
    async add(cell, shot, judgement, image) {
      await writeFileAtomic(pathOf(cell, shot), encodePng(image));
      await append({ ...placed(cell, shot), ...judgement });
    },
    judgedAgain: (cell, shot, judgement) => append({ ...placed(cell, shot), ...judgement }),
    async picture(cell, shot) {
      const bytes = await readFile(pathOf(cell, shot)).catch(() => undefined);
      if (!bytes) return undefined;
      const { default: sharp } = await import("sharp");
      const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, rgb: new Uint8Array(data) };
    },
    close: () => lines.close(),
  };
}

type Place = Pick<Outcome, "row" | "cell" | "prompt" | "seed" | "side">;

function placed({ row, name, side }: Cell, { prompt, seed }: Shot): Place {
  return { row, cell: name, prompt, seed, side: side ?? "own" };
}

const keyOf = ({ row, cell, prompt, seed, side }: Place): string => JSON.stringify([row, cell, prompt, seed, side]);

/** A line, and whether it is judged as now; undefined when it is not whole or of pictures drawn in another way. */
function parse(line: string): { outcome: Outcome; current: boolean } | undefined {
  try {
    const { version, judged = 1, ...outcome } = JSON.parse(line) as Outcome & { version: number; judged?: number };
    return version === VERSION ? { outcome, current: judged === JUDGED[outcome.row] } : undefined;
  } catch {
    return undefined;
  }
}
