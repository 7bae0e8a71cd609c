/**
 * @file Where in a ledger the latest entry of a caption lies: a hash table of 32 bytes a caption, so that millions fit in memory.
 * Two captions may have one hash; whoever asks looks into the entry.
 */

import { createHash } from "node:crypto";

export type LedgerIndex = {
  /** Places of entries that may be the key's. */
  at(key: string): Generator<number>;
  /** @param instead the place of the key's entry so far */
  set(key: string, place: number, instead: number | undefined): void;
};

/** 48 bits, from 1: 0 is a free slot. */
function hashOf(key: string): number {
  return 1 + createHash("sha1").update(key).digest().readUIntLE(0, 6);
}

export function ledgerIndex(): LedgerIndex {
  let hashes = new Float64Array(1024);
  let places = new Float64Array(1024);
  let count = 0;

  function* slots(hash: number): Generator<number> {
    for (let slot = hash % hashes.length; hashes[slot] !== 0; slot = (slot + 1) % hashes.length) {
      if (hashes[slot] === hash) yield slot;
    }
  }

  function add(hash: number, place: number): void {
    let slot = hash % hashes.length;
    while (hashes[slot] !== 0) slot = (slot + 1) % hashes.length;
    hashes[slot] = hash;
    places[slot] = place;
  }

  function grow(): void {
    const before = [hashes, places] as const;
    hashes = new Float64Array(2 * hashes.length);
    places = new Float64Array(hashes.length);
    for (const [slot, hash] of before[0].entries()) if (hash !== 0) add(hash, before[1][slot]!);
  }

  return {
    *at(key) {
      for (const slot of slots(hashOf(key))) yield places[slot]!;
    },
    set(key, place, instead) {
      const hash = hashOf(key);
      for (const slot of slots(hash)) {
        if (places[slot] !== instead) continue;
        places[slot] = place;
        return;
      }
      if (2 * ++count > hashes.length) grow();
      add(hash, place);
    },
  };
}
