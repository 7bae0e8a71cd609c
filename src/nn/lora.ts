/**
 * @file Low-rank adaptation: beside a frozen layer stands a product of two narrow ones. Hu et al. (2021),
 * https://arxiv.org/abs/2106.09685; for convolutions as LoCon has it (Yeh et al. 2023, https://arxiv.org/abs/2309.14859).
 *
 * y = layer(x) + strength * alpha/rank * up(down(x)). The pair stands beside the layer, not in its weight: the weight stays
 * constant, which engines prepare once, and no gradient of the weight's own size is computed. In a convolution `down` has
 * the kernel, stride and padding, and `up` is 1x1; of three (`middle`), `middle` has them and `down` is 1x1.
 */

import { IllustriousError } from "../base/error.ts";
import * as g from "../graph/ops.ts";
import { substitute } from "../graph/substitute.ts";
import type { Tensor, TensorOf } from "../graph/tensor.ts";

export type LoraShape = {
  readonly rank: number;
  /** The pair's share is alpha / rank. */
  readonly alpha: number;
  /** A third factor between the two, of a convolution's kernel size: LyCORIS's Tucker form. */
  readonly middle?: boolean;
};

export type LoraRole = "down" | "middle" | "up";

/** One factor of a pair, as the graph declares it. */
export type LoraParameter = {
  /** `<layer>.lora_down.weight` beside `<layer>.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: LoraRole;
  /** The weight beside whose layer it stands. */
  readonly target: string;
};

export type LoraOptions = {
  /** Stands before the names of this LoRA's parameters, to tell several in one graph apart. */
  readonly prefix?: string;
  /** Parameters are the graph's inputs, for training, and not weights in a file. */
  readonly asInputs?: boolean;
  /** A scalar that weighs all pairs; 1 if not given. */
  readonly strength?: Tensor;
};

export type WithLora = {
  readonly outputs: Record<string, Tensor>;
  /** In the order in which the network uses them. Targets that the graph has no layer for have none. */
  readonly parameters: readonly LoraParameter[];
};

/**
 * The same network with a low-rank pair beside every linear layer and convolution whose weight is among `targets`, by its
 * name. Applied once more, it puts a second LoRA beside the first.
 *
 * @throws IllustriousError `bad_option` for a rank that is not a positive whole number
 */
export function withLora(
  outputs: Readonly<Record<string, Tensor>>,
  targets: ReadonlyMap<string, LoraShape>,
  options: LoraOptions = {},
): WithLora {
  for (const [name, { rank }] of targets) checkRank(name, rank);
  const parameters: LoraParameter[] = [];
  const pairs = new Map<string, Pair>();
  const scales = new Map<number, Tensor>();

  /** One multiplication for all layers of the same alpha / rank. */
  function scaleOf({ alpha, rank }: LoraShape): Tensor {
    const share = alpha / rank;
    const { strength } = options;
    const scale = scales.get(share) ?? (strength ? g.mul(strength, g.scalar(share)) : g.scalar(share));
    scales.set(share, scale);
    return scale;
  }

  function leaf(role: LoraRole, target: string, shape: readonly number[]): Tensor {
    const name = (options.prefix ?? "") + loraName(target, role);
    parameters.push({ name, shape, role, target });
    return options.asInputs ? g.input(name, shape) : g.weight(name, shape);
  }

  function pairOf(target: string, layer: Layer, shape: LoraShape): Pair {
    const known = pairs.get(target);
    if (known) return known;
    const pair = layer.op === "linear" ? linearPair(target, layer, shape, leaf) : convPair(target, layer, shape, leaf);
    pairs.set(target, pair);
    return pair;
  }

  const replaced = substitute(outputs, (tensor, kept) => {
    if (tensor.op !== "linear" && tensor.op !== "conv2d") return undefined;
    const weight = tensor.inputs[1]!;
    const shape = weight.op === "weight" ? targets.get(weight.attributes.name) : undefined;
    if (weight.op !== "weight" || !shape) return undefined;
    const layer = kept as Layer;
    return g.add(layer, along(layer, pairOf(weight.attributes.name, layer, shape), scaleOf(shape)));
  });
  return { outputs: replaced, parameters };
}

export function loraName(target: string, role: LoraRole): string {
  return target.replace(/\.weight$/, "") + loraSuffix(role);
}

/** As kohya's files have it, behind a layer's name. */
export function loraSuffix(role: LoraRole): string {
  return `.lora_${role === "middle" ? "mid" : role}.weight`;
}

/**
 * First values: `down` uniform within 1/√fan-in, as PyTorch's layers and kohya's LoRA begin, and `up` zero, so that the
 * network is at first what it was.
 *
 * @param uniform draws from 0 to 1
 */
export function initialLoraValues({ role, shape }: LoraParameter, uniform: () => number): Float32Array {
  const length = shape.reduce((product, n) => product * n, 1);
  if (role === "up") return new Float32Array(length);
  const reach = 1 / Math.sqrt(length / shape[0]!);
  return Float32Array.from({ length }, () => reach * (2 * uniform() - 1));
}

type Layer = TensorOf<"linear"> | TensorOf<"conv2d">;

type Pair = { readonly down: Tensor; readonly middle?: Tensor; readonly up: Tensor };

type Leaf = (role: LoraRole, target: string, shape: readonly number[]) => Tensor;

function linearPair(target: string, { inputs }: Layer, { rank }: LoraShape, leaf: Leaf): Pair {
  const [wide, narrow] = inputs[1]!.shape as readonly [number, number];
  return { down: leaf("down", target, [rank, narrow]), up: leaf("up", target, [wide, rank]) };
}

function convPair(target: string, { inputs }: Layer, { rank, middle }: LoraShape, leaf: Leaf): Pair {
  const [o, c, kh, kw] = inputs[1]!.shape as readonly [number, number, number, number];
  return {
    down: leaf("down", target, middle ? [rank, c, 1, 1] : [rank, c, kh, kw]),
    ...(middle && { middle: leaf("middle", target, [rank, rank, kh, kw]) }),
    up: leaf("up", target, [o, rank, 1, 1]),
  };
}

/** What the pair adds to the layer. Scaled where it is narrowest. */
function along(layer: Layer, { down, middle, up }: Pair, scale: Tensor): Tensor {
  const x = layer.inputs[0]!;
  if (layer.op === "linear") return g.linear(g.mul(g.linear(x, down), scale), up);
  const geometry = layer.attributes;
  const narrow = middle
    ? g.conv2d(g.conv2d(x, down, undefined, POINT), middle, undefined, geometry)
    : g.conv2d(x, down, undefined, geometry);
  return g.conv2d(g.mul(narrow, scale), up, undefined, POINT);
}

/** A 1x1 convolution. */
const POINT = { stride: 1, padding: [0, 0, 0, 0] } as const;

function checkRank(target: string, rank: number): void {
  if (Number.isInteger(rank) && rank > 0) return;
  throw new IllustriousError("bad_option", `rank ${rank} for ${target}`, "A rank is a positive whole number.");
}
