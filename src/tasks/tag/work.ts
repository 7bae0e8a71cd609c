/** @file What all parts of tagging share. */

import type { Ledger, TokenPlace } from "../../data/tags/index.ts";
import type { FileCalls } from "../../formats/atomic-write.ts";
import type { Tally } from "./tally.ts";

export type Work = {
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly place: TokenPlace;
  /** Name and digest, none when undoing. */
  readonly thresholds?: string;
  /** None in a dry run. */
  readonly calls: FileCalls | undefined;
  /** To be called before a folder is written to. */
  readonly sweep: (folder: string) => Promise<void>;
  /** To be called before captions of a folder get tokens; none when undoing, or where captions of a copy are written. */
  readonly claim?: (folder: string) => Promise<void>;
  readonly signal: AbortSignal;
};
