/**
 * @file Sizes of tensor axes: whole numbers, or expressions in named sizes that are known only when a session runs.
 *
 * An expression is a sum of integer multiples of products of atoms; an atom is a named size or floor(expression / k).
 * Kept in one normal form, so that two sizes are equal exactly when their keys are: `floor((h - 1)/2) + 1`, which a
 * strided convolution yields, and `floor((h + 1)/2)` are the same key.
 */

import { IllustriousError } from "../base/error.ts";

export type Dim = number | Expression;

type Atom =
  | { readonly kind: "size"; readonly key: string }
  | { readonly kind: "floor"; readonly key: string; readonly of: Expression; readonly by: number };

type Term = { readonly coefficient: number; readonly atoms: readonly Atom[] };

/** Terms sorted by their atoms' keys, none with coefficient 0; the constant, if any, has no atoms and comes last. */
export type Expression = { readonly key: string; readonly terms: readonly Term[] };

export type Shape = readonly Dim[];

/** Values of the named sizes in one run. */
export type Sizes = ReadonlyMap<string, number>;

export function size(name: string): Expression {
  return normal([{ coefficient: 1, atoms: [{ kind: "size", key: name }] }]) as Expression;
}

function termsOf(dim: Dim): readonly Term[] {
  if (typeof dim !== "number") return dim.terms;
  return dim === 0 ? [] : [{ coefficient: dim, atoms: [] }];
}

const atomsKey = (atoms: readonly Atom[]): string => atoms.map((a) => a.key).join("*");

function normal(terms: readonly Term[]): Dim {
  const byAtoms = new Map<string, Term>();
  for (const term of terms) {
    const atoms = [...term.atoms].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    const key = atomsKey(atoms);
    byAtoms.set(key, { coefficient: (byAtoms.get(key)?.coefficient ?? 0) + term.coefficient, atoms });
  }
  const kept = [...byAtoms].filter(([, t]) => t.coefficient !== 0);
  if (kept.length === 0) return 0;
  // "" is the constant's key; it reads better last.
  kept.sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  if (kept.length === 1 && kept[0]![0] === "") return kept[0]![1].coefficient;
  const text = kept.map(([key, { coefficient: c }], i) => {
    const sign = c < 0 ? "-" : i > 0 ? "+" : "";
    const amount = Math.abs(c);
    return sign + (key === "" ? `${amount}` : amount === 1 ? key : `${amount}*${key}`);
  });
  return { key: text.join(""), terms: kept.map(([, t]) => t) };
}

export function addDims(...dims: readonly Dim[]): Dim {
  return normal(dims.flatMap(termsOf));
}

export function mulDims(...dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>((product, dim) => {
    const terms = termsOf(dim);
    return normal(
      termsOf(product).flatMap((a) =>
        terms.map((b) => ({ coefficient: a.coefficient * b.coefficient, atoms: [...a.atoms, ...b.atoms] })),
      ),
    );
  }, 1);
}

/** floor(dim / by), for a whole number `by` > 0. Whole multiples of `by` leave the floor. */
export function floorDiv(dim: Dim, by: number): Dim {
  if (by === 1) return dim;
  if (typeof dim === "number") return Math.floor(dim / by);
  const outside: Term[] = [];
  const inside: Term[] = [];
  for (const { coefficient, atoms } of dim.terms) {
    // The constant keeps its remainder inside; so does any other term, which makes the form unique.
    const whole = Math.floor(coefficient / by);
    if (whole !== 0) outside.push({ coefficient: whole, atoms });
    if (coefficient - whole * by !== 0) inside.push({ coefficient: coefficient - whole * by, atoms });
  }
  const rest = normal(inside);
  if (typeof rest === "number") return normal([...outside, ...termsOf(Math.floor(rest / by))]);
  const key = `floor((${rest.key})/${by})`;
  return normal([...outside, { coefficient: 1, atoms: [{ kind: "floor", key, of: rest, by }] }]);
}

export function sameDim(a: Dim, b: Dim): boolean {
  return dimKey(a) === dimKey(b);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]!));
}

export function dimKey(dim: Dim): string {
  return typeof dim === "number" ? `${dim}` : dim.key;
}

export function shapeKey(shape: Shape): string {
  return `[${shape.map(dimKey).join(", ")}]`;
}

export function elementsOf(shape: Shape): Dim {
  return mulDims(...shape);
}

/** Names of the sizes that a dim mentions, at any depth. */
export function sizesIn(dim: Dim): Set<string> {
  const names = new Set<string>();
  const visit = (d: Dim): void => {
    for (const { atoms } of termsOf(d)) {
      for (const atom of atoms) {
        if (atom.kind === "size") names.add(atom.key);
        else visit(atom.of);
      }
    }
  };
  visit(dim);
  return names;
}

/** A size that stands alone as an axis, from which a run can read its value. */
export function isName(dim: Dim): boolean {
  return typeof dim !== "number" && dim.terms.length === 1 && dim.key === [...sizesIn(dim)][0];
}

export function evaluateDim(dim: Dim, sizes: Sizes): number {
  if (typeof dim === "number") return dim;
  let sum = 0;
  for (const { coefficient, atoms } of dim.terms) {
    let product = coefficient;
    for (const atom of atoms) {
      if (atom.kind === "floor") product *= Math.floor(evaluateDim(atom.of, sizes) / atom.by);
      else {
        const value = sizes.get(atom.key);
        if (value === undefined) throw new IllustriousError("bad_shape", `size ${atom.key} has no value in ${dim.key}`);
        product *= value;
      }
    }
    sum += product;
  }
  return sum;
}

export function evaluateShape(shape: Shape, sizes: Sizes): number[] {
  return shape.map((dim) => evaluateDim(dim, sizes));
}
