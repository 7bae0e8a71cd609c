/** @file An audit's folder as a finished audit would leave it, with what images measure made up: for tests that open no image. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type AuditRow,
  type ImageFacts,
  NO_FACTS,
  PERCEPTUAL_HASH,
  placesIn,
  samplesIn,
  writeManifest,
  writeShard,
} from "../../src/data/audit/index.ts";
import { layFigures, MEASURED } from "../audit/lay-audit.ts";

/** A row's measures, which rise with its number and begin again before they leave their ranges. */
export const measuresOf = (id: number, brightness: number) =>
  ({
    ...{ ...NO_FACTS, ...MEASURED, hues: [...MEASURED.hues], vividGrid: [...MEASURED.vividGrid] },
    ...{ contrast: 0.2 + (id % 30) / 100, brightness, sharpness: 9 + id, dynamicColours: 1 + (id % 30) / 10 },
    ...{ colourfulness: 5 + (id % 100), saturation: id % 250 },
  }) as ImageFacts;

/** Of files in the order in which an audit finds them: the n-th is as bright as 10 n, up to the 24th. */
export async function rowsIn(paths: readonly string[]): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for await (const { origin, fault } of samplesIn(placesIn(paths))) {
    const id = rows.length;
    rows.push({ id, ...origin, ...(fault ? { ...NO_FACTS, ...fault } : measuresOf(id, 10 * (id % 25))) });
  }
  return rows;
}

/** Shards of four rows, and the manifest. */
export async function writeAudit(audit: string, paths: readonly string[], rows: readonly AuditRow[]): Promise<void> {
  const table = join(audit, "table");
  await mkdir(table, { recursive: true });
  const shards = Math.max(1, Math.ceil(rows.length / 4));
  for (let i = 0; i < shards; i++) await writeShard(table, i, rows.slice(4 * i, 4 * i + 4), 768);
  await layFigures(table, rows, 40);
  const settings = { workingSide: 768, perceptualHash: PERCEPTUAL_HASH, nearDistance: 3, shard: 4 };
  const counts = { complete: true, images: rows.length, errors: 0, shards };
  const format = { format: "illustrious.audit", version: 1, program: "test" } as const;
  await writeManifest(table, { ...format, settings, paths: [...paths], ...counts });
}
