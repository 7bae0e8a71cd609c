/** @file A program under comparison: a child process that answers each line of JSON with another, and what it shares the machine with. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Clock ticks a second of /proc: fixed by Linux's interface. */
const TICKS = 100;

export function startSide(name, command, args, env) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name,
    async ask(message) {
      const before = processors(child.pid);
      const start = performance.now();
      child.stdin.write(`${JSON.stringify(message)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name} ended before it answered`);
      const wall = (performance.now() - start) / 1000;
      const after = processors(child.pid);
      const others = (after.busy - before.busy - (after.own - before.own)) / TICKS / wall;
      return { ...JSON.parse(value), others };
    },
    async end() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      await gone;
    },
  };
}

/** Ticks that all processors were busy, and those of them that `pid` used. */
function processors(pid) {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  // The second field is the command in brackets and may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return { busy: user + nice + system + irq + softirq + steal, own: Number(fields[11]) + Number(fields[12]) };
}
