/**
 * @file What is asked of a finished audit as a whole, in processor and wall seconds per million rows, and the memory that it took.
 *
 *     node bench/audit-rows.mjs rows 1000000
 *     node bench/audit-rows.mjs sidecars 200000 --captions sidecars
 *     node bench/audit-rows.mjs metadata 200000 --captions metadata
 *     node bench/audit-scale.mjs rows sidecars metadata [--dist before=OTHER/dist …] [--rounds 3]
 *
 * Each folder in which an audit lies is asked for its report, a comparison with itself, a balanced set and a plan of tags; of more than
 * one program, they take turns. The counting of figures is what a report takes where there are none yet.
 */

import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { dist: { type: "string", multiple: true, default: [] }, rounds: { type: "string", default: "1" } },
});
const own = new URL("../dist", import.meta.url).pathname;
const programs = [...options.dist.map((text) => text.split("=")), ["this", own]];

/** User and system seconds of a command, those by the clock, and the largest resident memory in MiB. */
async function run(dist, argv) {
  const began = performance.now();
  const main = join(resolve(dist), "cli/main.js");
  const script = `
    process.argv = [process.execPath, ${JSON.stringify(main)}, ...${JSON.stringify(argv)}];
    process.on("exit", () => {
      const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
      require("node:fs").writeSync(3, JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, memory: maxRSS / 1024 }));
    });
    import(${JSON.stringify(main)});`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  let [errors, told] = ["", ""];
  child.stderr.on("data", (piece) => (errors = (errors + piece).slice(-2000)));
  child.stdio[3].on("data", (piece) => (told += piece));
  const code = await new Promise((ended) => child.once("close", ended));
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${errors}`);
  return { ...JSON.parse(told), wall: (performance.now() - began) / 1000 };
}

const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

for (const folder of positionals) {
  const audit = join(folder, "audit");
  const { images } = JSON.parse(await readFile(join(audit, "table/manifest.json"), "utf8"));
  const tasks = {
    "figures counted, report": ["audit", "report", audit, "--json"],
    report: ["audit", "report", audit, "--json"],
    compare: ["audit", "compare", audit, audit, "--json"],
    balance: ["audit", "balance", audit, "--out", join(folder, "balanced.toml")],
    "plan of tags": ["tag", audit, "--show", "0"],
  };
  console.log(`\n${basename(folder)}: ${images} images; seconds per million (wall, processor) and MiB`);
  for (const [name, argv] of Object.entries(tasks)) {
    const found = programs.map(() => []);
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const [i, [, dist]] of programs.entries()) {
        if (name.startsWith("figures")) await rm(join(audit, "table/figures.json"), { force: true });
        found[i].push(await run(dist, argv));
      }
    }
    const per = (runs, key) => ((middle(runs.map((one) => one[key])) / images) * 1e6).toFixed(1);
    const memory = (runs) => Math.round(Math.max(...runs.map((one) => one.memory)));
    const columns = programs.map(
      ([program], i) => `${program} ${per(found[i], "wall")}, ${per(found[i], "cpu")}, ${memory(found[i])}`,
    );
    console.log(`${name}: ${columns.join(" · ")}`);
  }
}
