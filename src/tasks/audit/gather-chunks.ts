/**
 * @file Images in their order, made into chunks. What only this process holds, images out of compressed archives, is measured while
 * its chunk fills; what lies in a file or at a place of one stays open, for whoever takes the chunk.
 */

import { createHash } from "node:crypto";
import {
  type AuditRow,
  type Chunk,
  type ChunkImage,
  factsOf,
  type ImageFacts,
  type KnownRows,
  NO_FACTS,
  type Sample,
} from "../../data/audit/index.ts";
import { sideBySide } from "./side-by-side.ts";

export type Gathering = {
  readonly known: KnownRows;
  /** Images a chunk. */
  readonly size: number;
  /** Whatever else than the image decides what its row says. */
  readonly settings: unknown;
  /** Measures an image that is given with its bytes; of those so many at once. */
  readonly measure: (path: string, content: Uint8Array) => Promise<ImageFacts>;
  readonly workers: number;
};

export type Gatherer = {
  /** @returns the chunk that is full with this image @throws what `measure` throws */
  add(sample: Sample): Promise<Chunk | undefined>;
  /** The images that make no full chunk. */
  rest(): Promise<Chunk | undefined>;
  /** Rows that the chunk which is filling has already, and the bytes of the set that they stand for. */
  soFar(): { readonly images: number; readonly kept: number; readonly errors: number; readonly bytes: number };
};

export function gatherChunks({ known, size, settings, measure, workers }: Gathering): Gatherer {
  // One more than there are processes, so that none waits for the next image.
  const crew = sideBySide(workers);
  let id = 0;
  let before = 0;
  let reached = 0;
  let images: ChunkImage[] = [];
  let counts = { closed: 0, errors: 0, kept: 0, measured: 0 };
  let hash = createHash("sha256");

  function close(place: number, row: AuditRow): void {
    images[place] = { row, open: false };
    counts.closed++;
    if (row.error !== null) counts.errors++;
  }
  async function take({ origin, range, content, fault }: Sample): Promise<void> {
    hash.update(JSON.stringify([id, origin, range, fault]));
    const place = images.length;
    const asked = { id, ...origin };
    const earlier = fault ? undefined : await known.find(origin);
    if (fault) return close(place, { ...asked, ...NO_FACTS, ...fault });
    if (earlier) {
      counts.kept++;
      return close(place, { ...asked, ...factsOf(earlier) });
    }
    images.push({ row: { ...asked, ...NO_FACTS }, range, open: true });
    if (!content) return;
    await crew.begin(async () => {
      close(place, { ...asked, ...(await measure(origin.source, content)) });
      counts.measured++;
    });
    if (crew.failure) throw crew.failure.error;
  }
  async function finish(): Promise<Chunk> {
    await crew.settled();
    if (crew.failure) throw crew.failure.error;
    const number = Math.ceil(id / size) - 1;
    const name = `${String(number).padStart(5, "0")}-${hash.update(JSON.stringify(settings)).digest("hex").slice(0, 32)}`;
    const chunk = { number, name, images, kept: counts.kept, measured: counts.measured, bytes: reached - before };
    before = reached;
    images = [];
    counts = { closed: 0, errors: 0, kept: 0, measured: 0 };
    hash = createHash("sha256");
    return chunk;
  }

  return {
    async add(sample) {
      await take(sample);
      reached = sample.reached;
      return ++id % size === 0 ? finish() : undefined;
    },
    rest: async () => (images.length > 0 ? finish() : undefined),
    soFar() {
      const { closed, kept, errors } = counts;
      const share = closed / Math.max(1, images.length);
      return { images: closed, kept, errors, bytes: share * (reached - before) };
    },
  };
}
