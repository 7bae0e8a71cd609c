/**
 * @file Long captions in the manner of other texts: a tale, an order to an illustrator, a sheet of characters, a tour, a portrait in rich prose, gossip.
 * Each brings in the girls in its own way and talks of its own matters between the facts, so that a model has to find out in any text who has what.
 */

import type { Dice } from "../dice.ts";
import type { Background, Girl } from "../scene.ts";
import { simileOr, withAnySentences } from "./any-talk.ts";
import { fill, type Grammar, grammar } from "./grammar.ts";
import { emptyLong } from "./long.ts";
import { anyTalk, girlWords, type Side, strewn } from "./long-words.ts";
import { backdrop } from "./phrases.ts";

type Genre = {
  readonly name: string;
  readonly two: readonly string[];
  readonly one: readonly string[];
  /** On one of two girls, with her side: hair and eyes. `{side}`: "on the left"; `{which}`: "left". */
  readonly girl: readonly string[];
  /** The same, where the other has been told before. */
  readonly other: readonly string[];
  /** On the only girl: hair and eyes. */
  readonly only: readonly string[];
  /** On the girl told last: dress or mouth, or both. */
  readonly more: readonly string[];
  readonly place: readonly string[];
  /** What stands between the facts. */
  readonly talk: readonly string[];
  /** The same, where there are two girls. */
  readonly talkOfTwo: readonly string[];
};

const TALE: Genre = {
  name: "tale",
  two: [
    "Once there were two girls who did everything together.",
    "Two girls lived at the end of one street, and this is where their tale begins.",
    "In a town that has no name there were two girls, and they were friends.",
  ],
  one: ["Once there was a girl whom everybody knew.", "This tale has one girl in it, and she is enough."],
  girl: [
    "The one whom we meet {side} had {hair}, and people spoke of her {eyes}.",
    "{Side} stood the one with {eyes}; she had {hair}.",
    "Her friends called the {which} one clever: she had {hair} and {eyes}.",
    "{Side} waited a girl of {hair}, who saw everything with her {eyes}.",
    "The {which} girl had been born with {hair}, and with {eyes} that nobody forgot.",
    "There was one {side}: her hair was {haircolour}, {manner}, and her eyes were {eyecolour}.",
    "The {which} one was easy to find, for her hair was {haircolour}; people spoke of her {eyes}.",
  ],
  other: [
    "{Side} was the other, and hers were {hair} and {eyes}.",
    "{Side} was the place of the other, who had {eyes} and {hair}.",
  ],
  only: [
    "She had {hair}, and people spoke of her {eyes}.",
    "She had been born with {hair}, and with {eyes} that nobody forgot.",
  ],
  more: [
    "On that day she had put on {dress}.",
    "She wore {dress} and was {doing}.",
    "She was {doing}, as so often.",
    "Her grandmother had sewn {dress} for her.",
  ],
  place: ["It happened before {place}.", "All around was {place}.", "Behind it there was {place}."],
  talk: [
    "Nobody remembers how it came about.",
    "It was an ordinary day, and then it was not.",
    "A bell rang somewhere, three times.",
    "What happened next is told in another chapter.",
    "There was a dog, too, but it stayed at home.",
    "Some say that a wish was made that morning.",
    "The road was long and the shoes were thin.",
    "In those days letters still took a week.",
    "It had rained before, and now it was dry.",
    "Nobody spoke for as long as it takes to count to ten.",
    "Every tale needs somebody who waits.",
    "The years went by and nothing of it was lost.",
  ],
  talkOfTwo: [
    "They had promised each other never to be late.",
    "The old baker used to give them bread.",
    "A secret is safe as long as two keep it.",
  ],
};

