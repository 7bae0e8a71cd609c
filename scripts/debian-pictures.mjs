/**
 * @file Pictures that nobody here has made, out of packages of Debian 12: photographs, wallpapers, painted portraits and scenes, drawn
 * characters and things. The built-in control thresholds are fitted to them (docs/tagging.md).
 *
 *     node scripts/debian-pictures.mjs FOLDER     needs apt-get and dpkg-deb, and a gigabyte beside FOLDER while it works
 */

import { execFileSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { dirname, extname, join, relative, resolve } from "node:path";
import sharp from "sharp";

const PACKAGES = [
  "desktop-base",
  "gnome-backgrounds",
  "lomiri-wallpapers-16.04",
  "lomiri-wallpapers-20.04",
  "mate-backgrounds",
  "plasma-workspace-wallpapers",
  "renpy-demo",
  "renpy-thequestion",
  "tuxpaint-stamps-default",
  "ukui-wallpapers",
  "wesnoth-1.16-data",
];
/** Icons and sprites are none. */
const LEAST_SIDE = 256;
const KINDS = new Set([".jpg", ".jpeg", ".png", ".webp"]);
/** Manuals' screenshots, one for each language; pieces of maps; a picture that another folder has at another size, or as a preview. */
const LEFT_OUT = /\/usr\/share\/doc\/|\/screenshot|\/icons\/|\/look-and-feel\/|preview|\/terrain\//;

const [given] = process.argv.slice(2);
if (!given) {
  console.error("say FOLDER");
  process.exit(2);
}
const folder = resolve(given);
await mkdir(dirname(folder), { recursive: true });
const work = await mkdtemp(`${folder}-`);
try {
  execFileSync("apt-get", ["download", ...PACKAGES], { cwd: work, stdio: ["ignore", "ignore", "inherit"] });
  for (const file of (await readdir(work)).filter((name) => name.endsWith(".deb")).sort()) {
    const unpacked = join(work, "unpacked");
    execFileSync("dpkg-deb", ["-x", join(work, file), unpacked]);
    const [name, version] = file.split("_");
    const count = await take(unpacked, name);
    console.log(`${name} ${decodeURIComponent(version)}: ${count} pictures`);
    await rm(unpacked, { recursive: true });
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

/** The largest file of each picture that comes in several sizes (a wallpaper's `contents/images/1024x768.jpg`), in name's folder. */
async function take(unpacked, name) {
  const largest = new Map();
  for (const entry of await readdir(unpacked, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !KINDS.has(extname(path).toLowerCase()) || LEFT_OUT.test(path)) continue;
    const { width, height } = await sharp(path).metadata();
    if (Math.min(width, height) < LEAST_SIDE) continue;
    const picture = /^\d+x\d+\.\w+$/.test(entry.name) ? dirname(path) : path;
    if (width * height > (largest.get(picture)?.area ?? 0)) largest.set(picture, { path, area: width * height });
  }
  for (const { path } of largest.values()) {
    const flat = relative(unpacked, path)
      .replaceAll("/", "-")
      .replace(/^usr-share-/, "");
    await mkdir(join(folder, name), { recursive: true });
    await copyFile(path, join(folder, name, flat));
  }
  return largest.size;
}
