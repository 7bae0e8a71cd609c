/**
 * @file From a caption as it is kept to the text that a step is trained with: tags shuffled and dropped, wildcards, whole captions
 * dropped. The order of work is that of sd-scripts (kohya), so its data sets mean here what they mean there, but for three things:
 * prefix and suffix stand around the line that was picked, not around all lines; a `keepTokensSeparator` never stays in the text,
 * shuffled or not; and empty tags are dropped everywhere.
 */

import type { Draws } from "./draws.ts";

export type CaptionOptions = {
  readonly shuffleCaption: boolean;
  /** Between tags, as they are kept; the text has ", ". */
  readonly captionSeparator: string;
  /** So many first tags keep their place. */
  readonly keepTokens: number;
  /** Tags before it keep their place, and tags after a second one; `keepTokens` then counts for nothing. */
  readonly keepTokensSeparator?: string | undefined;
  /** Holds tags together in shuffling and dropping; becomes `captionSeparator` at the end. */
  readonly secondarySeparator?: string | undefined;
  /** One line of many is picked, and one of each `{a|b}`; `{{` and `}}` stand for braces. Else the first line counts. */
  readonly enableWildcard: boolean;
  readonly captionPrefix?: string | undefined;
  readonly captionSuffix?: string | undefined;
  /** Share of examples with an empty caption. */
  readonly captionDropoutRate: number;
  /** Empty captions throughout each such epoch, counted from 1; 0 for none. */
  readonly captionDropoutEveryNEpochs: number;
  /** Share of tags left out, of those that do not keep their place. */
  readonly captionTagDropoutRate: number;
};

/**
 * The text of one example.
 *
 * @param epoch counted from 0
 */
export function drawCaption(caption: string, options: CaptionOptions, epoch: number, draws: Draws): string {
  const { captionDropoutRate, captionDropoutEveryNEpochs: every, secondarySeparator } = options;
  if (captionDropoutRate > 0 && draws.next() < captionDropoutRate) return "";
  if (every > 0 && (epoch + 1) % every === 0) return "";
  const line = pickLine(caption, options, draws);
  const { captionPrefix: prefix, captionSuffix: suffix } = options;
  const whole = [prefix, line, suffix].filter(Boolean).join(" ");
  const told = options.enableWildcard ? resolveWildcards(whole, draws) : whole;
  const text = arrangeTags(told, options, draws);
  return secondarySeparator ? text.replaceAll(secondarySeparator, options.captionSeparator) : text;
}

function pickLine(caption: string, { enableWildcard }: CaptionOptions, draws: Draws): string {
  const lines = caption.split("\n");
  return enableWildcard && lines.length > 1 ? draws.pick(lines) : lines[0]!;
}

/** Stand in for escaped braces; Unicode keeps these two free for a program's own use. */
const OPEN = "\ufdd0";
const CLOSE = "\ufdd1";

function resolveWildcards(text: string, draws: Draws): string {
  return text
    .replaceAll("{{", OPEN)
    .replaceAll("}}", CLOSE)
    .replace(/\{([^}]+)\}/g, (_, options: string) => draws.pick(options.split("|")))
    .replaceAll(OPEN, "{")
    .replaceAll(CLOSE, "}");
}

function arrangeTags(text: string, options: CaptionOptions, draws: Draws): string {
  const { keepTokensSeparator: keep, shuffleCaption, captionTagDropoutRate: rate } = options;
  const separated = keep !== undefined && keep !== "" && text.includes(keep);
  if (!shuffleCaption && rate === 0 && !separated) return text;
  const tagsOf = (part: string) =>
    part
      .split(options.captionSeparator)
      .map((tag) => tag.trim())
      .filter((tag) => tag !== "");
  const { first, middle, last } = separated
    ? splitTwice(text, keep, tagsOf)
    : splitAfter(tagsOf(text), options.keepTokens);
  const ordered = shuffleCaption ? draws.shuffled(middle) : middle;
  const kept = rate > 0 ? ordered.filter(() => draws.next() >= rate) : ordered;
  return [...first, ...kept, ...last].join(", ");
}

type Parts = { first: string[]; middle: string[]; last: string[] };

/** At the first two separators; a third stays in the text, as in sd-scripts. */
function splitTwice(text: string, separator: string, tagsOf: (part: string) => string[]): Parts {
  const [first, middle, ...last] = text.split(separator);
  return { first: tagsOf(first!), middle: tagsOf(middle ?? ""), last: tagsOf(last.join(separator)) };
}

function splitAfter(tags: string[], count: number): Parts {
  return { first: tags.slice(0, count), middle: tags.slice(count), last: [] };
}
