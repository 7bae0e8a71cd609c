/** @file Element types that a safetensors file may name, and the bits that one element takes. */

/**
 * Bits an element. The order of the rows is the order of the reference implementation's enumeration, by which its writer
 * sorts tensors (last row first), so that the widest come first and every tensor is aligned to its element.
 */
export const bitsOfDType = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type SafetensorsDType = keyof typeof bitsOfDType;

const ranks = new Map(Object.keys(bitsOfDType).map((dtype, rank) => [dtype, rank]));

export function isSafetensorsDType(name: string): name is SafetensorsDType {
  return ranks.has(name);
}

/** Orders tensors as the reference writer does: the enumeration's last type first. */
export function compareDTypes(a: SafetensorsDType, b: SafetensorsDType): number {
  return ranks.get(b)! - ranks.get(a)!;
}

/**
 * Bytes of a tensor, or undefined when there is no such number: a product above 2^53, or 4- and 6-bit elements that do
 * not end on a byte.
 */
export function byteLengthOf(dtype: SafetensorsDType, shape: readonly number[]): number | undefined {
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    if (!Number.isSafeInteger(elements)) return undefined;
  }
  const bits = elements * bitsOfDType[dtype];
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined;
}
