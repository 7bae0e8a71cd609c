/** @file A picture's options as a program takes them over, in its types too: the sample of `optionsFromPicture` compiles here. */

import { expect, test } from "vitest";
import { encodePng } from "../../src/formats/index.ts";
import { type GenerateInput, optionsFromPicture } from "../../src/index.ts";

const pixel = { width: 1, height: 1, rgb: new Uint8Array(3) };

/** As it is handed to `generate`. */
async function again(picture: Uint8Array): Promise<GenerateInput> {
  const { options } = await optionsFromPicture(picture);
  return { model: "nano-v3.0-eps", ...options, seed: 8 };
}

test("a picture that names its model is asked for with that", async () => {
  const picture = encodePng(pixel, [["parameters", "1girl\nSteps: 5, Seed: 1, Size: 64x64, Model: nano-v3.5-vpred"]]);
  expect((await optionsFromPicture(picture)).source).toBe("a1111");
  const asked = await again(picture);
  expect(asked).toMatchObject({ prompt: "1girl", steps: 5, seed: 8 });
  expect(asked.model).toMatch(/nano-v3\.5-vpred$/);
});

test("a picture that does not say how it was made has no source, and nothing to ask for", async () => {
  const picture = encodePng(pixel);
  expect(await optionsFromPicture(picture)).toMatchObject({ source: undefined, options: {} });
  expect(await again(picture)).toEqual({ model: "nano-v3.0-eps", seed: 8 });
});
