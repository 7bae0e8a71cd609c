/**
 * @file The samples of an archive by WebDataset's rule: members with one key follow each other, and the key is the path up to the first
 * dot of the name.
 */

import { basename } from "node:path";
import { type TarFile, tarFiles } from "../../formats/tar.ts";
import { isImageName } from "../sets/folder-config.ts";
import { MAX_IMAGE } from "./row.ts";

/** Endings of members that hold a caption: of those that a sample has, the first counts. */
const CAPTION_MEMBERS = ["caption", "txt", "json"] as const;

export type MemberCaption = { readonly ending: string; readonly file: TarFile } & (
  | { /** To the letter, a byte order mark included. */ readonly text: string }
  | { readonly text?: undefined; readonly why: string }
);

export type ArchiveGroup = {
  readonly key: string;
  /** With their bytes, where the archive is compressed and they are not too many. */
  readonly images: readonly { readonly file: TarFile; readonly bytes?: Uint8Array | undefined }[];
  /** By their endings, in small letters. */
  readonly captions: ReadonlyMap<string, MemberCaption>;
};

/** The caption that counts. */
export function keptCaption(captions: ReadonlyMap<string, MemberCaption>): MemberCaption | undefined {
  return CAPTION_MEMBERS.map((ending) => captions.get(ending)).find((one) => one !== undefined);
}

/** Bytes of a caption. */
export const MAX_CAPTION = 2 ** 20;

/** Images of one key that wait for a caption behind them; of more, the first do without it. The same for their bytes, where they are held. */
const MOST_TOGETHER = 256;

/**
 * In the archive's order. Nothing of one group lies behind anything of a later one.
 *
 * @throws IllustriousError `missing_file`; `bad_file` where the archive stops being one, after the groups before that place
 */
export async function* archiveGroups(path: string): AsyncGenerator<ArchiveGroup, void> {
  let group = newGroup("");
  let failure: unknown;
  try {
    for await (const file of tarFiles(path)) {
      const name = basename(file.name);
      // What hides in an archive is a system's own, such as macOS's `._` files.
      if (name.startsWith(".")) continue;
      const [stem = "", ...endings] = name.split(".");
      const key = file.name.slice(0, -name.length) + stem;
      if (key !== group.key || group.images.length >= MOST_TOGETHER || group.held > MAX_IMAGE) {
        yield group;
        group = newGroup(key);
      }
      const ending = endings.join(".").toLowerCase();
      if (isImageName(name)) {
        // What is compressed cannot be read again at its place.
        const bytes = file.offset === undefined ? await file.read(MAX_IMAGE) : undefined;
        group.images.push({ file, bytes });
        group.held += bytes?.length ?? 0;
      } else if (CAPTION_MEMBERS.some((one) => one === ending)) {
        group.captions.set(ending, await memberCaption(file, ending));
      }
    }
  } catch (error) {
    failure = error;
  }
  yield group;
  if (failure !== undefined) throw failure;
}

type Open = ArchiveGroup & {
  readonly images: { readonly file: TarFile; readonly bytes: Uint8Array | undefined }[];
  readonly captions: Map<string, MemberCaption>;
  /** Bytes. */
  held: number;
};

function newGroup(key: string): Open {
  return { key, images: [], captions: new Map(), held: 0 };
}

async function memberCaption(file: TarFile, ending: string): Promise<MemberCaption> {
  const bytes = await file.read(MAX_CAPTION);
  if (bytes === undefined) return { ending, file, why: `${file.name}: more than ${MAX_CAPTION} bytes of text` };
  try {
    return { ending, file, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { ending, file, why: `${file.name}: not UTF-8` };
  }
}
