import { expect, test } from "vitest";
import { bytesFromFloat32, float32FromBytes, transposedBytes } from "./float-bytes.ts";

const values = Float32Array.of(0, -0, 1, -1.5, 2 ** -24, 65504);

test.each(["F32", "F16", "BF16"] as const)(
  "%s: what the type holds comes back, from any place in a buffer",
  (dtype) => {
    const given = dtype === "BF16" ? values.subarray(0, 5) : values;
    const bytes = bytesFromFloat32(given, dtype);
    expect(bytes.length).toBe(given.length * (dtype === "F32" ? 4 : 2));
    expect(float32FromBytes(bytes, dtype)).toEqual(given);
    const odd = new Uint8Array(bytes.length + 3);
    odd.set(bytes, 3);
    expect(float32FromBytes(odd.subarray(3), dtype)).toEqual(given);
  },
);

test("one of float16's largest rounds in bfloat16", () => {
  expect(float32FromBytes(bytesFromFloat32(Float32Array.of(65504), "BF16"), "BF16")).toEqual(Float32Array.of(65536));
});

test("a matrix of two rows and three columns becomes one of three and two", () => {
  const halves = Uint16Array.of(1, 2, 3, 4, 5, 6);
  expect(new Uint16Array(transposedBytes(new Uint8Array(halves.buffer), 2, 2, 3).buffer)).toEqual(
    Uint16Array.of(1, 4, 2, 5, 3, 6),
  );
  const floats = bytesFromFloat32(Float32Array.of(1, 2, 3, 4, 5, 6), "F32");
  expect(float32FromBytes(transposedBytes(floats, 4, 2, 3), "F32")).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
});
