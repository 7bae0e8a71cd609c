/**
 * @file Logarithm, sine and cosine in single precision, rounded where PyTorch's vector code rounds. The polynomials are
 * those of the Cephes library (Moshier), the order of operations that of its AVX2 translation, with multiply and add
 * fused where PyTorch's builds fuse them. Every bit of a seed's noise depends on it, so nothing here may be simplified.
 */

const { fround } = Math;

/** `a * b + c` rounded once: the product of two float32 is exact in a double. */
function fused(a: number, b: number, c: number): number {
  return fround(a * b + c);
}

/** Horner's rule with fused steps; coefficients from the highest power down. */
function polynomial(x: number, coefficients: Float32Array): number {
  let y = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) y = fused(y, x, coefficients[i]!);
  return y;
}

const logCoefficients = Float32Array.of(
  7.0376836292e-2,
  -1.151461031e-1,
  1.167699874e-1,
  -1.2420140846e-1,
  1.4249322787e-1,
  -1.6668057665e-1,
  2.0000714765e-1,
  -2.4999993993e-1,
  3.3333331174e-1,
);
const sineCoefficients = Float32Array.of(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1);
const cosineCoefficients = Float32Array.of(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2);

/** ln 2 in two parts, so that its product with a small integer loses nothing. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = fround(-2.1219444e-4);
const ROOT_HALF = fround(Math.SQRT1_2);

const scratch = new Float32Array(1);
const pattern = new Uint32Array(scratch.buffer);

/** ln x for a positive, normal float32. */
export function logFloat32(x: number): number {
  scratch[0] = x;
  let exponent = (pattern[0]! >>> 23) - 126;
  pattern[0] = (pattern[0]! & 0x007fffff) | 0x3f000000;
  let m = scratch[0]!;
  // m in [1/2, 1) becomes m - 1 in [-0.29, 0.41], where the polynomial holds.
  if (m < ROOT_HALF) {
    exponent -= 1;
    m = fround(fround(m - 1) + m);
  } else {
    m = fround(m - 1);
  }
  const square = fround(m * m);
  let y = fround(polynomial(m, logCoefficients) * m);
  y = fused(y, square, fround(exponent * LN2_LOW));
  y = fround(y - fround(square * 0.5));
  return fused(exponent, LN2_HIGH, fround(m + y));
}

const FOUR_OVER_PI = fround(4 / Math.PI);
/** pi / 4 in three parts, for the same reason. */
const QUARTER_PI = [0.78515625, fround(2.4187564849853516e-4), fround(3.774894977445941e-8)] as const;

/** Sine and cosine of an angle from 0 to 2 pi. */
export function sinCosFloat32(angle: number): { sin: number; cos: number } {
  // The nearest even multiple of pi / 4, and what is left of the angle.
  const octant = (Math.trunc(fround(angle * FOUR_OVER_PI)) + 1) & ~1;
  let x = angle;
  for (const part of QUARTER_PI) x = fused(-octant, part, x);
  const square = fround(x * x);
  const c = fround(polynomial(square, cosineCoefficients) * square);
  const even = fround(fused(c, square, -fround(square * 0.5)) + 1);
  const odd = fused(fround(polynomial(square, sineCoefficients) * square), x, x);
  const sineSign = octant & 4 ? -1 : 1;
  const cosineSign = (octant + 2) & 4 ? -1 : 1;
  return octant & 2 ? { sin: sineSign * even, cos: cosineSign * odd } : { sin: sineSign * odd, cos: cosineSign * even };
}
