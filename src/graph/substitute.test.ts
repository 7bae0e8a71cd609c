import { expect, test } from "vitest";
import { size } from "./dim.ts";
import { graphOf } from "./graph.ts";
import * as g from "./ops.ts";
import { printGraph } from "./print.ts";
import { substitute } from "./substitute.ts";
import { verifyGraph } from "./verify.ts";

const x = g.input("x", [size("b"), 4]);

test("a weight becomes a sum with a LoRA wherever it is used; the rest is kept", () => {
  const hidden = g.linear(x, g.weight("frozen", [4, 4]));
  const y = g.linear(g.linear(hidden, g.weight("w", [4, 4])), g.weight("w", [4, 4]));
  const after = substitute({ y, hidden }, (tensor) => {
    if (tensor.op !== "weight" || tensor.attributes.name !== "w") return undefined;
    return g.add(tensor, g.matmul(g.input("up", [4, 1]), g.input("down", [1, 4])));
  });
  expect(after.hidden).toBe(hidden);
  const graph = graphOf(after);
  verifyGraph(graph);
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "%0 = input(x) : f32[b, 4]
    %1 = weight(frozen) : f32[4, 4]
    %2 = linear(%0, %1) : f32[b, 4]
    %3 = weight(w) : f32[4, 4]
    %4 = input(up) : f32[4, 1]
    %5 = input(down) : f32[1, 4]
    %6 = matmul(%4, %5, transposeA=false, transposeB=false) : f32[4, 4]
    %7 = add(%3, %6) : f32[4, 4]
    %8 = linear(%2, %7) : f32[b, 4]
    %9 = linear(%8, %7) : f32[b, 4]
    return y = %9
    return hidden = %2"
  `);
});

test("a replacement of another shape does not go unnoticed", () => {
  const y = g.mul(x, g.weight("w", [4]));
  expect(() => substitute({ y }, ({ op }) => (op === "weight" ? g.input("w", [1]) : undefined))).toThrow(
    "weight replaced: [4] by [1]",
  );
});
