/** @file A prompt to a picture in a few lines. */

import { writeFile } from "node:fs/promises";
import { generate } from "illustrious";

const events = generate({ model: "nano-v3.0-eps", prompt: "1girl, solo, blue hair, smile", seed: 1 });

for await (const event of events) {
  if (event.type === "step") console.log(`step ${event.step} of ${event.steps}, sigma ${event.sigma}`);
  if (event.type === "picture") await writeFile("picture.png", event.png);
}
