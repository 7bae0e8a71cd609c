/**
 * @file Which pictures there are to learn from, and which pairs of name and colour are kept for the examination. A kept pair is in no
 * caption, though its name is, in other colours, and its colour, of other things.
 */

import { createHash } from "node:crypto";
import { trainingCaptions } from "./captions.ts";
import { COLOUR_NAMES, type ColourName } from "./colour-names.ts";
import { type Emoji, recoloured } from "./emoji.ts";

export type PlannedPicture = {
  readonly name: string;
  readonly colour: ColourName;
  readonly tags: readonly string[];
  readonly svg: string;
  /** Whether it is as OpenMoji drew it, or one of its drawings in another colour of its palette. */
  readonly drawnBy: "openmoji" | "recoloured";
  /** Colour that OpenMoji gave to what has one there; undefined for what it drew in several. */
  readonly natural: ColourName | undefined;
};

export type Plan = { readonly training: readonly PlannedPicture[]; readonly heldOut: readonly PlannedPicture[] };

export type PlanOptions = {
  /** Other colours that each emoji is learnt in, beside its own; 0 to 6. Default 4. */
  readonly recolours?: number;
  /** Pairs of each colour that are held out of recoloured emoji. Default 16. */
  readonly heldOut?: number;
};

/** What OpenMoji draws in at least so many colours is a family, of which two drawings are held out. */
const FAMILY = 4;
const HELD_OF_FAMILY = 2;

export function planSet(emoji: readonly Emoji[], { recolours = 4, heldOut = 16 }: PlanOptions = {}): Plan {
  const things = byName(emoji);
  const learnt: PlannedPicture[] = [];
  const kept: PlannedPicture[] = [];
  const single: Emoji[] = [];
  const keptOfFamilies = tally();
  for (const drawings of things.values()) {
    const alone = drawings.length === 1;
    if (alone) single.push(drawings[0]!);
    const held = drawings.length >= FAMILY ? rarest(drawings, keptOfFamilies, HELD_OF_FAMILY) : [];
    for (const it of drawings) {
      (held.includes(it) ? kept : learnt).push(picture(it, it.colour, alone ? it.colour : undefined));
    }
  }
  const keptOf = tally();
  for (const it of shuffled(single, ({ name }) => name)) {
    const others = shuffled(
      COLOUR_NAMES.filter((name) => name !== it.colour),
      (colour) => `${it.name} ${colour}`,
    );
    const colour = others.reduce((least, name) => (keptOf[name] < keptOf[least] ? name : least));
    const holds = keptOf[colour] < heldOut;
    if (holds) {
      keptOf[colour]++;
      kept.push(picture(it, colour, it.colour));
    }
    const learning = others.filter((name) => !(holds && name === colour)).slice(0, recolours);
    for (const other of learning) learnt.push(picture(it, other, it.colour));
  }
  return { training: withoutPairsOf(kept, learnt), heldOut: kept };
}

/** "Umbrella with rain drops" in purple would tell of a purple umbrella: what says a kept pair's two words is left out, too. */
function withoutPairsOf(kept: readonly PlannedPicture[], learnt: readonly PlannedPicture[]): PlannedPicture[] {
  const keptNames = new Map<ColourName, string[]>();
  for (const { name, colour } of kept) keptNames.set(colour, [...(keptNames.get(colour) ?? []), name]);
  return learnt.filter((it) => {
    const text = trainingCaptions(it).join("\n");
    return !(keptNames.get(it.colour) ?? []).some((name) => says(text, name));
  });
}

/** Whether the words stand in the text, whole. */
export function says(text: string, words: string): boolean {
  return ` ${text.toLowerCase().replace(/[^a-z'-]+/g, " ")} `.includes(` ${words} `);
}

function picture(it: Emoji, colour: ColourName, natural: ColourName | undefined): PlannedPicture {
  const same = colour === it.colour;
  return {
    name: it.name,
    colour,
    tags: it.tags,
    svg: same ? it.svg : recoloured(it, colour),
    drawnBy: same ? "openmoji" : "recoloured",
    natural,
  };
}

/** One drawing a colour: the first, where there are several. */
function byName(emoji: readonly Emoji[]): Map<string, Emoji[]> {
  const things = new Map<string, Emoji[]>();
  for (const it of emoji) {
    const drawings = things.get(it.name) ?? [];
    if (!drawings.some(({ colour }) => colour === it.colour)) things.set(it.name, [...drawings, it]);
  }
  return things;
}

function rarest(drawings: readonly Emoji[], kept: Record<ColourName, number>, count: number): Emoji[] {
  const order = shuffled(drawings, ({ hexcode }) => hexcode).sort((a, b) => kept[a.colour] - kept[b.colour]);
  const held = order.slice(0, count);
  for (const { colour } of held) kept[colour]++;
  return held;
}

const tally = () => Object.fromEntries(COLOUR_NAMES.map((name) => [name, 0])) as Record<ColourName, number>;

/** In an order that depends on nothing but the keys, so that a set is the same everywhere. */
export function shuffled<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, at: createHash("sha256").update(key(item)).digest("hex") }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ item }) => item);
}
