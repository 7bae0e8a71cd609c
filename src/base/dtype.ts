/** @file Element types of tensors in memory and of weights in files. */

/** Types that a graph computes with. */
export type DType = "f32" | "i64" | "bool";

/** Types that a weight may have in its file; they become f32 where the graph first uses them. */
export type WeightDType = "F32" | "F16" | "BF16";

export const bytesOf: Record<WeightDType, number> = { F32: 4, F16: 2, BF16: 2 };
