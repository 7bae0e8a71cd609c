/**
 * @file Where a file of a set goes in a copy of it. A set of one folder is mirrored as it is; of several, each is a folder of the copy.
 * What a list names outside of them goes below `outside/`, with its whole path; what metadata name there, below `.outside/`, so that who
 * looks through the copy does not find it a second time, without its caption. No two files of a kind have one place, and none lies outside
 * of the copy, whatever a list says.
 */

import { stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { exists } from "../../formats/exists.ts";

/** A letter of Windows', whose colon can be in no name there. */
const DRIVE = /^([A-Za-z]):/;

/**
 * @param path absolute
 * @param byMetadata whether it is an image that metadata name
 * @returns a path below the copy
 */
export type Mirror = (path: string, byMetadata: boolean) => string;

/** @param paths what was audited; absolute */
export async function mirrorOf(paths: readonly string[]): Promise<Mirror> {
  const folders = await Promise.all(
    paths.map(async (path) => {
      const isFolder = await stat(path).then(
        (found) => found.isDirectory(),
        () => false,
      );
      return isFolder ? path : dirname(path);
    }),
  );
  const roots = [...new Set(folders)].filter((one) => !folders.some((other) => other !== one && isBelow(one, other)));
  const names = new Map<string, string>();
  const taken = async (name: string): Promise<boolean> =>
    [...names.values()].includes(name) || (roots.length === 1 && (await exists(join(roots[0]!, name))));
  const distinct = async (wanted: string): Promise<string> => {
    for (let n = 1; ; n++) {
      const name = n === 1 ? wanted : `${wanted}-${n}`;
      if (!(await taken(name))) return name;
    }
  };
  for (const root of roots) names.set(root, roots.length === 1 ? "" : await distinct(basename(root) || "root"));
  const outside = await distinct("outside");
  return (path, byMetadata) => {
    const root = roots.find((one) => isBelow(path, one));
    if (root !== undefined) return join(names.get(root)!, relative(root, path));
    return join(byMetadata ? `.${outside}` : outside, ...path.replace(DRIVE, "$1").split(sep));
  };
}

export function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
