/** @file What tagging tells while it works. */

import type { ControlThresholds } from "../../colour/index.ts";

export type LeftReason =
  /** The image has none of the measures that tokens go by. */
  | "no_measures"
  /** In an archive. */
  | "in_archive"
  /** Kept in the other kind of place than was asked to be written. */
  | "elsewhere"
  /** Changed since it was tagged, so that our tokens cannot be told from the user's words. */
  | "unclear"
  /** The caption of another image, too, which has been tagged. */
  | "shared"
  /** Not UTF-8, too long, or not to be opened. */
  | "unreadable"
  /** Its file or folder may not be written, or is gone. */
  | "unwritable"
  /** The metadata file has no caption for the image. */
  | "no_caption"
  /** To be undone, and not there any more; the ledger keeps its entry. */
  | "gone"
  /** The caption that was audited is not there, or the metadata file's line is not that image's any more. */
  | "set_changed"
  /** Somebody else wrote it while we did. */
  | "written_meanwhile";

export type TagCounts = {
  readonly images: number;
  readonly changed: number;
  /** Of those changed: files made where there were none, and such files taken away again. */
  readonly created: number;
  readonly removed: number;
  readonly unchanged: number;
  readonly left: Readonly<Partial<Record<LeftReason, number>>>;
  /** Images that get each token. */
  readonly tokens: Readonly<Record<string, number>>;
};

export type TagEvent =
  /** `path` of their copy in the audit's folder, which a dry run does not make. */
  | {
      readonly type: "thresholds";
      readonly name: string;
      readonly digest: string;
      readonly path: string;
      readonly thresholds: ControlThresholds;
    }
  /** Where an audit has no figures yet: rows counted for thresholds, before the first caption is looked at. */
  | { readonly type: "counting"; readonly images: number; readonly total: number }
  /** The first few. */
  | {
      readonly type: "change";
      readonly caption: string;
      readonly image: string;
      readonly before: string | null;
      readonly after: string | null;
    }
  | { readonly type: "left"; readonly path: string; readonly reason: LeftReason; readonly message: string }
  /** A few times a second. `total` rows of the audit, at the end its images; none when undoing. */
  | ({ readonly type: "progress"; readonly total?: number } & TagCounts)
  /** `out` the folder of a copy or of archives. */
  | ({ readonly type: "done"; readonly written: boolean; readonly ledger: string; readonly out?: string } & TagCounts);
