/**
 * @file The table of a network's parameters: each with its name and shape in our graphs, which are diffusers', and its
 * place in a single-file checkpoint, which are those of Stability's generative-models ("SGM").
 */

export type Parameter = {
  readonly name: string;
  readonly shape: readonly number[];
  readonly sgm: SgmPlace;
};

export type SgmPlace = {
  /** Without the component's prefix. */
  readonly key: string;
  /** As the single file declares it. */
  readonly shape: readonly number[];
  /** The parameter is the `index`-th of `of` equal slices along the first axis of the stored tensor. */
  readonly part?: { readonly index: number; readonly of: number };
  /** Stored with its two axes swapped. */
  readonly transposed?: true;
};

/** Rows in the order they are added, with one method a kind of layer. `name` and `key` leave out `.weight`, `.bias`. */
export type ParameterTable = {
  readonly rows: Parameter[];
  add(name: string, key: string, shape: readonly number[]): void;
  /** GroupNorm and LayerNorm alike. */
  norm(name: string, key: string, channels: number): void;
  linear(name: string, key: string, outputs: number, inputs: number, bias?: boolean): void;
  /** A linear layer of ours that the single file keeps as a 1x1 convolution: the same bytes. */
  linearAsConv(name: string, key: string, outputs: number, inputs: number): void;
  conv(name: string, key: string, outputs: number, inputs: number, kernel: number): void;
  row(row: Parameter): void;
};

export function parameterTable(): ParameterTable {
  const rows: Parameter[] = [];
  const add = (name: string, key: string, shape: readonly number[], stored = shape) => {
    rows.push({ name, shape, sgm: { key, shape: stored } });
  };
  return {
    rows,
    add,
    norm(name, key, channels) {
      add(`${name}.weight`, `${key}.weight`, [channels]);
      add(`${name}.bias`, `${key}.bias`, [channels]);
    },
    linear(name, key, outputs, inputs, bias = true) {
      add(`${name}.weight`, `${key}.weight`, [outputs, inputs]);
      if (bias) add(`${name}.bias`, `${key}.bias`, [outputs]);
    },
    linearAsConv(name, key, outputs, inputs) {
      add(`${name}.weight`, `${key}.weight`, [outputs, inputs], [outputs, inputs, 1, 1]);
      add(`${name}.bias`, `${key}.bias`, [outputs]);
    },
    conv(name, key, outputs, inputs, kernel) {
      add(`${name}.weight`, `${key}.weight`, [outputs, inputs, kernel, kernel]);
      add(`${name}.bias`, `${key}.bias`, [outputs]);
    },
    row(row) {
      rows.push(row);
    },
  };
}
