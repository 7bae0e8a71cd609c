/**
 * @file The words that captions have for what a scene shows. The first of each list is the tag's word, and the most frequent; the others
 * are how people, and the article on Illustrious 3.0, say it: eyes are "sea-black" and "fiery ruby". A word means one thing in its list.
 */

import type { DressColour, EyeColour, HairColour, PlainColour } from "../palette.ts";
import type { HairStyle, Mouth, Place, Trim } from "../scene.ts";

/** Before "hair". */
export const HAIR_WORDS: Record<HairColour, readonly string[]> = {
  red: ["red", "deep red", "crimson", "scarlet", "fiery red", "flame-red"],
  orange: ["orange", "bright orange", "tangerine", "copper", "sunset-orange"],
  blonde: ["blonde", "golden", "honey-blonde", "sunny blonde", "golden blonde"],
  brown: ["brown", "chestnut", "chocolate-brown", "warm brown", "walnut"],
  green: ["green", "emerald", "leaf-green", "forest-green", "jade-green"],
  aqua: ["aqua", "turquoise", "cyan", "teal", "pale turquoise"],
  blue: ["blue", "sapphire", "deep blue", "brilliant blue", "cobalt-blue"],
  purple: ["purple", "violet", "amethyst", "royal purple", "plum"],
  pink: ["pink", "rose-pink", "bubblegum pink", "candy-pink", "soft pink"],
  black: ["black", "jet-black", "raven", "ink-black", "midnight-black"],
  white: ["white", "snow-white", "ivory", "pure white", "moon-white"],
};

/** Before "eyes". */
export const EYE_WORDS: Record<EyeColour, readonly string[]> = {
  red: ["red", "fiery ruby", "ruby", "ruby-red", "fiery ruby-red", "crimson", "firey ruby"],
  yellow: ["yellow", "golden", "amber", "honey-yellow", "bright yellow"],
  green: ["green", "emerald", "jade", "leaf-green", "emerald-green"],
  aqua: ["aqua", "turquoise", "cyan", "lagoon", "pale turquoise"],
  blue: ["blue", "sapphire", "sky-blue", "ocean-blue", "deep blue"],
  purple: ["purple", "violet", "amethyst", "plum", "orchid"],
  brown: ["brown", "hazel", "chestnut", "warm brown", "chocolate-brown"],
  black: ["black", "sea-black", "midnight-black", "obsidian", "ink-black"],
};

/** Before "dress". */
export const DRESS_WORDS: Record<DressColour, readonly string[]> = {
  red: ["red", "crimson", "scarlet", "cherry-red"],
  yellow: ["yellow", "sunny yellow", "lemon-yellow", "golden yellow"],
  green: ["green", "emerald", "leaf-green", "moss-green"],
  blue: ["blue", "sky-blue", "cornflower-blue", "bright blue"],
  "dark blue": ["dark blue", "dark-blue", "navy", "midnight-blue"],
  purple: ["purple", "violet", "lilac", "amethyst"],
  pink: ["pink", "rose-pink", "soft pink", "candy-pink"],
  white: ["white", "snow-white", "pure white", "ivory"],
  black: ["black", "jet-black", "midnight-black", "ink-black"],
};

/**
 * The tag, and adjectives for sentences ("long, flowing red hair"). Of `joined`, any two may stand together, in any order and whatever joins them: a
 * model that knows "short and tousled" alone takes "short yet tousled" for something else.
 */
export const STYLE_WORDS: Record<
  HairStyle,
  { tag: string; before: readonly string[]; joined?: readonly string[]; after: readonly string[] }
