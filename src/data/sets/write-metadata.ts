/**
 * @file A data set as files: kohya's metadata JSON, many of them for many images, and the TOML that names them. The TOML is written last
 * and the files of a set before stay until then; each is named for its content, so none is ever changed.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import { encodeToml } from "../../formats/toml.ts";

/** Images a file, which bounds memory here and wherever they are read. */
const MOST_ENTRIES = 20_000;

const NAME = /^x\d+-\d+-[0-9a-f]{16}\.json$/;

export type MetadataWriter = {
  /** @param path absolute, and no other call's: an image has one entry in all files, of two sd-scripts takes the later */
  add(path: string, caption: string, repeats: number): Promise<void>;
  /**
   * Writes what is left and the TOML.
   *
   * @param head lines of comment, without control characters
   */
  finish(head: readonly string[], dataset: Readonly<Record<string, unknown>>): Promise<void>;
  /** Takes away what this writer has written. */
  abandon(): Promise<void>;
};

/**
 * @param toml absolute path; the metadata files lie in a folder beside it
 * @param entries images a file
 * @throws IllustriousError `write_failed` in every call
 */
export function metadataWriter(toml: string, entries: number = MOST_ENTRIES): MetadataWriter {
  const folder = `${toml.replace(/\.toml$/i, "")}.images`;
  const open = new Map<number, Map<string, { readonly caption: string }>>();
  const files: { readonly path: string; readonly repeats: number }[] = [];
  const made: string[] = [];

  async function write(repeats: number): Promise<void> {
    const text = JSON.stringify(Object.fromEntries(open.get(repeats)!), null, 1);
    open.delete(repeats);
    const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
    const number = files.filter((file) => file.repeats === repeats).length;
    const path = join(folder, `x${repeats}-${String(number).padStart(4, "0")}-${digest}.json`);
    if (!(await exists(path))) {
      await mkdir(folder, { recursive: true });
      await writeFileAtomic(path, new TextEncoder().encode(text));
      made.push(path);
    }
    files.push({ path, repeats });
  }

  return {
    async add(path, caption, repeats) {
      open.set(repeats, (open.get(repeats) ?? new Map()).set(path, { caption }));
      if (open.get(repeats)!.size >= entries) await write(repeats);
    },
    async finish(head, dataset) {
      for (const repeats of [...open.keys()].sort((a, b) => a - b)) await write(repeats);
      files.sort((a, b) => a.repeats - b.repeats);
      const subsets = files.map(({ path, repeats }) => ({ metadata_file: path, num_repeats: repeats }));
      const text = encodeToml({ general: { enable_bucket: true }, datasets: [{ ...dataset, subsets }] });
      const comment = head.map((line) => `# ${line}\n`).join("");
      await writeFileAtomic(toml, new TextEncoder().encode(`${comment}\n${text}`));
      const named = new Set(files.map(({ path }) => path));
      for (const name of await readdir(folder)) {
        if (NAME.test(name) && !named.has(join(folder, name))) await rm(join(folder, name));
      }
    },
    async abandon() {
      for (const path of made) await rm(path, { force: true });
    },
  };
}