const ORDER: Genre = {
  name: "order",
  two: [
    "Please make a picture of two girls.",
    "I would like to have an illustration with two girls, side by side.",
    "Draw two girls for us.",
  ],
  one: ["Please make a picture of one girl.", "I would like to have an illustration of a girl, alone."],
  girl: [
    "{Side} put a girl with {hair}, and give her {eyes}.",
    "For the {which} one we need {hair} and {eyes}.",
    "{Side}: {hair}, please, and {eyes}.",
    "The figure {side} should have {eyes} and {hair}.",
    "Make the {which} girl easy to know by her {hair}; her {eyes} matter just as much.",
    "{Side} we want somebody with {eyes}, and {hair} to go with them.",
    "{Side} we need a girl. Her hair is {haircolour}, {style}, and her eyes are {eyecolour}.",
    "The {which} one stands apart: her hair should be a {shade} shade of {haircolour}. Give her {eyes}.",
  ],
  other: ["The other goes {side}: {hair}, {eyes}.", "{Side} comes the other, for whom we chose {hair} and {eyes}."],
  only: ["She should have {hair} and {eyes}.", "Give her {eyes}, and {hair} to go with them."],
  more: [
    "Dress her in {dress}.",
    "She should wear {dress} and show {mouth}.",
    "Her face: {mouth}.",
    "Let her be {doing}, in {dress}.",
  ],
  place: ["The background should be {place}.", "Behind that we imagine {place}.", "Use {place} for what lies behind."],
  talk: [
    "It is meant for the cover of a small magazine.",
    "The budget is what we said on the phone.",
    "A rough version by Friday would be welcome.",
    "We liked your last work very much.",
    "Feel free to choose the pose yourself.",
    "The file may be of any size.",
    "Please do not sign it in the middle.",
    "Thin outlines would suit the rest of the series.",
    "If something is unclear, ask.",
    "Two rounds of corrections are included.",
    "Our printer is not good with fine lines.",
    "The title goes somewhere else, so no space is needed for it.",
    "Think of readers of twelve years and more.",
    "We can send examples if that helps.",
    "Nothing about it has to be realistic.",
  ],
  talkOfTwo: ["They should look as if they knew each other."],
};

const SHEET: Genre = {
  name: "sheet",
  two: ["Character sheet, two girls.", "Cast: two girls.", "Two girls, as agreed:"],
  one: ["Character sheet, one girl.", "Cast: one girl."],
  girl: [
    "{Which} side: {hair}; {eyes}.",
    "{Which}: {eyes}, {hair}.",
    "Position {which}. Features: {hair}, {eyes}.",
    "Name unknown, place {side}, {hair}, {eyes}.",
    "Girl {side} - {hair} - {eyes}.",
    "Girl {side}. Her hair: {haircolour}, {manner}. Her eyes: {eyecolour}.",
    "{Which} girl - hair is {haircolour}, {style} - eyes are {eyecolour}.",
  ],
  other: ["The other, {side}: {hair}, {eyes}.", "Second, {which}: {hair}; {eyes}."],
  only: ["Features: {hair}, {eyes}.", "Girl, middle - {hair} - {eyes}."],
  more: ["Clothes: {dress}.", "Clothes: {dress}; expression: {mouth}.", "Expression: {mouth}.", "Wears {dress}."],
  place: ["Background: {place}.", "Setting: {place}.", "Scenery: {place}."],
  talk: [
    "Age: not given.",
    "Height: average.",
    "Likes: tea, rain, old films.",
    "Dislikes: noise and haste.",
    "Voice: calm.",
    "Role: to be decided.",
    "Favourite subject: history.",
    "Habit: hums without noticing it.",
    "Strength: never gives up.",
    "Weakness: trusts too fast.",
    "First appearance: chapter one.",
    "Pets: none.",
    "Motto: slow and steady.",
    "Birthday: in autumn.",
    "Notes: see the next page.",
    "Hobby: collects stamps and tickets.",
    "Handwriting: small and neat.",
    "Status: approved.",
    "Version: three.",
  ],
  talkOfTwo: ["Relations: friends since school."],
};

const TOUR: Genre = {
  name: "tour",
  two: [
    "Come closer and you will see two girls.",
    "What we have here is a scene with two girls in it.",
    "Let us go through it together: there are two girls.",
  ],
  one: ["Come closer and you will see a girl.", "Let us go through it together: there is one girl."],
  girl: [
    "Look {side} first or last, as you like: there is a girl whose {hair} and {eyes} you cannot miss.",
    "{Side} you notice {hair}, and under it {eyes}.",
    "The {which} side belongs to somebody with {hair}; mark her {eyes}.",
    "Whoever looks {side} meets a pair of {eyes} and {hair}.",
    "Now the {which} one: {hair}, and {eyes} that follow you.",
    "{Side} you see a girl: her hair is {haircolour}, {style}, and her eyes are {eyecolour}.",
    "The girl {side} is not to be missed, since her hair is {haircolour}, {manner}. Mark her {eyes}.",
  ],
  other: ["The other waits {side}, with {eyes} and {hair}.", "{Side} you meet the other: {hair}, and {eyes}."],
  only: ["In the middle you notice {hair}, and under it {eyes}.", "She has {hair}, and {eyes} that follow you."],
  more: [
    "She is dressed in {dress}, as you see.",
    "Note {mouth}.",
    "What she wears is {dress}; what she shows is {mouth}.",
    "Her clothes, {dress}, are typical of the series.",
  ],
  place: ["Beyond that opens {place}.", "And all the way at the back: {place}.", "For a setting we have {place}."],
  talk: [
    "Please keep together and do not lean on anything.",
    "We have a few minutes before we go on.",
    "Questions are welcome at the end.",
    "Most people see only half of it at first.",
    "Step back a little and it changes.",
    "I always find something new in it.",
    "Compare it with the one that we saw before.",
    "It looks easier than it is.",
    "Not everybody agrees with me on that.",
    "Let your eyes wander.",
    "You may sit down, if you are tired.",
    "You may take photographs, but without a flash.",
    "That is no accident.",
    "Farther on there is more of it.",
    "Take your time.",
  ],
  talkOfTwo: ["What do you think these two are to each other?"],
};

