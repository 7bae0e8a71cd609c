/**
 * @file Tokens in the text of a caption: put in, taken out again to the letter, and found in a text that was changed meanwhile.
 *
 * A caption of several lines is a choice of one (kohya's wildcards), so every line that is not blank gets the tokens. A word that a
 * line already has stays the user's own: it is not put in a second time, and never taken out.
 */

export type TokenPlace = {
  readonly position: "start" | "end";
  /** Between the caption's tags. */
  readonly separator: string;
  /** For "start": so many first tags stay before the tokens, as kohya's option of that name counts them. */
  readonly keepTokens: number;
};

/** A piece that was put in: where it begins in the text that has it, in UTF-16 units. */
export type Insertion = { readonly at: number; readonly text: string };

export type Inserted = { readonly text: string; readonly insertions: readonly Insertion[] };

const MARK = "\ufeff";

/** As a place's separator: the text is a list of texts, this between them, and every token becomes one of its own. */
export const LIST_SEPARATOR = "\u001f";

export function insertTokens(text: string, tokens: readonly string[], place: TokenPlace): Inserted {
  if (tokens.length === 0) return { text, insertions: [] };
  if (place.separator === LIST_SEPARATOR) return insertTexts(text, tokens, place);
  const start = text.startsWith(MARK) ? MARK.length : 0;
  if (text.trim() === "") return splice(text, [{ at: start, text: tokens.join(place.separator) }]);
  const pieces: Insertion[] = [];
  for (const line of text.slice(start).matchAll(/[^\r\n]+/g)) {
    const piece = pieceFor(line[0], tokens, place);
    if (piece) pieces.push({ at: start + line.index + piece.at, text: piece.text });
  }
  return splice(text, pieces);
}

/** Into a list, in which a text may have several tags, parted by commas. */
function insertTexts(text: string, tokens: readonly string[], { position, keepTokens }: TokenPlace): Inserted {
  const texts = text.split(LIST_SEPARATOR);
  const plain = texts.map((one) => plainOf(one, ","));
  const fresh = tokens.filter((token) => !plain.some((one) => hasTag(one, plainOf(token, ","), ",")));
  if (fresh.length === 0) return { text, insertions: [] };
  const joined = fresh.join(LIST_SEPARATOR);
  if (text === "") return splice(text, [{ at: 0, text: joined }]);
  if (position === "end" || texts.length <= keepTokens) {
    return splice(text, [{ at: text.length, text: LIST_SEPARATOR + joined }]);
  }
  const at = texts.slice(0, keepTokens).reduce((sum, one) => sum + one.length + 1, 0);
  return splice(text, [{ at, text: joined + LIST_SEPARATOR }]);
}

/** @param pieces with places in `text` as it is, rising */
function splice(text: string, pieces: readonly Insertion[]): Inserted {
  let out = "";
  let from = 0;
  const insertions = pieces.map((piece) => {
    out += text.slice(from, piece.at);
    from = piece.at;
    const insertion = { at: out.length, text: piece.text };
    out += piece.text;
    return insertion;
  });
  return { text: out + text.slice(from), insertions };
}

function pieceFor(line: string, tokens: readonly string[], place: TokenPlace): Insertion | undefined {
  if (line.trim() === "") return undefined;
  const { separator } = place;
  const core = coreOf(separator);
  const plain = plainOf(line, core);
  const fresh = tokens.filter((token) => !hasTag(plain, plainOf(token, core), core.toLowerCase()));
  if (fresh.length === 0) return undefined;
  const joined = fresh.join(separator);
  const at = place.position === "start" ? behindTags(line, place.keepTokens, core) : undefined;
  if (at !== undefined) return { at, text: joined + separator };
  const end = line.trimEnd();
  // A comma that ends the line is the one before the tokens.
  const before = end.endsWith(core) ? separator.slice(separator.indexOf(core) + core.length) : separator;
  return { at: end.length, text: before + joined };
}

