/** @file The thresholds of a run: built in, out of a file, or fitted to the set, and kept in the audit's folder under a name and a digest. */

import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { IllustriousError } from "../../base/error.ts";
import {
  type ControlThresholds,
  canPart,
  FEWEST_PICTURES,
  parseThresholds,
  printThresholds,
} from "../../colour/index.ts";
import type { CountProgress } from "../../data/audit/index.ts";
import { readText } from "../../data/sets/text-file.ts";
import { fitToAudit, sha256 } from "../../data/tags/index.ts";
import { type FileCalls, removeStrayTemporaries, writeFileAtomic } from "../../formats/atomic-write.ts";
import { openVocabulary } from "../audit/vocabulary.ts";
import { makeFolder } from "../output-place.ts";
import { familiesOf, type TagOptions } from "./options.ts";

export type ChosenThresholds = {
  readonly thresholds: ControlThresholds;
  /** First digits of the SHA-256 of their text: thresholds fitted anew under an old name are others. */
  readonly digest: string;
  /** Their place in the audit's folder. */
  readonly path: string;
};

const MAX_TEXT = 2 ** 20;

/** Fitted to pictures of Debian's packages, which `scripts/debian-pictures.mjs` gathers. */
const BUILT_IN = fileURLToPath(new URL("../../../assets/thresholds/debian-12-pictures.json", import.meta.url));

/**
 * @throws IllustriousError `missing_file`; `bad_file` for what is no file of thresholds, or a set without measures; `bad_option` for those that
 * part no pictures; `cancelled`
 */
export async function chooseThresholds(
  options: TagOptions,
  signal: AbortSignal,
  told: (progress: CountProgress) => void,
): Promise<ChosenThresholds> {
  const { audit, thresholds: given, name = basename(resolve(audit)) } = options;
  const file = given === "built-in" ? BUILT_IN : given;
  const thresholds =
    file === undefined
      ? await fitted(audit, name, signal, told)
      : parseThresholds(await readText(file, MAX_TEXT), file);
  checkFit(thresholds, options);
  const digest = sha256(printThresholds(thresholds)).slice(0, 12);
  // A name may have anything in it, and a file's name may not.
  const plain = thresholds.name.replace(/[^\p{L}\p{N}_-]+/gu, "_").slice(0, 60);
  return { thresholds, digest, path: resolve(join(audit, "thresholds", `${plain}-${digest}.json`)) };
}

const short = (cut: number) => String(Number(cut.toPrecision(4)));

/** For the families that are asked. @throws IllustriousError `bad_option` */
function checkFit(thresholds: ControlThresholds, options: TagOptions): void {
  const families = familiesOf(options);
  const fit = families.filter((family) => canPart(thresholds, family));
  if (fit.length === families.length) return;
  const { name, pictures, cuts } = thresholds;
  const ties = families.flatMap((family) =>
    fit.includes(family) ? [] : `${family} [${cuts[family].map(short).join(", ")}]`,
  );
  const why = pictures < FEWEST_PICTURES ? `at least ${FEWEST_PICTURES} are needed` : `cuts tie in ${ties.join(", ")}`;
  const others = fit.length === 0 ? "" : `, or only ${fit.map((family) => `--families ${family}`).join(" ")}`;
  const hint = `Take --thresholds built-in${others}.`;
  throw new IllustriousError("bad_option", `thresholds "${name}", fitted to ${pictures} pictures: ${why}`, hint);
}

async function fitted(
  audit: string,
  name: string,
  signal: AbortSignal,
  told: (progress: CountProgress) => void,
): Promise<ControlThresholds> {
  const fitting = fitToAudit(audit, name, openVocabulary);
  for (;;) {
    if (signal.aborted) throw new IllustriousError("cancelled", "stopped before thresholds were fitted");
    const { done, value } = await fitting.next();
    if (done) return value;
    told(value);
  }
}

/** @throws IllustriousError `write_failed` */
export async function keepThresholds({ thresholds, path }: ChosenThresholds, calls: FileCalls): Promise<void> {
  await makeFolder(dirname(path));
  await removeStrayTemporaries(dirname(path));
  await writeFileAtomic(path, new TextEncoder().encode(printThresholds(thresholds)), calls);
}
