import { Float16Array } from "@petamoriken/float16";
import { expect, test } from "vitest";
import { bfloat16FromFloat32, float16FromFloat32, float32FromBfloat16, float32FromFloat16 } from "./half.ts";

const everyHalf = Uint16Array.from({ length: 0x10000 }, (_, i) => i);

test("all 65,536 halves decode as the float16 package decodes them", () => {
  const theirs = Float32Array.from(new Float16Array(everyHalf.buffer.slice(0)));
  expect(float32FromFloat16(everyHalf)).toEqual(theirs);
});

test("floats round to the half that the float16 package rounds them to", () => {
  const halves = float32FromFloat16(everyHalf);
  const values: number[] = [0, -0, 65504, 65519.996, 65520, 65536, 1e-8, 2 ** -25, 2 ** -24 * 1.5, Infinity, -Infinity];
  // Every half, and the ties and near-ties between neighbours, where rounding goes wrong.
  for (let i = 0; i < 0x7bff; i++) {
    const middle = (halves[i]! + halves[i + 1]!) / 2;
    values.push(halves[i]!, middle, -middle, middle * (1 + 2 ** -20), middle * (1 - 2 ** -20));
  }
  const floats = Float32Array.from(values);
  expect(float16FromFloat32(floats)).toEqual(new Uint16Array(new Float16Array(floats).buffer));
});

test("bfloat16 keeps what it can hold and rounds ties to even", () => {
  const bits = everyHalf.filter((b) => (b & 0x7fff) <= 0x7f80);
  expect(bfloat16FromFloat32(float32FromBfloat16(bits))).toEqual(bits);
  expect([...bfloat16FromFloat32(Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, Number.NaN))]).toEqual([
    0x3f80, 0x3f82, 0x7fc0,
  ]);
});