/** Where the first tag begins that does not keep its place; none when all do. */
function behindTags(line: string, keep: number, core: string): number | undefined {
  let at = 0;
  for (let tag = 0; tag < keep; tag++) {
    const next = line.indexOf(core, at);
    if (next === -1) return undefined;
    at = next + core.length;
  }
  const space = line.slice(at).search(/\S/);
  return space === -1 ? undefined : at + space;
}

/** What parts tags, whatever white space is around it. */
function coreOf(separator: string): string {
  return separator.trim() || separator;
}

/** As words are compared with the user's: in small letters, and with spaces for danbooru's underscores, unless those part tags. */
function plainOf(text: string, core: string): string {
  const small = text.toLowerCase();
  return core.includes("_") ? small : small.replaceAll("_", " ");
}

/** A sentence's end as its last characters, and as the first behind a word. */
const AFTER_SENTENCE = /[.!?…]["'”’)\]]*\s+$|[。！？]\s*$/u;
const SENTENCE_END = /^[.!?…]+["'”’)\]]*(\s|$)|^[。！？]/u;

/** Whether a word stands in a line as a whole tag: between separators, ends of sentences and the line's own ends. */
function hasTag(line: string, word: string, core: string): boolean {
  for (let at = line.indexOf(word); at !== -1; at = line.indexOf(word, at + 1)) {
    const [before, after] = [line.slice(0, at), line.slice(at + word.length)];
    const begins =
      before.trim() === "" || before.endsWith(core) || before.trimEnd().endsWith(core) || AFTER_SENTENCE.test(before);
    const ends =
      after.trim() === "" || after.startsWith(core) || after.trimStart().startsWith(core) || SENTENCE_END.test(after);
    if (begins && ends) return true;
  }
  return false;
}

/** The text as it was before `insertions`, which must be its own. */
export function removeInsertions(text: string, insertions: readonly Insertion[]): string {
  let out = "";
  let from = 0;
  for (const { at, text: piece } of insertions) {
    out += text.slice(from, at);
    from = at + piece.length;
  }
  return out + text.slice(from);
}

/**
 * Looks for pieces in a text that was changed since they were put in. Several words in their order are ours wherever they stand; one word alone is
 * a word that whoever wrote the text anew may have meant, but where it stands at the place at which it was put, or what stands before it as it stood.
 *
 * @param keepTokens the place's, by which they were put in
 * @param isBefore whether a text is the whole caption as it was without them
 * @returns their places now, with the separator where they were all of the caption and words stand beside them; "none" when no word of them is there any more; `undefined` when they cannot be told from the user's words:
 * one of them is changed, is lost, is there more often than it was put in, or is one word elsewhere in a text that is another
 */
export function findInsertions(
  text: string,
  insertions: readonly Insertion[],
  separator: string,
  isBefore: (text: string) => boolean,
  keepTokens = 0,
): readonly Insertion[] | "none" | undefined {
  const core = coreOf(separator);
  const lines = text.replace(MARK, "").split(/[\r\n]/);
  const wordsOf = (piece: string) => piece.split(core).flatMap((tag) => tag.trim() || []);
  const words = new Set(insertions.flatMap(({ text: piece }) => wordsOf(piece)));
  if (![...words].some((word) => lines.some((line) => hasTag(line, word, core)))) {
    const isAltered = insertions.some(({ text: piece }) => {
      const own = wordsOf(piece);
      return own.length > 1 && own.every((word) => hasWord(text, word));
    });
    return isAltered ? undefined : "none";
  }
  const found: Insertion[] = [];
  // The longest first: a shorter piece may be the end of a longer one.
  const pieces = [...new Set(insertions.map((one) => one.text))].sort((a, b) => b.length - a.length);
  for (const piece of pieces) {
    const free = placesOf(piece, text, core).filter(
      (at) => !found.some((other) => overlap({ at, text: piece }, other)),
    );
    if (free.length !== insertions.filter((one) => one.text === piece).length) return undefined;
    const isAsItWas = () => insertions.length === 1 && isBefore(text.slice(0, free[0]));
    const isInPlace = () =>
      !isWhole(insertions, separator) && free.every((at) => isPlaced({ at, text: piece }, text, separator, keepTokens));
    if (wordsOf(piece).length === 1 && !isAsItWas() && !isInPlace()) return undefined;
    found.push(...free.map((at) => ({ at, text: piece })));
  }
  const [only] = found;
  if (only && isWhole(insertions, separator)) return [withSeparator(text, only, core)];
  return found.sort((a, b) => a.at - b.at);
}

/** Whether a piece with its separator stands where a line gets one: as its last, or as the first behind the tags that keep their place. */
function isPlaced({ at, text: piece }: Insertion, text: string, separator: string, keepTokens: number): boolean {
  const core = coreOf(separator);
  const [before] = /[^\r\n\ufeff]*$/.exec(text.slice(0, at))!;
  const [rest] = /^[^\r\n]*/.exec(text.slice(at))!;
  if (piece.endsWith(separator)) return behindTags(before + rest, keepTokens, core) === before.length;
  return rest.slice(piece.length).trim() === "" && (piece.startsWith(separator) || before.endsWith(core));
}

/** Whether they were all of a caption: one piece at its start, and no separator beside it, since nothing was there. */
function isWhole([first, second]: readonly Insertion[], separator: string): boolean {
  if (second !== undefined || first === undefined || first.at > MARK.length) return false;
  return !first.text.endsWith(separator) && !first.text.startsWith(separator) && first.text === first.text.trimStart();
}

/** With what parts it from words that have come since; a line that has none goes as a whole. */
function withSeparator(text: string, { at, text: piece }: Insertion, core: string): Insertion {
  const end = at + piece.length;
  const [before] = /[^\r\n\ufeff]*$/.exec(text.slice(0, at))!;
  const [after] = /^[^\r\n]*/.exec(text.slice(end))!;
  const widened = (from: number, to: number): Insertion => ({ at: from, text: text.slice(from, to) });
  if (before.trim() === "" && after.trim() === "") {
    const [lineEnd] = /^(\r\n|\r|\n)?/.exec(text.slice(end + after.length))!;
    const [endAbove] = /(\r\n|\r|\n)?$/.exec(text.slice(0, at - before.length))!;
    const above = lineEnd === "" ? endAbove.length : 0;
    return widened(at - before.length - above, end + after.length + lineEnd.length);
  }
  const behind = behindSeparator(after, core);
  if (behind.length < after.length) return widened(at, end + after.length - behind.length);
  return widened(at - before.length + beforeSeparator(before, core).length, end);
}

/** What follows a separator that a text begins with; all of a text that begins with none. */
function behindSeparator(text: string, core: string): string {
  const own = text.trimStart();
  return own.startsWith(core) ? own.slice(core.length).trimStart() : text;
}

function beforeSeparator(text: string, core: string): string {
  const own = text.trimEnd();
  return own.endsWith(core) ? own.slice(0, -core.length).trimEnd() : text;
}

/** Whether a word stands in a text at all, in whatever letters and between whatever is none. */
function hasWord(text: string, word: string): boolean {
  const [all, wanted] = [text.toLowerCase(), word.toLowerCase()];
  for (let at = all.indexOf(wanted); at !== -1; at = all.indexOf(wanted, at + 1)) {
    const [before, after] = [all.slice(Math.max(0, at - 2), at), all.slice(at + wanted.length, at + wanted.length + 2)];
    if (!/\p{L}$/u.test(before) && !/^\p{L}/u.test(after)) return true;
  }
  return false;
}

function overlap(a: Insertion, b: Insertion): boolean {
  return a.at < b.at + b.text.length && b.at < a.at + a.text.length;
}

/** Where a piece stands as whole tags. */
function placesOf(piece: string, text: string, core: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(piece); at !== -1; at = text.indexOf(piece, at + 1)) {
    const before = /[^\r\n\ufeff]*$/.exec(text.slice(0, at))![0].trimEnd();
    const after = /^[^\r\n]*/.exec(text.slice(at + piece.length))![0].trimStart();
    const begins = before === "" || before.endsWith(core) || piece.trimStart().startsWith(core);
    const ends = after === "" || after.startsWith(core) || piece.trimEnd().endsWith(core);
    if (begins && ends) places.push(at);
  }
  return places;
}
