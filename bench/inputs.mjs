/** @file The same inputs for every program. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** About a normal distribution's deviation `scale`; reproducible in any language. */
function wave(shape, scale) {
  const count = shape.reduce((a, b) => a * b, 1);
  return [Float32Array.from({ length: count }, (_, i) => scale * Math.SQRT2 * Math.sin(i * 12.9898 + (i % 7))), shape];
}

function texts(batch) {
  const ids = Array.from({ length: batch * 77 }, (_, i) => (i % 77 === 76 ? 49407 : (i * 379) % 49000));
  return [BigInt64Array.from(ids, BigInt), [batch, 77]];
}

const makers = {
  text_encoder: (batch) => ({ ids: texts(batch) }),
  text_encoder_2: (batch) => ({
    ids: texts(batch),
    endRows: [BigInt64Array.from({ length: batch }, (_, i) => BigInt(i * 77 + 76)), [batch]],
  }),
  unet: (batch, pixels) => ({
    sample: wave([batch, 4, pixels / 8, pixels / 8], 1),
    timestep: [new Float32Array(batch).fill(421.5), [batch]],
    context: wave([batch, 77, 2048], 1),
    pooled: wave([batch, 1280], 1),
    timeIds: [new Float32Array(6 * batch).fill(pixels), [batch, 6]],
  }),
  decode: (batch, pixels) => ({ latents: wave([batch, 4, pixels / 8, pixels / 8], 1) }),
  encode: (batch, pixels) => ({ image: wave([batch, 3, pixels, pixels], 0.5) }),
};

/** Numbers and shape of each input of `network`. */
export function makeInputs(network, pixels, batch) {
  return makers[network](batch, pixels);
}

/** Writes the inputs into `folder` as raw little-endian numbers, one file each; gives their shapes by name. */
export function writeInputs(folder, network, pixels, batch) {
  const shapes = {};
  for (const [name, [data, shape]] of Object.entries(makeInputs(network, pixels, batch))) {
    writeFileSync(join(folder, name), data);
    shapes[name] = shape;
  }
  return shapes;
}
