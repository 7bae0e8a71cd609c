/** @file What of a caption is the user's and what is ours, by its ledger entry; and what it is to become. */

import {
  findInsertions,
  type Insertion,
  insertTokens,
  LIST_SEPARATOR,
  removeInsertions,
  type TokenPlace,
} from "./caption-text.ts";
import { sha256, type TagEntry } from "./ledger.ts";

type State = {
  /** Without ours; none where there is no file. */
  readonly base: string | undefined;
  /** Hash of what the user gave: null where that was nothing, and the file is ours. */
  readonly before: () => string | null;
  /** In the caption as it is. */
  readonly ours: readonly Insertion[];
};

/**
 * @param isOwn whether the entry is this caption's; of one that may be another's its words are looked for, and never taken
 * @returns `undefined` when ours cannot be told from the user's words
 */
function stateOf(current: string | undefined, entry: TagEntry | undefined, isOwn: boolean): State | undefined {
  const untouched: State = { base: current, before: () => hashOf(current), ours: [] };
  if (!entry || current === undefined) return untouched;
  const hash = hashOf(current);
  if (hash === entry.before) return untouched;
  const without = (ours: readonly Insertion[], before: string | null): State => ({
    base: removeInsertions(current, ours),
    before: () => before,
    ours,
  });
  if (isOwn && hash === entry.after) return without(entry.insertions, entry.before);
  // Entered, but not written.
  if (isOwn && hash === entry.was?.sha256) return without(entry.was.insertions, entry.before);
  // Changed by somebody else since: what is left without ours is the user's from now on.
  const isBefore = (text: string) =>
    entry.before === null ? text === "" : ["", "\n", "\r\n"].some((end) => sha256(text + end) === entry.before);
  const looked = [entry.insertions, ...(entry.was ? [entry.was.insertions] : [])].map((insertions) =>
    findInsertions(current, insertions, entry.separator, isBefore, entry.keepTokens),
  );
  if (!isOwn) return looked.every((one) => one === "none") ? untouched : undefined;
  const found = looked.find((one) => one !== undefined && one !== "none");
  if (found) {
    const rest = removeInsertions(current, found);
    // A file that was ours alone, and to which an editor has put the end of a line, is no more the user's than it was.
    return without(found, entry.before === null && rest.trim() === "" ? null : sha256(rest));
  }
  return looked.every((one) => one === "none") ? untouched : undefined;
}

/**
 * What is replaced, where that has ours in it. Where there is no file, what there was of ours: its folder may be away, and the caption come back
 * with it.
 */
function wasOf(
  current: string | undefined,
  ours: readonly Insertion[],
  entry: TagEntry | undefined,
  after: string | undefined,
): Pick<TagEntry, "was"> {
  if (current !== undefined) return ours.length > 0 ? { was: { sha256: sha256(current), insertions: ours } } : {};
  const had = entry && entry.after !== null && entry.insertions.length > 0;
  const was = had ? { sha256: entry.after!, insertions: entry.insertions } : entry?.was;
  return was && was.sha256 !== hashOf(after) ? { was } : {};
}

const hashOf = (text: string | undefined) => (text === undefined ? null : sha256(text));

export type CaptionAsked = {
  /** Absolute paths, and field and line in a metadata file. */
  readonly caption: string;
  readonly image: string;
  readonly field?: string;
  readonly line?: number;
  /** As it is; none where there is no file. */
  readonly current: string | undefined;
  /** What a file begins with where there is none. */
  readonly fresh?: string;
  /** None to take ours out. */
  readonly tokens: readonly string[];
  readonly place: TokenPlace;
  readonly thresholds?: string;
};

export type CaptionPlan =
  | { readonly type: "same" }
  /** Ours cannot be told from the user's words. */
  | { readonly type: "unclear" }
  | {
      readonly type: "change";
      /** For the ledger: whoever only looks does without the hashes in it. */
      readonly entry: () => TagEntry;
      readonly current: string | undefined;
      /** No file where nothing is left but what was ours. */
      readonly after: string | undefined;
      /** In `current`. */
      readonly ours: readonly Insertion[];
      /** In `after`. */
      readonly insertions: readonly Insertion[];
    };

/** A list that is one text now, or a text that is a list: ours are parted by what parts tags there. */
function entryFor(entry: TagEntry, { separator }: TokenPlace): TagEntry {
  const isList = separator === LIST_SEPARATOR;
  if (isList === (entry.separator === LIST_SEPARATOR)) return entry;
  const parting = isList ? separator : ", ";
  const parted = (insertions: readonly Insertion[]) =>
    insertions.map(({ at, text }) => ({ at, text: text.replaceAll(entry.separator, parting) }));
  const was = entry.was && { was: { ...entry.was, insertions: parted(entry.was.insertions) } };
  return { ...entry, separator: parting, insertions: parted(entry.insertions), ...was };
}

/** @param isOwn whether the entry is this caption's and not that of another line of its image's */
export function planCaption(asked: CaptionAsked, known: TagEntry | undefined, isOwn = true): CaptionPlan {
  const { caption, image, field, line, current, tokens, place, thresholds } = asked;
  const entry = known && entryFor(known, place);
  const state = stateOf(current, entry, isOwn);
  if (!state) return { type: "unclear" };
  const { base, before, ours } = state;
  const isGone = tokens.length === 0 && before() === null;
  const { text, insertions } = insertTokens(base ?? asked.fresh ?? "", tokens, place);
  const after = isGone ? undefined : text;
  if (after === current) return { type: "same" };
  return {
    type: "change",
    ...{ current, after, ours, insertions },
    entry: () => ({
      ...{ caption, image },
      ...(field !== undefined && { field }),
      ...(line !== undefined && { line }),
      ...(thresholds !== undefined && { thresholds }),
      ...(place.position === "start" && place.keepTokens > 0 && { keepTokens: place.keepTokens }),
      ...{ tokens, separator: place.separator, before: before(), after: hashOf(after), insertions },
      ...wasOf(current, ours, entry, after),
    }),
  };
}
