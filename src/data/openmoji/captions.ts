/** @file What is said of an emoji: its colour and OpenMoji's own words for it. */

export type Told = { readonly name: string; readonly colour: string; readonly tags: readonly string[] };

const MOST_TAGS = 4;

/** Ways to tell it, a line each of its caption file (`enable_wildcard` takes one of them each time). */
export function trainingCaptions({ name, colour, tags }: Told): string[] {
  const some = tags.filter((tag) => tag !== name).slice(0, MOST_TAGS);
  return [
    `${colour} ${name}, emoji`,
    [`${colour} ${name}`, "emoji", ...some].join(", "),
    ["emoji", name, colour, ...some].join(", "),
    `An emoji on a white background: ${colour} ${name}.`,
    `This picture shows ${colour} ${name}, drawn as an emoji.`,
  ];
}

/** What a model is asked: tags and a sentence in turn. */
export function examinationPrompt(told: Told, index: number): string {
  const ways = trainingCaptions(told);
  return index % 2 === 0 ? ways[0]! : ways[3]!;
}
