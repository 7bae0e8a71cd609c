/** @file The project's version, as package.json has it. */

import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Such as `0.1.0`. */
export const VERSION: string = version;