const PROSE: Genre = {
  name: "prose",
  two: [
    "Two girls, side by side, and the air between them seems to glow.",
    "A splendid image of two girls, as different as the seasons.",
    "Here two young women share one moment, two temperaments in one frame.",
  ],
  one: [
    "A splendid image of a girl, alone with the light.",
    "A girl fills the frame, and the air around her seems to glow.",
  ],
  girl: [
    "{Side} there is a girl with {hair}, {simile}, every strand touched by light; her eyes, {simile}, are a {shade} shade of {eyecolour}.",
    "The {which} girl wears her {hair} like a crown, {simile}, and her gaze is a {shade} shade of {eyecolour}, {simile}.",
    "{Side}, {hair} frames a delicate face, from which {eyes} look out, {shade} and deep, {simile}.",
    "The girl {side} is a vision of {shade} beauty: {hair}, {simile}, and {eyes} of an almost unreal glow.",
    "The girl {side} has {haircolour} hair, {manner}, {simile}, and {eyes}, {simile}.",
    "The girl {side} is all {shade} energy, with {haircolour} hair, {style}, and piercing {eyes}, {simile}.",
    "The girl {side} is a {shade} sight: her hair is a {shade} shade of {haircolour}, {manner}, {simile}. Her {eyes} shine, {simile}.",
    "{Side}, the girl is pure grace—her hair is {haircolour}, {manner}, {simile}. Her {eyes} glow, {simile}.",
    "The {which} girl seems made of light; her hair is {haircolour}, {style}, {simile}, and her eyes are {eyecolour}.",
  ],
  other: [
    "{Side} the other answers her with {hair}, {simile}, and with {eyes}, {simile}.",
    "The other, {side}, is a {shade} opposite, with {haircolour} hair, {manner}, and {eyes} that shine, {simile}.",
    "The girl {side} is a {shade} counterpoint—her hair is a {shade} shade of {haircolour}, {manner}, {simile}. Her {eyes} gleam, {simile}.",
  ],
  only: [
    "There is {hair}, {simile}, every strand touched by light; her eyes, {simile}, are a {shade} shade of {eyecolour}.",
    "{Hair} frames a delicate face, from which {eyes} look out, {shade} and deep, {simile}.",
  ],
  more: [
    "An exquisite outfit, {dress}, {simile}, speaks of elegance and strength.",
    "Her lips tell of it: {mouth}, {simile}.",
    "She is draped in {dress}, {simile}.",
    "Hers is {dress}, and with it {mouth}, {simile}.",
  ],
  place: [
    "Around them spreads {place}, {simile}.",
    "The stage for this is {place}, vast and full of promise.",
    "Then there is {place}, drinking in the last of the light.",
  ],
  talk: [
    "Fire and water, silence and song: everything here has its opposite.",
    "A restless breeze plays through the image and takes the heart along.",
    "Emotion shimmers beneath the surface, tender and wild at once.",
    "Shadows and radiance wrestle gently and neither wins.",
    "One senses destiny in it, and a touch of melancholy.",
    "Grace, courage and longing meet in a single breath.",
    "It is an ode to youth, painted with a storm's patience.",
    "The atmosphere trembles with things that were never said.",
    "Dreams linger in the corners like mist over a lake.",
    "Each detail deepens the mystery instead of solving it.",
    "There is fierce tenderness in it, and a rebel's look at the world.",
  ],
  talkOfTwo: [
    "Their bond needs no language, and yet it is heard in every line.",
    "Light pours over the figures as if it had been waiting for them.",
    "The harmony of contrasts could not be more poetic.",
  ],
};

