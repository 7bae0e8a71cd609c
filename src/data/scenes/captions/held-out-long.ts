/**
 * @file Long grammars that no model is trained on: other skeletons around the same words for colours, styles and places, to see whether a
 * model reads prompts or recognises forms.
 */

import type { Dice } from "../dice.ts";
import type { Girl } from "../scene.ts";
import { type Grammar, grammar } from "./grammar.ts";
import { deck, emptyLong, lengthened } from "./long.ts";
import { backdrop, dress, eyes, hair, mouth, styledHair } from "./phrases.ts";

const MUSEUM: readonly string[] = [
  "Visitors tend to stop here longer than they had planned.",
  "The paint is even, and no brush stroke was left to chance.",
  "Some say that the models were sisters, but there is no proof of it.",
  "The frame was made later and is not part of the work.",
  "Under the lamp of the hall the colours look a little warmer.",
  "Children often ask what happened just before this moment.",
  "The card beside it gives neither a name nor a year.",
  "It was cleaned once, with great care, and has looked fresh ever since.",
  "From the bench in the middle of the hall one sees it best.",
  "The guards have their own stories about it, and none of them agree.",
  "A copy hangs in the next room, smaller and without any of the charm.",
  "Whoever buys a postcard at the door most often buys this one.",
  "There was a time when it hung in a stairway, where nobody looked up.",
  "Students come to draw it, and most of them begin with the eyes.",
  "In the evening, when the hall is empty, it keeps its calm.",
  "A critic once called it too simple, and then came back to see it again.",
  "It was bought for a small sum and would cost a fortune today.",
  "The varnish has darkened a little at the lower edge.",
  "On rainy days there is a queue in front of it.",
  "The catalogue gives it a page of its own.",
  "Nobody knows for whom it was made.",
  "A rope keeps the visitors two steps away.",
  "Next year it will travel, and the wall will be bare.",
];

const LETTER: readonly string[] = [
  "You know how slowly I work, so be patient with me.",
  "I changed the outlines three times before I was content.",
  "My table is full of paper, and the cat has slept on half of it.",
  "Please tell me whether you would have done it in another way.",
  "I still think of the afternoon when we drew together by the river.",
  "The weather has been kind, and the light lasts until dinner.",
  "My sister says that it looks like something out of a film.",
  "I used up the last of the good ink for the lashes.",
  "There will be another one next month, if all goes well.",
  "I tried to keep it simple, as you always told me.",
  "Do not show it to anybody before it is dry.",
  "It took me a whole week, with many cups of tea.",
  "The first sketch went into the stove, and rightly so.",
  "I hope that the post will not bend it on the way.",
  "Write back soon, and tell me about the garden.",
  "I have not signed it, because you will know whose it is.",
  "The brush that you gave me is nearly worn out.",
  "In the morning I was pleased with it, and in the evening I was not.",
  "Mother wanted to keep it, but a promise is a promise.",
  "Forgive the crease in the corner.",
  "I have learnt that it is best to stop a little too early.",
  "Hang it where the sun does not reach it.",
  "The neighbours looked over my shoulder all the time.",
];

const NOTES: readonly string[] = [
  "Keep the lines clean and do not hurry the faces.",
  "The camera does not move during the whole of the scene.",
  "No other person may walk into the frame.",
  "The light stays as it is from the first second to the last.",
  "If there is time, try it once more with less wind.",
  "Nobody speaks until the music has ended.",
  "The colours must match those of the scene before.",
  "Leave enough room at the top for the title.",
  "Both look into the lens, and neither of them blinks.",
  "Hold it for four seconds, then cut.",
  "The sound of the place is added later.",
  "Do not add props, and do not add text.",
  "The editor has asked for a second version without the sound.",
  "Everything that is not named here stays as it was yesterday.",
  "Check the costumes against the list before you begin.",
  "Use the long lens, and keep the focus on the faces.",
  "The wind machine is not needed today.",
  "Mark the floor, so that everybody finds the place again.",
  "This is the last shot before the break.",
  "Write down the number of each take.",
  "If a lamp fails, stop at once.",
  "The director wants it calm, almost like a photograph.",
  "Food and drink stay outside.",
];

/** The filler is dealt out between the facts: at the start, in the middle and at the end. */
function between(d: Dice, pool: readonly string[], facts: readonly string[]): string {
  const more = deck(d, pool);
  const paragraphs = facts.flatMap((fact) => [fact, d.chance(0.7) ? more() : ""]);
  return lengthened([more(), ...paragraphs], paragraphs.length, more);
}

const look = (d: Dice, girl: Girl) => `${styledHair(d, girl, 0.7)} and ${eyes(d, girl)}`;

export const HELD_OUT_LONG_GRAMMARS: readonly Grammar[] = [
  grammar("museum", "long", false, {
    none: emptyLong,
    one: (d, girl, background) =>
      between(d, MUSEUM, [
        `The painting in this hall shows a girl with ${look(d, girl)}.`,
        `She was painted in ${dress(d, girl)} and with ${mouth(d, girl)}.`,
        `As a background the painter chose ${backdrop(d, background)}.`,
      ]),
    two: (d, left, right, background) =>
      between(d, MUSEUM, [
        "The painting in this hall shows two girls.",
        `If you stand before it, the one to your left is the girl with ${look(d, left)}, painted in ${dress(d, left)}.`,
        `To your right you see her companion, whose ${hair(d, right)} and ${eyes(d, right)} could not be more different; she wears ${dress(d, right)}.`,
        `As a background the painter chose ${backdrop(d, background)}.`,
      ]),
  }),
  grammar("letter", "long", false, {
    none: emptyLong,
    one: (d, girl, background) =>
      between(d, LETTER, [
        `At last I have drawn the girl that you asked for, with ${look(d, girl)}.`,
        `I gave her ${dress(d, girl)} and ${mouth(d, girl)}, and put ${backdrop(d, background)} behind her.`,
      ]),
    two: (d, left, right, background) =>
      between(d, LETTER, [
        "At last I have drawn the two girls that you asked for.",
        `On the left side of the paper I put the one with ${look(d, left)}; I gave her ${dress(d, left)} and ${mouth(d, left)}.`,
        `On the right side you will find the other, with ${look(d, right)}, ${dress(d, right)} and ${mouth(d, right)}.`,
        `Behind them I drew ${backdrop(d, background)}.`,
      ]),
  }),
  grammar("shot list", "long", false, {
    none: emptyLong,
    one: (d, girl, background) =>
      between(d, NOTES, [
        `Place: ${backdrop(d, background)}.`,
        `In the middle: one girl, ${hair(d, girl)}, ${eyes(d, girl)}, ${dress(d, girl)}, ${mouth(d, girl)}.`,
      ]),
    two: (d, left, right, background) =>
      between(d, NOTES, [
        `Place: ${backdrop(d, background)}.`,
        `Camera left: first girl, ${styledHair(d, left)}, ${eyes(d, left)}, ${dress(d, left)}, ${mouth(d, left)}.`,
        `Camera right: second girl, ${styledHair(d, right)}, ${eyes(d, right)}, ${dress(d, right)}, ${mouth(d, right)}.`,
      ]),
  }),
];
