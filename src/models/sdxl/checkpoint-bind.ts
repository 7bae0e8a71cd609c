/** @file Finds each parameter of a network among the tensors of the user's files: names, shapes and types, no bytes. */

import type { WeightDType } from "../../base/dtype.ts";
import { IllustriousError } from "../../base/error.ts";
import type { SafetensorsFile, TensorEntry } from "../../formats/safetensors/index.ts";
import type { WeightSource, Weights } from "../../runtime/weights.ts";
import { otherDiffusersNames } from "./names.ts";
import type { Parameter, SgmPlace } from "./names-table.ts";

/** A tensor and the file that holds it. */
export type StoredTensor = TensorEntry & { readonly path: string };

/** Tensors by key, from one file or from all shards of one component. */
export type TensorPool = ReadonlyMap<string, StoredTensor>;

/** How a file names parameters; the prefix stands before every key of the component. */
export type Layout = { readonly naming: "diffusers" | "sgm"; readonly prefix: string };

export type Bound = {
  readonly weights: Weights;
  /** Keys looked for and not found, as the file would name them. */
  readonly missing: readonly string[];
  readonly used: ReadonlySet<string>;
};

/** @throws IllustriousError when two shards hold the same key */
export function poolOf(files: readonly SafetensorsFile[]): TensorPool {
  const pool = new Map<string, StoredTensor>();
  for (const { path, tensors } of files) {
    for (const [key, tensor] of tensors) {
      const other = pool.get(key);
      if (other) {
        const message = `${key} lies in two files: ${other.path} and ${path}`;
        throw new IllustriousError(
          "bad_file",
          message,
          "Keep one of the two, or name the right one in the index file.",
        );
      }
      pool.set(key, { ...tensor, path });
    }
  }
  return pool;
}

/**
 * @throws IllustriousError `bad_shape` for a tensor of another shape, `unsupported` for one of a type that is not read;
 * missing ones are returned, since only the caller knows what the file claims to be.
 */
export function bindWeights(parameters: readonly Parameter[], pool: TensorPool, layout: Layout): Bound {
  const weights = new Map<string, WeightSource>();
  const missing: string[] = [];
  const used = new Set<string>();
  for (const parameter of parameters) {
    const places = placesOf(parameter, layout);
    const place = places.find(({ key }) => pool.has(key));
    if (!place) {
      missing.push(places[0]!.key);
      continue;
    }
    used.add(place.key);
    weights.set(parameter.name, weightSource(parameter, place, pool.get(place.key)!));
  }
  return { weights, missing, used };
}

/** Where a parameter may lie, the usual place first. */
function placesOf({ name, shape, sgm }: Parameter, { naming, prefix }: Layout): SgmPlace[] {
  if (naming === "sgm") {
    const place = { ...sgm, key: prefix + sgm.key };
    // Some converters leave OpenCLIP's projection as transformers has it: with a suffix, not transposed.
    return sgm.transposed ? [place, { key: `${place.key}.weight`, shape }] : [place];
  }
  return [name, ...otherDiffusersNames(name)].map((key) => ({ key: prefix + key, shape }));
}

function weightSource(parameter: Parameter, place: SgmPlace, tensor: StoredTensor): WeightSource {
  if (!sameBut1(tensor.shape, place.shape)) {
    throw new IllustriousError(
      "bad_shape",
      `${tensor.path}: ${place.key} has shape [${tensor.shape}], but the configuration makes it [${place.shape}]`,
      "The weights and the configuration are of different models.",
    );
  }
  const { index, of } = place.part ?? { index: 0, of: 1 };
  const length = tensor.length / of;
  return {
    path: tensor.path,
    offset: tensor.offset + index * length,
    length,
    dtype: weightDType(tensor),
    shape: parameter.shape,
    ...(place.transposed && { transposed: true }),
  };
}

/** @throws IllustriousError `unsupported` for a type that is not read */
export function weightDType({ path, name, dtype }: StoredTensor): WeightDType {
  if (dtype === "F32" || dtype === "F16" || dtype === "BF16") return dtype;
  throw new IllustriousError(
    "unsupported",
    `${path}: ${name} is stored as ${dtype}; weights are read as F32, F16 or BF16`,
    "Take the float16 version of this file.",
  );
}

/** Equal up to trailing ones: a 1x1 convolution [c, c, 1, 1] holds the bytes of a matrix [c, c]. */
export function sameBut1(a: readonly number[], b: readonly number[]): boolean {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, i) => (a[i] ?? 1) === (b[i] ?? 1)).every(Boolean);
}

/** @throws IllustriousError `missing_weight`, naming the first few */
export function refuseMissing(missing: readonly string[], path: string, what: string): void {
  if (missing.length === 0) return;
  const named = missing.slice(0, 3).join(", ");
  const rest = missing.length > 3 ? ` and ${missing.length - 3} more` : "";
  throw new IllustriousError(
    "missing_weight",
    `${path}: ${what} lacks ${missing.length} of its weights: ${named}${rest}`,
    "The download may be incomplete, or the configuration may be of another model.",
  );
}
