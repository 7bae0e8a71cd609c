/**
 * @file Where in a file, or in several, the record of a key lies: a hash table of 32 to 64 bytes a key, whatever its length, so that
 * millions fit in memory. Two keys may have one hash; whoever asks looks into the record.
 */

import { createHash } from "node:crypto";

export type PlaceIndex = {
  /** Places of records that may be the key's, those that came first ahead. */
  at(key: string): Generator<number>;
  /** @param instead the place that the key's record has had so far; without it, the key has one place more */
  set(key: string, place: number, instead?: number): void;
};

/** 48 bits, from 1: 0 is a free slot. */
function hashOf(key: string): number {
  return 1 + createHash("sha1").update(key).digest().readUIntLE(0, 6);
}

export function placeIndex(): PlaceIndex {
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
    const [oldHashes, oldPlaces] = [hashes, places];
    hashes = new Float64Array(2 * oldHashes.length);
    places = new Float64Array(hashes.length);
    // From a free slot on, so that places of one key stay in their order where they go over the end.
    const free = oldHashes.indexOf(0);
    for (let i = 1; i < oldHashes.length; i++) {
      const slot = (free + i) % oldHashes.length;
      if (oldHashes[slot] !== 0) add(oldHashes[slot]!, oldPlaces[slot]!);
    }
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
