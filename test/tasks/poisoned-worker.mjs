/** @file A worker whose decoders take the whole of it with them at some files, as those may that use up a machine's memory. */

import { auditWorker } from "../../dist/index.js";

const entry = new URL("./poisoned-decoder.mjs", import.meta.url);
for await (const _ of auditWorker({ queue: process.argv[2], workers: 1, stallAfter: 1 }, { entry }));
