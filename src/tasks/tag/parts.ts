/** @file An audit's table in parts, which are planned side by side: runs of whole shards, and what stands at their ends. */

import { readFields } from "../../data/audit/index.ts";

/** Where in a metadata file a row's caption is. */
export type Edge = { readonly file: string; readonly line: number };

/** Captions of the rows next to a part's first and last one, where those are in metadata files: a file may go on from part to part. */
export type Edges = { readonly before?: Edge; readonly behind?: Edge };

export type Part = { readonly shards: readonly string[]; readonly edges: Edges };

/** So many parts, in their order, of about as many shards each. */
export async function partsOf(shards: readonly string[], count: number): Promise<Part[]> {
  const starts = Array.from({ length: count + 1 }, (_, i) => Math.round((i * shards.length) / count));
  const ranges = starts.slice(0, -1).map((from, i) => [from, starts[i + 1]!] as const);
  return Promise.all(
    ranges.map(async ([from, to]) => {
      const before = await nearestEdge(shards.slice(0, from).reverse(), -1);
      const behind = await nearestEdge(shards.slice(to), 0);
      return { shards: shards.slice(from, to), edges: { ...(before && { before }), ...(behind && { behind }) } };
    }),
  );
}

/** @param at 0 for the first row of the shards, -1 for the last one of the first shard */
async function nearestEdge(shards: readonly string[], at: 0 | -1): Promise<Edge | undefined> {
  for (const shard of shards) {
    const rows = await readFields(shard, ["captionFile", "captionLine", "error"]);
    const row = rows.filter(({ error }) => error !== "bad_source").at(at);
    if (!row) continue;
    const { captionFile: file, captionLine: line } = row;
    return file === null || line === null ? undefined : { file, line };
  }
  return undefined;
}
