/**
 * @file Digests of the networks' graphs. They say nothing of being right, which goldens do; they make a change of a
 * network a conscious one: what is called a refactor must not move them. After a change that is meant, run
 * `npx vitest run src/models/sdxl/graph-digest.test.ts -u`, and say in the commit what changed in which network.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addDims, size } from "../../graph/dim.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import { printGraph } from "../../graph/print.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { clipGraph } from "./clip.ts";
import { SDXL_BASE, type SdxlConfigs } from "./config.ts";
import { unetGraph } from "./unet.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "./vae.ts";

/** Of the graph as it prints, and of all values of its constants, of which the print shows six. */
function digest(graph: Graph): string {
  const constants = graph.tensors.flatMap(({ op, attributes }) => (op === "constant" ? [[...attributes.values]] : []));
  const hash = createHash("sha256").update(printGraph(graph)).update(JSON.stringify(constants));
  return `${graph.tensors.length} tensors ${hash.digest("hex")}`;
}

function digestsOf({ unet, vae, textEncoder, textEncoder2 }: Required<SdxlConfigs>): Record<string, string> {
  return {
    unet: digest(unetGraph(unet)),
    vaeEncoder: digest(vaeEncoderGraph(vae)),
    vaeDecoder: digest(vaeDecoderGraph(vae)),
    textEncoder: digest(clipGraph(textEncoder, { clipSkip: 2 })),
    textEncoder2: digest(clipGraph(textEncoder2, { clipSkip: 2 })),
  };
}

test("SDXL as released", () => {
  expect(digestsOf(SDXL_BASE)).toMatchInlineSnapshot(`
    {
      "textEncoder": "313 tensors 3872fa83f685aec3970cada372332ca55c5db3ec222c4809f45102675f7e94f1",
      "textEncoder2": "909 tensors 14088a29f8c4975c71502bb0c4bf42c489b073fcfa55dacc108ef725024c2c7b",
      "unet": "3552 tensors db866fe70fc33143d6739ae90ff2d298f1d41285bc36ef54fe3058a96237eb88",
      "vaeDecoder": "263 tensors 6a6a1b0f73109d132f6864352940630bea349885bc3190fcc5d8a9d9c9e607a2",
      "vaeEncoder": "202 tensors bb04735fd770098bf1cadeeaf7544673237382c78072341119cd5474db30b143",
    }
  `);
});

test("the shipped model", async () => {
  const { configs } = await openCheckpoint(join(import.meta.dirname, "../../../test/fixtures/nano-bootstrap"));
  expect(digestsOf(configs as Required<SdxlConfigs>)).toMatchInlineSnapshot(`
    {
      "textEncoder": "33 tensors 31a2b88b43219952bc8015c5dcb154e9c0d99e9de1777ed0543e192478b07a16",
      "textEncoder2": "69 tensors 0f38d34e3e47db40c60358b058d8e1ca9d50a51a3e7fa2b6b858a88ef2bd0920",
      "unet": "709 tensors 69201d881f5b9af84fa7d9fc4bfca058e0f3d0d7de3fcee903b9aef503419d0a",
      "vaeDecoder": "203 tensors 6f7daf1c494df05243ce18d45537d34195e88c10dafa920d9152a20f2da9c5fe",
      "vaeEncoder": "142 tensors 53d0a186be2ca7deaf4eea73a68e1910408a286035db61dea9205b9735365964",
    }
  `);
});

test("a digest moves with an op, its order, an attribute, a shape, a constant's last value and an output's name", () => {
  const x = g.input("x", [size("n"), 4]);
  const values = [1, 2, 3, 4, 5, 6, 7, 8];
  const base = (): Graph => graphOf({ y: g.add(g.neg(x), g.mean(g.constant(values), [0])) });
  const others: Graph[] = [
    graphOf({ y: g.sub(g.neg(x), g.mean(g.constant(values), [0])) }),
    graphOf({ y: g.add(g.mean(g.constant(values), [0]), g.neg(x)) }),
    graphOf({ y: g.add(g.neg(x), g.mean(g.constant(values), [0], true)) }),
    graphOf({ y: g.add(g.neg(g.input("x", [addDims(size("n"), 1), 4])), g.mean(g.constant(values), [0])) }),
    graphOf({ y: g.add(g.neg(x), g.mean(g.constant([...values.slice(0, 7), 9]), [0])) }),
    graphOf({ z: g.add(g.neg(x), g.mean(g.constant(values), [0])) }),
  ];
  expect(digest(base())).toBe(digest(base()));
  expect(new Set([base(), ...others].map(digest)).size).toBe(1 + others.length);
});
