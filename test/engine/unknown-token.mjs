/** @file A run that ONNX Runtime refuses: an id that the table of tokens does not have. Prints what is thrown. */

import { fileURLToPath } from "node:url";
import { openCheckpoint } from "../../dist/models/sdxl/checkpoint.js";
import { clipGraph } from "../../dist/models/sdxl/clip.js";
import { onnxRuntime } from "../../dist/runtime/onnx/session.js";
import { int64 } from "../../dist/runtime/runtime.js";

const { configs, weights } = await openCheckpoint(fileURLToPath(new URL("../fixtures/tiny-sdxl", import.meta.url)));
const graph = clipGraph(configs.textEncoder, { clipSkip: 2 });
const session = await onnxRuntime({ threads: 1 }).open(graph, weights.textEncoder);
const ids = int64(Array(77).fill(configs.textEncoder.vocabSize), [1, 77]);
await session.run({ ids }).catch(({ code, message }) => process.stdout.write(`${code}: ${message}`));
