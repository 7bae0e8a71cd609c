/** @file What a checkpoint holds and what it predicts, with the evidence. Reads headers only. */

import { openCheckpoint } from "illustrious";

const path = process.argv[2] ?? "nano-v3.0-eps";
const { kind, prediction, report } = await openCheckpoint(path);

console.log(`${kind}: ${prediction.prediction}, zero SNR ${prediction.zeroSnr} (${prediction.confidence})`);
for (const { source, says } of prediction.evidence) console.log(`  ${source}: ${says}`);
console.log(`unknown keys: ${report.unknown.length}`);
