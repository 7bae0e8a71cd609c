/** @file Packages that are loaded when they are first asked for, and may not be there. */

import { IllustriousError } from "./error.ts";

/**
 * @param what it is called by people
 * @param spec name and version, as in package.json
 * @param note what else helps
 * @throws IllustriousError `unsupported` where the package, or its binary for this system, is not installed
 */
export async function optionalPackage<Module>(
  what: string,
  spec: string,
  load: () => Promise<Module>,
  note = "",
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const system = `${process.platform}-${process.arch}`;
    const hint = `Install it: npm install ${spec}.${note && ` ${note}`}`;
    throw new IllustriousError("unsupported", `${what} cannot be loaded on ${system} (${why})`, hint, { cause });
  }
}
