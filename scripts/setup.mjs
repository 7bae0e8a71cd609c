/**
 * @file Brings a checkout to a state in which the product runs: packages from the lockfile, TypeScript compiled.
 * Plain JavaScript without dependencies, because it runs before anything is installed. Does nothing when all is current.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status === 0) return;
  process.stderr.write(`${what}: failed (${command} ${args.join(" ")})\n`);
  process.exit(status ?? 1);
}

function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules/.installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  // Scripts off: onnxruntime-node's would fetch CUDA libraries from outside the registry and fail where there is no way out.
  run("Installing packages", "npm", ["ci", "--ignore-scripts", "--loglevel=error"]);
  writeFileSync(stamp, lock);
}

function newestUnder(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith(".test.ts")) continue;
    newest = Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return newest;
}

function build() {
  const stamp = join(root, "dist/.built");
  const newest = Math.max(newestUnder(join(root, "src")), statSync(join(root, "tsconfig.build.json")).mtimeMs);
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= newest) return;
  // A renamed source must not leave its old module behind.
  rmSync(join(root, "dist"), { recursive: true, force: true });
  run("Compiling", process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"]);
  run("Describing options", process.execPath, [join(root, "scripts/describe-options.mjs")]);
  writeFileSync(stamp, "");
}

export function setUp() {
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(`illustrious needs Node 20.19 or newer; this is ${process.versions.node}.\n`);
    process.exit(1);
  }
  install();
  build();
}
