/**
 * @file Seconds of a processor that grouping near-duplicates takes, on random hashes: even ones, and sparse ones of 8 to 16 bits as flat drawings have
 * (docs/audit.md). Needs `npm run build`.
 *
 *     node bench/near-duplicates.mjs [distance] [count …]      3, and 100000 200000 400000, if not told
 */

import { groupsOf } from "../dist/data/audit/near-duplicates.js";

const [distance = 3, ...given] = process.argv.slice(2).map(Number);
const counts = given.length > 0 ? given : [100_000, 200_000, 400_000];

/** SplitMix64 (Steele, Lea and Flood 2014). */
function randoms() {
  let state = 1n;
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
}

function sparse(next) {
  let hash = 0n;
  for (let bits = 8n + (next() % 9n); bits > 0n; bits--) hash |= 1n << (next() >> 58n);
  return hash;
}

function seconds(kind, count) {
  const next = randoms();
  const perceptual = BigUint64Array.from({ length: count }, () => (kind === "even" ? next() : sparse(next)));
  const content = BigUint64Array.from({ length: count }, (_, i) => BigInt(i));
  const all = new Uint8Array(count).fill(1);
  const fingerprints = { perceptual, hasPerceptual: all, content, hasContent: all };
  const before = process.cpuUsage();
  const walk = groupsOf(fingerprints, distance);
  while (!walk.next().done);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1e6).toFixed(1);
}

console.log(`| hashes, distance ${distance} | even | sparse |\n|---|---|---|`);
for (const count of counts) console.log(`| ${count} | ${seconds("even", count)} | ${seconds("sparse", count)} |`);
