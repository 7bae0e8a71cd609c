/**
 * @file Long captions without a fixed skeleton: each girl is brought in once, by her side; what is told of her comes in any order and in
 * many forms ("her hair is a clear shade of ruby"), and talk stands between any two sentences. A model that has only met skeletons
 * looks for them; one that has met these has to follow who "she" is.
 */

import type { Dice } from "../dice.ts";
import type { Background, Girl } from "../scene.ts";
import { withAnySentences } from "./any-talk.ts";
import { fill, type Grammar, grammar } from "./grammar.ts";
import { emptyLong } from "./long.ts";
import { SHADES } from "./long-pools.ts";
import { anyTalk, type GirlWords, girlWords, type Side, strewn } from "./long-words.ts";
import { backdrop } from "./phrases.ts";

/** Who is meant, the first time. `{side}`: "on the left"; `{which}`: "left". */
const FIRST_INTRODUCTIONS: readonly string[] = [
  "{Side} stands a girl.",
  "The girl {side} comes first.",
  "The one {side} seems {mood}.",
  "As for the girl {side}, there is a lot to tell.",
  "A {mood} girl stands {side}.",
  "Let the {which} girl be told first.",
  "The {which} one of them is {mood}.",
  "{Side} one finds a girl who is {mood}.",
  "Take the girl {side}.",
  "It is the {which} girl who looks {mood}.",
];

/** And the second time, when another has been told. */
const SECOND_INTRODUCTIONS: readonly string[] = [
  "Next to her, {side}, stands another girl.",
  "The other one, {side}, is {mood}.",
  "Beside her, {side}, is her friend.",
  "The girl {side} is quite unlike her, and {mood}.",
  "Then there is the girl {side}.",
  "Her neighbour {side} seems {mood}.",
  "The {which} girl makes a strong contrast to her.",
  "And {side}? There stands a {mood} girl.",
  "Very different is the girl {side}.",
  "The second of them, {side}, is {mood}.",
  "{Side} is where the other has her place.",
  "{Side} comes the other, {mood} as she is.",
];

const ONE_INTRODUCTIONS: readonly string[] = [
  "A girl stands in the middle.",
  "There is one girl, and she seems {mood}.",
  "A {mood} girl looks at us.",
  "All of it is about one girl.",
];

const MOODS = ["calm", "bold", "gentle", "proud", "shy", "dreamy", "cheerful", "serious", "lively", "quiet"];

const HAIR: readonly string[] = [
  "Her hair is {haircolour}.",
  "Her hair is {haircolour}, {style}.",
  "Her hair is {haircolour}, {manner}.",
  "Her hair is {haircolour}, {manner}, {simile}.",
  "Her hair is a {shade} shade of {haircolour}, {manner}.",
  "Her hair is a {shade} shade of {haircolour}.",
  "Her hair is a {shade} shade of {haircolour}, {style}, {simile}.",
  "The hair is {haircolour} and shines at the crown.",
  "{Haircolour} is the colour of her hair.",
  "She has {hair}.",
  "She has {hair}, {simile}.",
  "Somebody has taken great care of her {hair}.",
  "Light plays in her {hair}, {simile}.",
  "The {hair} makes her easy to know again.",
  "Hers is the {hair} that one sees from afar.",
];

const EYES: readonly string[] = [
  "Her eyes are {eyecolour}.",
  "Her eyes are a {shade} shade of {eyecolour}.",
  "Her eyes are a {shade} shade of {eyecolour}, {simile}.",
  "Her {eyes} are wide open, {simile}.",
  "She looks at us with {eyes}.",
  "{Eyes} look out from under the fringe.",
  "{Eyecolour} are her eyes, and large.",
  "What does one see in those {eyes}?",
  "Two {eyes} meet the viewer's.",
  "Her {eyes} burn with a light of their own.",
];

/** Both in one sentence, in either order. */
const HAIR_AND_EYES: readonly string[] = [
  "She has {hair} and {eyes}.",
  "Her hair is {haircolour} and her eyes are {eyecolour}.",
  "With her {hair} and her {eyes} she draws every look.",
  "Under the {hair} there are {eyes}.",
  "Her {eyes} go well with her {hair}.",
  "She has {eyes}, {simile}, and {hair}.",
  "Hair and eyes are {haircolour} and {eyecolour}.",
];

