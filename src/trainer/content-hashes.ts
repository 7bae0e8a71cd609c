/** @file Hashes of what files contain. A file of the same path, size and time of change is not read again, in this run or the next. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { IllustriousError } from "../base/error.ts";
import type { Weights } from "../runtime/weights.ts";
import { identityOf } from "./sdxl-model.ts";

export type ContentHashes = {
  of(path: string): Promise<string>;
  /** Of a network's weights: their bytes, their names and how they are read. */
  ofWeights(weights: Weights): Promise<string>;
  /** `identityOf` an autoencoder. */
  ofEncoder(weights: Weights): Promise<string>;
};

/** @param folder where hashes are kept, beside what they name */
export async function openContentHashes(folder: string | undefined): Promise<ContentHashes> {
  const known = new Map<string, string>();
  const log = folder && join(folder, "contents.tsv");
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const text = log ? await readFile(log, "utf8").catch(() => "") : "";
  for (const line of text.split("\n")) {
    const [hash, key] = [line.slice(0, 64), line.slice(65)];
    // A torn last line has no key, or one that no file has.
    if (/^[0-9a-f]{64}$/.test(hash)) known.set(key, hash);
  }

  async function remembered(key: string, make: () => Promise<string>): Promise<string> {
    const found = known.get(key);
    if (found !== undefined) return found;
    const hash = await make();
    known.set(key, hash);
    if (log && !/[\n\r]/.test(key)) await appendFile(log, `${hash}\t${key}\n`);
    return hash;
  }

  async function ofAll(weights: Weights, kind: string, make: (layout: NamedSource[]) => Promise<string>) {
    const paths = [...new Set([...weights.values()].map(({ path }) => path))].sort();
    const versions = await Promise.all(paths.map(versionOf));
    const layout = [...weights].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, source]) => ({ name, ...source }));
    return remembered(`${kind} ${hashOf(JSON.stringify([versions, layout]))}`, () => make(layout));
  }

  return {
    of: async (path) => remembered(await versionOf(path), async () => hashOf(await readFile(path))),
    ofWeights: (weights) => ofAll(weights, "weights", hashOfWeights),
    ofEncoder: (weights) => ofAll(weights, "encoder", () => identityOf(weights)),
  };
}

async function versionOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new IllustriousError("missing_file", `${path}: cannot be read (${cause.code})`, "Bring it back.", { cause });
  });
  return `${size} ${mtimeMs} ${path}`;
}

type NamedSource = { readonly name: string } & (Weights extends ReadonlyMap<string, infer Source> ? Source : never);

/** The same for the same weights in another file or at another place of it. */
async function hashOfWeights(sources: readonly NamedSource[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { name, path, offset, length, dtype, shape, transposed = false } of sources) {
    hash.update(JSON.stringify([name, dtype, shape, transposed]));
    if (length === 0) continue;
    for await (const bytes of createReadStream(path, { start: offset, end: offset + length - 1 })) hash.update(bytes);
  }
  return hash.digest("hex");
}

export function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
