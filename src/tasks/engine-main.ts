/** @file What runs in the engine's process: the tasks by name. */

import { serve } from "../runtime/process/serve.ts";
import { drawInEngine } from "./evaluate/draw-in-engine.ts";
import { generateInEngine } from "./generate-in-engine.ts";
import { trainInEngine } from "./train/train-in-engine.ts";

serve({ generate: generateInEngine, evaluate: drawInEngine, train: trainInEngine });
