/**
 * @file The forms that a convolution's gradients could have in ONNX Runtime, one against the other.
 *
 *     node bench/autodiff-forms.mjs [--runs 9]
 *
 * On one thread, in processor time, which other programs disturb least; the least of all runs counts.
 */

import { parseArgs } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { upstreamName, vjp } from "../dist/autodiff/gradients.js";
import { writeOnnx } from "../dist/formats/onnx/write.js";
import { graphOf } from "../dist/graph/graph.js";
import * as g from "../dist/graph/ops.js";
import { emitOnnx } from "../dist/runtime/onnx/emit.js";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "9" }, block: { type: "string", default: "16" } },
});
const [runs, block] = [Number(values.runs), Number(values.block)];
const geometry = { stride: 1, padding: [1, 1, 1, 1] };
const taps = (make) => [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => make(i, j)));

/** Kernel gradients of x [b, c, s, s] and d [b, c, s, s]: which axis is innermost on each side, one product or nine. */
const kernelForms = {
  ours: (x, _d, [, c]) => {
    const kernel = g.input("kernel", [c, c, 3, 3]);
    return vjp(new Map([["y", g.conv2d(x, kernel, undefined, geometry)]]), [kernel]).gradients.get(kernel);
  },
  "nine, both channels last": (x, d, shape) => nine(x, d, shape, [0, 2, 3, 1], true),
  "nine, both channels first": (x, d, shape) => nine(x, d, shape, [1, 0, 2, 3], false),
  "one, channels last": (x, d, [b, c, s]) => {
    const last = g.transpose(x, [0, 2, 3, 1]);
    const windows = g.concat(
      taps((i, j) => g.pad(last, [0, 1 - i, 1 - j, 0], [0, i - 1, j - 1, 0])),
      3,
    );
    const rows = g.reshape(g.transpose(d, [0, 2, 3, 1]), [b * s * s, c]);
    return g.matmul(rows, g.reshape(windows, [b * s * s, 9 * c]), { transposeA: true });
  },
  "one a picture, no transposition": (x, d, [b, c, s]) => {
    const windows = g.concat(
      taps((i, j) => g.pad(x, [0, 0, 1 - i, 1 - j], [0, 0, i - 1, j - 1])),
      1,
    );
    const flat = g.reshape(windows, [b, 9 * c, s * s]);
    return g.sum(g.matmul(g.reshape(d, [b, c, s * s]), flat, { transposeB: true }), [0]);
  },
};

function nine(x, d, [b, c, s], order, last) {
  const moved = g.transpose(x, order);
  const pixels = b * s * s;
  const flat = (t) => g.reshape(t, last ? [pixels, c] : [c, pixels]);
  const other = flat(g.transpose(d, order));
  const zeros = ([i, j]) => (last ? [0, i, j, 0] : [0, 0, i, j]);
  const products = taps((i, j) => {
    const tap = flat(g.pad(moved, zeros([1 - i, 1 - j]), zeros([i - 1, j - 1])));
    return g.matmul(other, tap, last ? { transposeA: true } : { transposeB: true });
  });
  return g.concat(products, 0);
}

/** Input gradients: bytes of a model with inputs `d` and `kernel`. */
const inputForms = {
  "ours, in blocks": (shape) => bytesOf(turned(shape), block),
  "ours, plain": (shape) => bytesOf(turned(shape)),
  ConvTranspose: ([b, c, s]) => {
    const image = { type: "f32", shape: [b, c, s, s] };
    const attributes = { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] };
    return writeOnnx({
      inputs: [
        { name: "d", ...image },
        { name: "kernel", type: "f32", shape: [c, c, 3, 3] },
      ],
      outputs: [{ name: "y", ...image }],
      initializers: [],
      nodes: [{ op: "ConvTranspose", inputs: ["d", "kernel"], outputs: ["y"], attributes }],
      opsets: { "": 21 },
    });
  },
};

function turned([b, c, s]) {
  const [d, kernel] = [g.input("d", [b, c, s, s]), g.input("kernel", [c, c, 3, 3])];
  return g.convTranspose2d(d, kernel, { ...geometry, height: s, width: s });
}

function bytesOf(y, channelBlock) {
  return writeOnnx(emitOnnx(graphOf({ y }), new Map(), "", "folded", channelBlock));
}

async function compare(title, shape, forms) {
  const [b, c, s] = shape;
  const options = { intraOpNumThreads: 1, graphOptimizationLevel: "all", logSeverityLevel: 3 };
  const picture = [b, c, s, s];
  const fed = { x: picture, d: picture, [upstreamName("y")]: picture, kernel: [c, c, 3, 3] };
  const sides = [];
  for (const [name, bytes] of Object.entries(forms)) {
    const session = await InferenceSession.create(bytes, options);
    const feeds = Object.fromEntries(session.inputNames.map((input) => [input, noise(fed[input])]));
    await session.run(feeds);
    sides.push({ name, session, feeds, least: Number.POSITIVE_INFINITY });
  }
  for (let run = 0; run < runs; run++) {
    for (const side of sides) {
      const before = process.cpuUsage();
      await side.session.run(side.feeds);
      const { user, system } = process.cpuUsage(before);
      side.least = Math.min(side.least, (user + system) / 1e3);
    }
  }
  console.log(`${title}, ${b} × ${c} × ${s}²`);
  const billions = (18 * b * c * c * s * s) / 1e9;
  for (const { name, least } of sides) {
    console.log(`  ${name.padEnd(32)} ${least.toFixed(2)} ms, ${((billions / least) * 1e3).toFixed(0)} GFLOP/s`);
  }
  for (const { session } of sides) await session.release();
}

function noise(shape) {
  const length = shape.reduce((product, n) => product * n, 1);
  return new Tensor(
    "float32",
    Float32Array.from({ length }, (_, i) => Math.sin(1.3 * i)),
    shape,
  );
}

for (const shape of [
  [16, 64, 16],
  [16, 128, 16],
  [32, 128, 8],
  [4, 320, 32],
]) {
  const [b, c, s] = shape;
  const [x, d] = [g.input("x", [b, c, s, s]), g.input("d", [b, c, s, s])];
  const kernels = Object.entries(kernelForms).map(([name, form]) => [name, bytesOf(form(x, d, shape))]);
  await compare("kernel gradient", shape, Object.fromEntries(kernels));
  const inputs = Object.entries(inputForms).map(([name, form]) => [name, form(shape)]);
  await compare("input gradient", shape, Object.fromEntries(inputs));
}
