/** @file Where the pictures come from: the engine, or whatever a test puts in its place. */

import type { EngineProcess } from "../../runtime/process/engine-process.ts";
import { type GenerateOptions, parseGenerateOptions } from "../generate-options.ts";
import type { Cell, Shot } from "./cells.ts";
import type { DrawEvent, DrawRequest } from "./draw-in-engine.ts";

/** Shots of one cell that have the same prompt, to be drawn together. */
export type PictureRequest = { readonly model: string; readonly cell: Cell; readonly shots: readonly Shot[] };

/** Draws every shot, in order. */
export type PictureSource = (request: PictureRequest, signal?: AbortSignal) => AsyncGenerator<DrawEvent, void>;

/** How all pictures are drawn, whatever else would suit a model. */
export const HOW = { sampler: "euler", schedule: "normal", cfg: 7.5, steps: 28 } as const;

export function engineSource(engine: EngineProcess, threads?: number): PictureSource {
  return ({ model, cell, shots }, signal) => {
    const request: DrawRequest = {
      options: optionsOf(model, cell, shots[0]!.prompt, threads),
      seeds: shots.map(({ seed }) => seed),
      traced: cell.traced,
    };
    return engine.run<DrawEvent>("evaluate", request, signal);
  };
}

export function optionsOf(model: string, { side }: Cell, prompt: string, threads?: number): GenerateOptions {
  return parseGenerateOptions({
    ...HOW,
    model,
    prompt,
    ...(side !== undefined && { width: side, height: side }),
    ...(threads !== undefined && { threads }),
  });
}
