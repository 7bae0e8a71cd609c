/** @file Control tokens for an audited set, for programs: `for await (const event of tag({ audit })) …`. */

import type { TagEvent } from "./tag/events.ts";
import type { TagInput } from "./tag/options.ts";
import type { TagControl } from "./tag/run.ts";

/**
 * Works out the control tokens of every image of a finished audit, and tells what they would change; with `write` it changes the
 * captions, or makes a copy of the set or of its archives with other ones. A second run changes nothing; other thresholds replace the tokens of before, and no word of the user's. `undo` brings every
 * caption back; `moved` says where a set is now that lay elsewhere when it was tagged.
 *
 * @throws IllustriousError `bad_option`; `missing_file` where there is no audit, or no caption of those to be undone; `bad_file` for a damaged one; `unsupported` for captions
 * in archives; `write_failed`, also for a full disk, and `cancelled` after an abort: then some captions are written, each of them whole
 */
export async function* tag(input: TagInput, control: TagControl = {}): AsyncGenerator<TagEvent, void> {
  // Parquet is not for programs that never tag.
  const { runTag } = await import("./tag/run.ts");
  yield* runTag(input, control);
}
