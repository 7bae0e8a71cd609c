/** @file Our tokens out of every caption that the ledger knows. */

import { IllustriousError } from "../../base/error.ts";
import { tagMetadata, tellLeft } from "./metadata.ts";
import { openSidecars } from "./sidecars.ts";
import type { Work } from "./work.ts";

/** @throws IllustriousError `write_failed`; `cancelled` */
export async function undoTags(work: Work): Promise<void> {
  const { ledger, tally, signal } = work;
  const sidecars = openSidecars(work);
  const metadata = new Set<string>();
  for await (const { caption, image, field } of ledger.latest()) {
    if (signal.aborted) {
      await sidecars.flush();
      throw new IllustriousError(
        "cancelled",
        `stopped after ${tally.counts().images} captions`,
        "Run it again to go on.",
      );
    }
    if (field !== undefined) metadata.add(caption);
    else {
      tally.image([]);
      await sidecars.tag({ caption, image, tokens: [] });
    }
  }
  await sidecars.flush();
  for (const path of metadata) {
    const tokensOf = async (line: number, image: string): Promise<readonly string[] | undefined> => {
      if ((await ledger.ofLine(path, image, line)).length === 0) return undefined;
      tally.image([]);
      return [];
    };
    await tagMetadata(path, { above: 0, more: () => true, tokensOf }, work).catch((error: unknown) =>
      tellLeft(path, error, work),
    );
  }
}
