/**
 * @file The gradient of attention. Nothing of the forward pass is kept but its output: the weights P = softmax(Q Kᵀ / √d)
 * are computed again from q and k. Dao et al. (2022), https://arxiv.org/abs/2205.14135, appendix B.2.
 *
 * With O = P V:  dV = Pᵀ dO,  dP = dO Vᵀ,  dS = P ∘ (dP - D),  dQ = dS K / √d,  dK = dSᵀ Q / √d,
 * where D is Σ_t P dP by row, which equals Σ dO ∘ O over each head's width: a sum of d numbers and not of t.
 */

import { attentionWeights, byHead, headsJoined } from "../graph/decompose.ts";
import type { Dim } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { GradientRule } from "./rule.ts";

export const attentionGradient: GradientRule<"attention"> = (o, dO) => {
  const [q, k, v] = o.inputs as [Tensor, Tensor, Tensor];
  const { heads } = o.attributes;
  const [b, s, width] = q.shape as [Dim, Dim, number];
  const d = width / heads;
  const p = attentionWeights(q, k, o.attributes);
  const dOut = byHead(dO, heads);
  const rows = g.sum(g.reshape(g.mul(dO, o), [b, s, heads, d]), [3]);
  const rowsByHead = g.reshape(g.transpose(rows, [0, 2, 1]), [b, heads, s, 1]);
  const dScores = g.mul(p, g.sub(g.matmul(dOut, byHead(v, heads), { transposeB: true }), rowsByHead));
  const scaled = (x: Tensor) => headsJoined(g.mul(x, g.scalar(d ** -0.5)));
  return [
    () => scaled(g.matmul(dScores, byHead(k, heads))),
    () => scaled(g.matmul(dScores, byHead(q, heads), { transposeA: true })),
    () => headsJoined(g.matmul(p, dOut, { transposeA: true })),
  ];
};
