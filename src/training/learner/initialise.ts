/**
 * @file First values of a network that learns from nothing. Layers keep the size of what passes through them (He et al. 2015, with
 * a gain of 1); branches that are added to what went in begin with nothing to add (Zhang et al. 2019, "Fixup"; so do
 * the UNets of Dhariwal and Nichol 2021); layers that halve or double a picture begin as just that.
 */

import { nextNormals, type RandomState } from "../random.ts";

/** Ends of the branches of residual blocks and of transformers, and of the UNet as a whole. */
const BRANCH_END = /\.(conv2|proj_out)\.weight$|mid_block\.attentions\.0\.to_out\.0\.weight$|^conv_out\.weight$/;
const RESAMPLER = /samplers\.0\.conv\.weight$/;
/**
 * CLIP begins with rows of 0.02 (Radford et al. 2021, section 2.4), less than what its first attention adds to them: every state is then
 * about the mean of the words before it, and a network that learns from few pictures does not find out which word says what.
 * With rows of 1 and lesser branches a state is above all its own word.
 */
const TEXT_BRANCH_END = /\.(out_proj|fc2)\.weight$/;
const TOKENS = /token_embedding\.weight$/;
const POSITIONS = /position_embedding\.weight$/;

/** Beside the identity of a resampling layer. */
const SLIGHTLY = 0.1;

/** @param name the parameter's, as diffusers and transformers have it */
export function initialValues(name: string, shape: readonly number[], random: RandomState): Float32Array {
  const length = shape.reduce((product, n) => product * n, 1);
  if (name.endsWith("bias") || BRANCH_END.test(name)) return new Float32Array(length);
  if (shape.length === 1) return new Float32Array(length).fill(1);
  if (POSITIONS.test(name)) return waves(shape[0]!, shape[1]!);
  if (TOKENS.test(name)) return nextNormals(random, length);
  const gain = TEXT_BRANCH_END.test(name) ? 0.4 : 1;
  const values = scaled(nextNormals(random, length), gain / Math.sqrt(length / shape[0]!));
  return RESAMPLER.test(name) ? identityKernel(scaled(values, SLIGHTLY), shape) : values;
}

function scaled(values: Float32Array, by: number): Float32Array {
  return values.map((value) => by * value);
}

/**
 * Rows of sines and cosines (Vaswani et al. 2017, section 3.5) with a deviation of a half, their wavelengths from 4 places to twice the table: a head
 * that looks one word back, to read which colour the hair has, is then one rotation, and need not be learnt place by place.
 */
function waves(places: number, width: number): Float32Array {
  const [shortest, longest] = [4, 2 * places];
  return Float32Array.from({ length: places * width }, (_, i) => {
    const [place, column] = [Math.floor(i / width), i % width];
    const wavelength = shortest * (longest / shortest) ** ((2 * Math.floor(column / 2)) / width);
    const angle = (2 * Math.PI * place) / wavelength;
    return Math.SQRT1_2 * (column % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  });
}

/** Adds 1 in the middle of the kernel from each channel to itself. */
function identityKernel(values: Float32Array, shape: readonly number[]): Float32Array {
  const [, inputs, height, width] = shape as [number, number, number, number];
  const area = height * width;
  for (let c = 0; c < inputs; c++) values[(c * inputs + c) * area + (area - 1) / 2]! += 1;
  return values;
}