const GOSSIP: Genre = {
  name: "gossip",
  two: [
    "Have you seen those two girls?",
    "So there are these two girls, next to each other.",
    "You have to see it: two girls, and what a sight!",
  ],
  one: ["Have you seen that girl?", "So there is this girl, all by herself."],
  girl: [
    "The {which} one, with the {hair}? She has {eyes}, I swear.",
    "The one {side} has {hair} now, and {eyes}, of all things.",
    "{Side}, that is somebody with {eyes} and, believe it or not, {hair}.",
    "I mean the girl {side}: {hair}, {eyes}, you know her.",
    "And who is that {side}, with {hair} and those {eyes}?",
    "The one {side}? Her hair is {haircolour} now, {manner}, and she has {eyes}.",
    "You know the {which} one: her hair is {haircolour}, {style}, her eyes are {eyecolour}.",
  ],
  other: [
    "The other, {side}, has {hair} and those {eyes}.",
    "{Side}, that was the other, the one with {hair} and {eyes}.",
  ],
  only: ["She has {hair} now, and {eyes}, of all things.", "I mean the one with {hair} and those {eyes}."],
  more: [
    "She came in {dress}, imagine!",
    "And she wears {dress}, with {mouth}.",
    "She was {doing} the whole time.",
    "Her dress? It is {dress}.",
  ],
  place: [
    "And behind it all, {place}!",
    "It was in front of {place}, if I remember well.",
    "Picture {place} behind that.",
  ],
  talk: [
    "I could not look away.",
    "My cousin told me, and she never lies.",
    "You should have been there.",
    "Do not tell anybody that you have it from me.",
    "Well, it is none of my business.",
    "Everybody was talking about it at lunch.",
    "I am not making this up.",
    "It must have cost a fortune.",
    "Not that I mind.",
    "Honestly, I was impressed.",
    "We laughed for an hour.",
    "People will get used to it.",
    "That was before the train came.",
    "Some have all the luck.",
    "But let us talk about you.",
    "It suits her, I have to say.",
    "I would never have the courage.",
    "Anyway, that is all I know.",
  ],
  talkOfTwo: ["Those two are always together."],
};

const SHADES = ["mesmerising", "gleaming", "luminous", "haunting", "splendid", "dazzling", "radiant", "flawless"];

const SIMILES: readonly string[] = [
  "like embers in a hearth",
  "like a sea before a storm",
  "as soft as falling ash",
  "like liquid metal",
  "as bold as a banner",
  "like frost on glass",
  "as quiet as midnight",
  "like a melody half remembered",
  "as bright as a blade",
  "like velvet in the dusk",
  "as deep as a well",
  "like sparks in the wind",
];

/** Facts in their order, talk before, between and behind them until the text is long enough: the genre's own first. */
function amongTalk(d: Dice, facts: readonly string[], talk: readonly string[]): string {
  const own = d.shuffled(talk);
  const any = anyTalk(d);
  const more = withAnySentences(d, () => own.pop() ?? any());
  const sentences = facts.flatMap((fact) => (d.chance(0.5) ? [fact, more()] : [fact]));
  if (d.chance(0.5)) sentences.unshift(more());
  return strewn(d, sentences, more);
}

function genreGrammar(genre: Genre): Grammar {
  const told = (d: Dice, girl: Girl, templates: readonly string[], which?: Side): string[] => {
    const words = girlWords(d, girl, { shades: SHADES, similes: SIMILES }, which);
    const more = d.chance(0.8) ? [fill(d.pick(genre.more), words)] : [];
    return [fill(d.pick(templates), words), ...more];
  };
  const placed = (d: Dice, background: Background) =>
    d.chance(0.85)
      ? [fill(d.pick(genre.place), { place: () => backdrop(d, background), simile: () => simileOr(d, SIMILES) })]
      : [];
  return grammar(genre.name, "long", true, {
    none: emptyLong,
    one: (d, girl, background) =>
      amongTalk(d, [d.pick(genre.one), ...told(d, girl, genre.only), ...placed(d, background)], genre.talk),
    two: (d, left, right, background) => {
      const first: Side = d.chance(0.35) ? "right" : "left";
      const second: Side = first === "left" ? "right" : "left";
      const girls = { left, right };
      const facts = [
        ...told(d, girls[first], genre.girl, first),
        ...told(d, girls[second], d.chance(0.4) ? genre.other : genre.girl, second),
      ];
      const place = placed(d, background);
      return amongTalk(
        d,
        [d.pick(genre.two), ...(d.chance(0.25) ? [...place, ...facts] : [...facts, ...place])],
        [...genre.talk, ...genre.talkOfTwo],
      );
    },
  });
}

export const GENRE_GRAMMARS: readonly Grammar[] = [TALE, ORDER, SHEET, TOUR, PROSE, GOSSIP].map(genreGrammar);
