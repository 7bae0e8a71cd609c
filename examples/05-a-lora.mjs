/** Teaches the small model that ships a LoRA on a few drawn scenes, and draws with it at three strengths. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { closeEngine, generate, scenes, train } from "illustrious";

const folder = "a-lora";
for await (const event of scenes({ out: join(folder, "pictures"), count: 12, size: 128 })) {
  if (event.type === "done") console.log(`${event.scenes} scenes in ${event.folder}`);
}

const recipe = {
  pretrained_model_name_or_path: "nano-v3.0-eps",
  output_name: "lora",
  output_dir: "runs",
  network_module: "networks.lora",
  network_dim: 4,
  network_alpha: 4,
  learning_rate: 2e-3,
  max_train_steps: 5,
  datasets: [
    {
      resolution: 128,
      batch_size: 2,
      subsets: [{ image_dir: "pictures", caption_extension: ".txt", enable_wildcard: true }],
    },
  ],
};
let lora;
for await (const event of train({ recipe, folder })) {
  if (event.type === "step") console.log(`step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(3)}`);
  if (event.type === "done") lora = event.model;
}

for (const strength of [0, 0.5, 1]) {
  const loras = [{ path: lora, strength }];
  for await (const event of generate({
    model: "nano-v3.0-eps",
    prompt: "1girl, red hair",
    seed: 1,
    steps: 4,
    loras,
  })) {
    if (event.type !== "picture") continue;
    const path = join(folder, `strength-${strength}.png`);
    await writeFile(path, event.png);
    console.log(path);
  }
}
await closeEngine();
