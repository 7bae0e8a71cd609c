/** @file What tagging is asked. */

import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { CONTROL_FAMILY_NAMES, type ControlFamily } from "../../colour/index.ts";
import { parsedOptions } from "../parsed-options.ts";

const isFamily = (name: string) => CONTROL_FAMILY_NAMES.includes(name as ControlFamily);

export const tagOptions = z.strictObject({
  audit: z.string().min(1).describe("folder of a finished audit"),
  write: z
    .enum(["sidecars", "metadata", "copy", "tars"])
    .optional()
    .describe(
      "change captions in files beside images, or in metadata.jsonl files; or make a copy of the set, or of its archives, with others [default: only tell]",
    ),
  out: z
    .string()
    .min(1)
    .optional()
    .describe("folder for --write copy and --write tars: a new one, or one that it has made"),
  undo: z.boolean().default(false).describe("take this program's tokens out of all captions again"),
  moved: z
    .string()
    .regex(/[^=].*=./s, "must be OLD=NEW, two folders")
    .optional()
    .describe("OLD=NEW: captions that were below the one folder when they were tagged are below the other now"),
  thresholds: z
    .string()
    .min(1)
    .optional()
    .describe("file of thresholds, or built-in: those of 659 pictures of many kinds [default: fitted to the set]"),
  name: z.string().min(1).max(100).optional().describe("name of fitted thresholds [default: the audit folder's]"),
  families: z
    .array(z.string())
    .min(1)
    .refine((names) => names.every(isFamily), `the families are ${CONTROL_FAMILY_NAMES.join(", ")}`)
    .readonly()
    .optional()
    .describe("a family to tag with, may be given more than once [default: all]"),
  outer: z.boolean().default(false).describe("only the lowest and the highest of a family's four tokens"),
  blackTheme: z.boolean().default(false).describe("`black theme` in place of `dark`"),
  position: z.enum(["start", "end"]).default("end").describe("where tokens go in a caption"),
  keepTokens: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe("at the start: so many first tags stay before the tokens, as kohya's keep_tokens counts"),
  separator: z
    .string()
    .min(1)
    .max(20)
    .regex(/^[^\r\n]*$/, "must be on one line")
    .default(", ")
    .describe("between tags"),
  workers: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe("processes that plan, when nothing is written [default: one a core, for 20,000 images and more each]"),
  show: z.int().min(0).max(10_000).default(5).describe("changes to show word by word"),
});

export type TagInput = z.input<typeof tagOptions>;
export type TagOptions = z.output<typeof tagOptions>;

/** @throws IllustriousError `bad_option` */
export function parseTagOptions(input: TagInput): TagOptions {
  const options = parsedOptions(tagOptions, input, "See `illustrious tag --help`.");
  const { undo, write, out, moved, thresholds, name, workers, position, keepTokens } = options;
  const isCopy = write === "copy" || write === "tars";
  if (isCopy && out === undefined) {
    throw new IllustriousError("bad_option", `write ${write}, and no folder for it`, "Add --out FOLDER.");
  }
  if (!isCopy && out !== undefined) {
    const hint = "That is for --write copy, and for --write tars; other captions are written where they are.";
    throw new IllustriousError("bad_option", `out ${out}, with nothing to write there`, hint);
  }
  if (workers !== undefined && (undo || write !== undefined)) {
    const what = undo ? "undo" : `write ${write}`;
    throw new IllustriousError(
      "bad_option",
      `workers ${workers}, and ${what}`,
      "One process writes; several only plan.",
    );
  }
  if (moved !== undefined && !undo && write !== "sidecars" && write !== "metadata") {
    const hint = "It corrects the ledger, for --undo, --write sidecars and --write metadata.";
    throw new IllustriousError("bad_option", `moved ${moved}, and nothing to do there`, hint);
  }
  if (undo && write !== undefined) {
    throw new IllustriousError("bad_option", `undo, and write ${write}`, "First one, then the other.");
  }
  if (thresholds !== undefined && name !== undefined) {
    const hint = "The name is in the file: leave out one of them.";
    throw new IllustriousError("bad_option", `thresholds ${thresholds}, and the name ${name}`, hint);
  }
  if (keepTokens > 0 && position !== "start") {
    const hint = "First tags are kept before tokens at the start: add --position start.";
    throw new IllustriousError("bad_option", `keepTokens ${keepTokens}, and position ${position}`, hint);
  }
  return options;
}

export function familiesOf({ families }: TagOptions): readonly ControlFamily[] {
  return (families as ControlFamily[] | undefined) ?? CONTROL_FAMILY_NAMES;
}