> = {
  long: {
    tag: "long hair",
    before: ["long", "long straight", "flowing", "smooth long"],
    joined: ["long", "straight", "flowing", "smooth"],
    after: ["falling straight over her shoulders", "that falls down her back"],
  },
  wavy: {
    tag: "wavy hair",
    before: ["long wavy", "wavy", "flowing, wavy", "softly waving"],
    joined: ["long", "wavy", "flowing", "softly waving"],
    after: ["that waves down to her waist", "falling in waves over her back"],
  },
  short: {
    tag: "short hair",
    before: ["short", "neat short", "bobbed", "chin-length"],
    joined: ["short", "neat", "bobbed", "chin-length"],
    after: ["cut to her chin", "cut in a neat bob"],
  },
  tousled: {
    tag: "messy hair",
    before: ["tousled", "messy", "short and tousled", "spiky"],
    joined: ["short", "tousled", "messy", "spiky"],
    after: ["standing out on all sides", "tousled by the wind"],
  },
  twintails: {
    tag: "twintails",
    before: ["twin-tailed"],
    after: ["tied in two tails", "in twintails", "in two long tails with bows"],
  },
  ponytail: { tag: "ponytail", before: ["tied-up"], after: ["tied in a high ponytail", "in a ponytail"] },
  buns: { tag: "double bun", before: ["bunned"], after: ["tied up in two buns", "in two round buns"] },
};

export const MOUTH_WORDS: Record<Mouth, { tag: string; has: readonly string[]; is: readonly string[] }> = {
  smile: {
    tag: "smile",
    has: ["a gentle smile", "a soft smile", "a friendly smile"],
    is: ["smiling", "smiling softly"],
  },
  open: {
    tag: "open mouth",
    has: ["an open mouth", "an open mouth, as if to call somebody"],
    is: ["laughing with an open mouth", "calling out"],
  },
  closed: {
    tag: "closed mouth",
    has: ["a calm, closed mouth", "a quiet expression"],
    is: ["calm", "keeping a straight face"],
  },
  smirk: { tag: "smirk", has: ["a confident smirk", "a bold smirk"], is: ["smirking", "smirking boldly"] },
  frown: { tag: "frown", has: ["a small frown", "a sad frown"], is: ["frowning", "looking sad"] },
};

export const TRIM_WORDS: Record<Exclude<Trim, "plain">, readonly string[]> = {
  silver: ["silver", "shining silver"],
  golden: ["golden", "gold"],
  red: ["red", "bright red"],
};

/** A tag, and noun phrases that fit behind "in front of", "before" and "against". */
export const PLACE_WORDS: Record<Place, { tag: string; nouns: readonly string[] }> = {
  sky: { tag: "blue sky", nouns: ["a blue sky with white clouds", "a bright sky full of clouds", "a clear blue sky"] },
  ocean: { tag: "ocean", nouns: ["the ocean under a pale sky", "a wide blue ocean", "the sea on a bright day"] },
  sunset: {
    tag: "sunset",
    nouns: [
      "a twilight sky over the sea",
      "a sunset over the ocean",
      "the setting sun and its golden light on the water",
    ],
  },
  night: {
    tag: "night sky",
    nouns: ["a night sky with the moon and many stars", "a starry night", "a dark sky with a bright moon"],
  },
  meadow: {
    tag: "meadow",
    nouns: ["a green meadow with flowers", "a meadow under a mild sky", "green hills full of flowers"],
  },
  forest: { tag: "forest", nouns: ["a green forest", "a forest of tall trees", "deep green woods"] },
  room: {
    tag: "indoors",
    nouns: ["a room with a window and pink curtains", "a quiet room with a window", "the window of a lilac room"],
  },
  city: {
    tag: "cityscape",
    nouns: ["a city at night with neon lights", "a futuristic cityscape", "tall buildings with neon windows"],
  },
  snow: { tag: "snow", nouns: ["a snowy field", "falling snow and frosted trees", "a white winter landscape"] },
  blossoms: {
    tag: "cherry blossoms",
    nouns: ["cherry blossoms", "blooming cherry trees", "pink cherry blossoms and falling petals"],
  },
};

export const PLAIN_WORDS: Record<PlainColour, readonly string[]> = {
  black: ["black", "plain black", "pure black"],
  white: ["white", "plain white", "pure white"],
  grey: ["grey", "plain grey"],
  red: ["red", "plain red"],
  yellow: ["yellow", "pale yellow"],
  green: ["green", "pale green"],
  blue: ["blue", "light blue"],
  purple: ["purple", "light purple"],
  pink: ["pink", "light pink"],
};

/** Words for a side of the picture, each list in the same order of readings. */
export const SIDE_WORDS: Record<"left" | "right", readonly string[]> = {
  left: ["on the left", "in the left", "to the left", "on the left side", "at the left"],
  right: ["on the right", "in the right", "to the right", "on the right side", "at the right"],
};