const DRESS: readonly string[] = [
  "Her dress is {dresscolour}.",
  "She is dressed in {dresscolour}.",
  "She has put on {dress}.",
  "Her clothes are {dresscolour}, {simile}.",
  "She is wearing {dress} today.",
  "The dress is a {shade} shade of {dresscolour}.",
];

const MOUTH: readonly string[] = [
  "Her face shows {mouth}.",
  "She shows {mouth}.",
  "Her face has {mouth}, {simile}.",
  "Look at her face: {mouth}.",
];

const SIMILES: readonly string[] = [
  "like something out of a dream",
  "as in an old song",
  "like silk in the wind",
  "as fresh as the morning",
  "like a secret that is not told",
  "as still as water",
  "almost like glass",
  "full of warmth",
  "a sight to remember",
  "strange and beautiful",
  "like the first day of spring",
  "as if lit by a flame",
];

const PLACES: readonly string[] = [
  "Behind her one sees {place}.",
  "Perhaps it is {place} to which the scene owes its mood.",
  "The background was given to {place}.",
  "Farther away one sees {place}.",
  "It all happens before {place}.",
  "The place: {place}.",
];

const OPENINGS: readonly string[] = [
  "Two girls share this picture.",
  "A quiet moment with two girls in it.",
  "A pair of girls is what this is about.",
  "What a pair these two girls are!",
  "This is how two friends look when nobody disturbs them.",
];

/** Her facts in any order; dress and mouth not always. */
function facts(d: Dice, words: GirlWords): string[] {
  const of = (pool: readonly string[]) => fill(d.pick(pool), words);
  return d.shuffled([
    ...(d.chance(0.35) ? [of(HAIR_AND_EYES)] : [of(HAIR), of(EYES)]),
    ...(d.chance(0.7) ? [of(DRESS)] : []),
    ...(d.chance(0.5) ? [of(MOUTH)] : []),
  ]);
}

/** Everything on one girl, talk among it. */
function girlTold(d: Dice, girl: Girl, introductions: readonly string[], talk: () => string, which?: Side): string[] {
  const words = girlWords(d, girl, { shades: SHADES, similes: SIMILES }, which);
  const intro = fill(d.pick(introductions), { ...words, mood: () => d.pick(MOODS) });
  return [intro, ...facts(d, words)].flatMap((sentence) => (d.chance(0.4) ? [sentence, talk()] : [sentence]));
}

const talkOf = (d: Dice) => withAnySentences(d, anyTalk(d));

function loose(
  d: Dice,
  girls: readonly (readonly string[])[],
  background: Background,
  opening: string,
  more: () => string,
): string {
  const place = fill(d.pick(PLACES), { place: () => backdrop(d, background) });
  const at = Math.floor(d.next() * (girls.length + 1));
  const sentences = [opening, ...girls.toSpliced(at, 0, [place]).flat()].filter((sentence) => sentence !== "");
  return strewn(d, sentences, more);
}

function looseGrammar(name: string, order: readonly [Side, Side]): Grammar {
  return grammar(name, "long", true, {
    none: emptyLong,
    one: (d, girl, background) => {
      const talk = talkOf(d);
      return loose(d, [girlTold(d, girl, ONE_INTRODUCTIONS, talk)], background, d.chance(0.5) ? "One girl." : "", talk);
    },
    two: (d, left, right, background) => {
      const talk = talkOf(d);
      const [first, second] = order;
      const girls = { left, right };
      const told = [
        girlTold(d, girls[first], FIRST_INTRODUCTIONS, talk, first),
        girlTold(d, girls[second], SECOND_INTRODUCTIONS, talk, second),
      ];
      return loose(d, told, background, d.chance(0.7) ? d.pick(OPENINGS) : "", talk);
    },
  });
}

export const LOOSE_GRAMMARS: readonly Grammar[] = [
  looseGrammar("loose", ["left", "right"]),
  looseGrammar("loose, right first", ["right", "left"]),
];
