/** @file A chunk as it is planned and as it is measured: what may have happened to its files in between. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditRow } from "../../../test/audit/lay-audit.ts";
import { chunkRowsPath, type MeasureRequest, NO_FACTS, readShard, writePlan } from "../../data/audit/index.ts";
import type { Decoders } from "./decoders.ts";
import { measureChunk } from "./measure-chunk.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "measure-chunk-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("whoever measures is told when each file was last changed, as it was found", async () => {
  const name = `00000-${"0a".repeat(16)}`;
  const rows = [0, 1, 2].map((i) => auditRow(i, { source: `/set/${i}.png`, mtimeMs: 1000 * i, bytes: 5 }));
  const range = { offset: 512, length: 5 };
  await writePlan(folder, {
    ...{ name, number: 0, kept: 0, measured: 0, bytes: 15 },
    images: rows.map((row) => ({ row, open: row.id !== 1, range })),
  });
  const asked: MeasureRequest[] = [];
  const decoders: Pick<Decoders, "measure"> = {
    measure: async (request) => {
      asked.push(request);
      return { ...NO_FACTS, error: "changed", errorText: "x" };
    },
  };
  const job = { folder, name, workingSide: 32, images: 3, paths: ["/set"], timeLimit: 1, protocol: 1, program: "0" };
  const turn = { lost: 0, told: undefined, tell: async () => {}, signal: new AbortController().signal };
  await measureChunk(job as Parameters<typeof measureChunk>[0], turn, decoders as Decoders, 1);
  expect(asked).toEqual([
    { path: "/set/0.png", range, mtimeMs: 0, workingSide: 32 },
    { path: "/set/2.png", range, mtimeMs: 2000, workingSide: 32 },
  ]);
  const written = await readShard(chunkRowsPath(folder, name));
  expect(written.map(({ error }) => error)).toEqual(["changed", rows[1]!.error, "changed"]);
});
