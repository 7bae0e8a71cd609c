/** @file A finished audit of rows that a test has made up. */

import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type AuditRow,
  NO_FACTS,
  PERCEPTUAL_HASH,
  rowCounter,
  writeDuplicates,
  writeFigures,
  writeManifest,
  writeShard,
} from "../../src/data/audit/index.ts";

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A picture of middling measures without a colour. */
export const MEASURED = {
  ...{ format: "png", width: 1024, height: 512, orientation: null, channels: 3, frames: 1, dhash: null },
  ...{ hasProfile: false, hasAlpha: false, transparentShare: 0, greyscale: false, colourful: false },
  ...{ contrast: 0.2, brightness: 128, sharpness: 100, dynamicColours: 1, colourfulness: 50 },
  ...{ saturation: 100, saturationDeviation: 60, whiteShare: 0, blackShare: 0 },
  ...{ clippedHighShare: 0, clippedLowShare: 0, hues: Array<number>(36).fill(0), vividGrid: Array<number>(9).fill(0) },
} as const;

/** @param more what is not as in every other row; with an `error` there are no measures */
export function auditRow(id: number, more: Partial<AuditRow> = {}): AuditRow {
  const origin = { source: `/s/${id}.png`, member: null, memberNumber: null, bytes: 1000 + id, mtimeMs: 1, repeats: 1 };
  const caption = { caption: null, captionError: null, captionFile: null, captionLine: null };
  const sha256 = hashOf(String(id));
  const facts = more.error
    ? NO_FACTS
    : { ...NO_FACTS, ...MEASURED, hues: [...MEASURED.hues], vividGrid: [...MEASURED.vividGrid], sha256 };
  return { id, ...origin, ...caption, ...facts, ...more } as AuditRow;
}

/**
 * What an audit of these rows keeps beside them; a token is a letter.
 *
 * @param least what it says to have measured, for thresholds are not fitted to a few pictures
 */
export async function layFigures(table: string, rows: readonly AuditRow[], least = 0): Promise<void> {
  const counter = rowCounter((text) => text.length);
  for (const row of rows) counter.add(row);
  const { counts, ...more } = counter.result();
  await writeFigures(table, { ...more, counts: { ...counts, measured: Math.max(least, counts.measured) } });
}

/** @param shard rows a file */
export async function layAudit(out: string, rows: readonly AuditRow[], shard = 1000): Promise<void> {
  const table = join(out, "table");
  await mkdir(table, { recursive: true });
  const shards = Math.ceil(rows.length / shard);
  for (let i = 0; i < shards; i++) await writeShard(table, i, rows.slice(i * shard, (i + 1) * shard), 768);
  await layFigures(table, rows);
  const search = writeDuplicates(table, rows.length, 3);
  let step = await search.next();
  while (!step.done) step = await search.next();
  await writeManifest(table, {
    ...{ format: "illustrious.audit", version: 1, program: "0", paths: ["/s"], complete: true, shards, ...step.value },
    ...{ images: rows.length, errors: rows.filter(({ error }) => error !== null).length },
    settings: { workingSide: 768, perceptualHash: PERCEPTUAL_HASH, nearDistance: 3, shard },
  });
}
