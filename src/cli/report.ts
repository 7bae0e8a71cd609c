/** @file What a run shows while it works. For whom, a person or a program, is decided by `reportFor`. */

import type { GenerateEvent } from "../tasks/generate-events.ts";

export type Report = {
  event(event: GenerateEvent): void;
  /** Something for people to know that is no event. */
  note(text: string): void;
  /** Leaves the terminal on a fresh line, however the run ended. What is reported later stays, too. */
  end(): void;
};
