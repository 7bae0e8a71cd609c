/**
 * @file What an audit cannot do without: the JPEGs of a folder read and decoded, in so many processes, and nothing else done. Needs `npm run build`.
 *
 *     node bench/decode-alone.mjs FOLDER PROCESSES
 */

import { fork } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodePicture, restrictDecoder } from "../dist/data/audit/decode.js";

const [folder, processes, part] = process.argv.slice(2);
if (part === undefined) {
  for (let i = 0; i < Number(processes); i++) fork(fileURLToPath(import.meta.url), [folder, processes, String(i)]);
} else {
  restrictDecoder();
  const names = (await readdir(folder)).sort();
  const own = names.filter((_, i) => i % Number(processes) === Number(part));
  for (const name of own) await decodePicture(await readFile(join(folder, name)));
}
