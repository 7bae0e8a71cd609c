/**
 * @file What an evaluation says of pictures whose truth is known: drawings as they are asked for, the same through the models' autoencoder, with the
 * girls' places swapped, and noise. Needs `npm run build`.
 *
 *     node scripts/judge-truth.mjs [seeds]      25 seeds a cell if not told
 *
 * Drawings for the row `saturation` have tones as frequent as in training; those for a control token are scenes that measure as it says.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dice } from "../dist/data/scenes/dice.js";
import { controlTokensOf, renderScene, sceneAt } from "../dist/data/scenes/index.js";
import { drawTone } from "../dist/data/scenes/tone.js";
import { evaluationMarkdown } from "../dist/index.js";
import { runEvaluation } from "../dist/tasks/evaluate/run.js";
import { throughLatents } from "./through-latents.mjs";

const seeds = Number(process.argv[2] ?? 25);
const model = fileURLToPath(new URL("../models/nano-v3.5-vpred", import.meta.url));
const SIDE = 128;

/** As described, and in what is not described as the seed has it. */
function sceneOf({ girls, background, tone }, seed) {
  const scene = sceneAt(seed, { girls: girls.length, split: "any", tones: "none" });
  return {
    girls: scene.girls.map((girl, i) => ({ ...girl, ...girls[i] })),
    background: background ?? scene.background,
    tone: tone ?? scene.tone,
  };
}

/** Scenes by the tokens that they measure. */
const measured = new Map();
for (let seed = 80_000; seed < 80_600; seed++) {
  const picture = await renderScene(sceneAt(seed), SIDE);
  for (const token of controlTokensOf(picture)) measured.set(token, [...(measured.get(token) ?? []), picture]);
}

function asAsked({ cell }, description, seed) {
  const scene = sceneOf(description, seed);
  if (cell.row === "saturation") {
    const [first] = cell.name.match(/\d+/);
    const tone = drawTone(dice(1000 * first + seed, "scene"), scene.background);
    return renderScene({ ...scene, tone }, SIDE);
  }
  const obedient = cell.row === "control" ? measured.get(cell.name) : undefined;
  return obedient ? obedient[seed % obedient.length] : renderScene(scene, cell.side ?? SIDE);
}

const returned = await throughLatents(model);
const decoded = async (...asked) => returned(await asAsked(...asked));

const swapped = (request, { girls, ...rest }, seed) => asAsked(request, { ...rest, girls: girls.toReversed() }, seed);

function noise({ cell: { side = SIDE } }, _description, seed) {
  const d = dice(seed, "scene");
  return { width: side, height: side, rgb: Uint8Array.from({ length: 3 * side * side }, () => 256 * d.next()) };
}

const GIRLS = ["simple", "long", "sizes"];
const COLOURS = ["empty", "saturation"];
const rows = {
  asAsked: [...GIRLS, ...COLOURS, "control"],
  decoded: [...GIRLS, ...COLOURS],
  swapped: GIRLS,
  noise: GIRLS,
};
for (const [name, draw] of Object.entries({ asAsked, decoded, swapped, noise })) {
  const folder = await mkdtemp(join(tmpdir(), "judge-truth-"));
  async function* source(request) {
    for (const { seed, description } of request.shots) {
      const image = await draw(request, description, seed);
      // A drawing has no first step.
      const trace = request.cell.traced && { trace: { first: image, largest: [1], lastLargest: 1 } };
      yield { type: "drawn", seed, drawn: { image, ...trace } };
    }
  }
  for await (const event of runEvaluation({ models: [model], only: rows[name], seeds, folder }, {}, source)) {
    if (event.type === "done") console.log(`# ${name}\n\n${evaluationMarkdown(event.evaluation)}\n`);
  }
  await rm(folder, { recursive: true });
}
