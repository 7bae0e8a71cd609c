/** @file A model as the user names it: a path, or one that ships with the package. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SHIPPED = new URL("../../models/", import.meta.url);

/** A path that exists wins over a shipped model of the same name. */
export function modelPath(name: string): string {
  if (existsSync(name) || !/^[\w.-]+$/.test(name)) return name;
  const shipped = fileURLToPath(new URL(name, SHIPPED));
  return existsSync(shipped) ? shipped : name;
}
