/** @file A picture says how it was made: make it, make it again from its file, then once more with another seed. */

import { readFile, writeFile } from "node:fs/promises";
import { generate, optionsFromPicture } from "illustrious";

async function draw(options) {
  for await (const event of generate(options)) if (event.type === "picture") return event.png;
}

await writeFile("first.png", await draw({ model: "nano-v3.0-eps", prompt: "1girl, solo, blue hair, smile", seed: 1 }));

const { options, notes } = await optionsFromPicture("first.png");
for (const note of notes) console.log(note);
await writeFile("again.png", await draw(options));
await writeFile("other.png", await draw({ ...options, seed: 2 }));

const same = (await readFile("first.png")).equals(await readFile("again.png"));
console.log(
  `${options.sampler}, ${options.steps} steps, seed ${options.seed}: ${same ? "the same" : "another"} picture`,
);
