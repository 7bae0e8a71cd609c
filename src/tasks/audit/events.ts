/** @file What an audit tells while it works. */

import type { LinkEvent } from "../../queue/link-news.ts";

export type AuditCounts = {
  readonly images: number;
  /** Of them, those whose row of an earlier run was kept. */
  readonly kept: number;
  /** Images without measures, kept ones among them. */
  readonly errors: number;
};

export type AuditEvent =
  /** Rows of earlier runs, which are kept where their files have not changed. */
  | { readonly type: "known"; readonly rows: number }
  /** Before the first image is measured; how many more are in `archives`, nobody knows before they are read. */
  | { readonly type: "found"; readonly images: number; readonly archives: number; readonly bytes: number }
  | { readonly type: "warning"; readonly message: string; readonly hint: string }
  | LinkEvent
  /** A few times a second. `share` of the bytes, 0 to 1; `total` images where there are no archives; `workers` of its queue, if it has one. */
  | ({
      readonly type: "progress";
      readonly share: number;
      readonly total?: number;
      readonly workers?: number;
    } & AuditCounts)
  /** A file of the table is whole. */
  | { readonly type: "shard"; readonly path: string; readonly images: number }
  /** Again and again where it takes long, with the share that is done, 0 to 1. */
  | { readonly type: "stage"; readonly message: string; readonly share?: number }
  | ({
      readonly type: "done";
      /** The table's. */
      readonly folder: string;
      /** Lines, folders and archives that could not be understood: rows of their own, here in neither `images` nor `errors`. */
      readonly badSources: number;
      /** Groups of near-duplicates, and images in them. */
      readonly groups: number;
      readonly grouped: number;
    } & AuditCounts);
