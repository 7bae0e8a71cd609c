/**
 * @file From a caption as it is kept to the text that a step is trained with: tags shuffled and dropped, wildcards, whole captions
 * dropped. The order of work is that of sd-scripts (kohya), so its data sets mean here what they mean there, but for three things:
 * prefix and suffix stand around the line that was picked, not around all lines; a `keepTokensSeparator` never stays in the text,
 * shuffled or not; and empty tags are dropped everywhere.
 */

import { type Draws, drawsOf } from "./draws.ts";

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
  const { captionDropoutRate, captionDropoutEveryNEpochs: every } = options;
  if (captionDropoutRate > 0 && draws.next() < captionDropoutRate) return "";
  if (every > 0 && (epoch + 1) % every === 0) return "";
  return textOfLine(pickLine(caption, options, draws), options, draws);
}

/**
 * All texts that `drawCaption` may give, where they are few enough to come again word for word: `undefined` where tags are shuffled,
 * dropped or chosen.
 */
export function fewTexts(caption: string, options: CaptionOptions): readonly string[] | undefined {
  const { shuffleCaption, captionTagDropoutRate, enableWildcard, captionDropoutRate } = options;
  if (shuffleCaption || captionTagDropoutRate > 0) return undefined;
  const lines = enableWildcard ? caption.split("\n") : [pickLine(caption, options, NO_CHOICE)];
  const choices = (line: string) =>
    /\{[^}]+\}/.test(withAffixes(line, options).replaceAll("{{", "").replaceAll("}}", ""));
  if (enableWildcard && lines.some(choices)) return undefined;
  const dropped = captionDropoutRate > 0 || options.captionDropoutEveryNEpochs > 0;
  const texts = lines.map((line) => textOfLine(line, options, NO_CHOICE));
  return [...new Set([...texts, ...(dropped ? [""] : [])])];
}

/** For texts that leave nothing to be drawn. */
const NO_CHOICE = drawsOf(0, "caption");

function textOfLine(line: string, options: CaptionOptions, draws: Draws): string {
  const { secondarySeparator } = options;
  const whole = withAffixes(line, options);
  const told = options.enableWildcard ? resolveWildcards(whole, draws) : whole;
  const text = arrangeTags(told, options, draws);
  return secondarySeparator ? text.replaceAll(secondarySeparator, options.captionSeparator) : text;
}

function withAffixes(line: string, { captionPrefix: prefix, captionSuffix: suffix }: CaptionOptions): string {
  return [prefix, line, suffix].filter(Boolean).join(" ");
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
