/** @file What the parent and the engine's process say to each other. Options and events pass; weights never do. */

export type ToEngine =
  | {
      readonly type: "run";
      readonly id: number;
      readonly task: string;
      readonly options: unknown;
      /** Where relative paths in the options begin. */
      readonly folder: string;
    }
  | { readonly type: "cancel"; readonly id: number }
  /** So many more events of the run have been read. */
  | { readonly type: "taken"; readonly id: number; readonly events: number };

/** Events that a run may be ahead of its reader, who says every half of them that they are taken. */
export const AHEAD = 16;

/** An error as data, since a class does not survive the way. */
export type Failure = {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly stack?: string | undefined;
};

export type FromEngine =
  /** The run no longer waits for others. */
  | { readonly type: "started"; readonly id: number }
  | { readonly type: "event"; readonly id: number; readonly event: unknown }
  | { readonly type: "end"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly failure: Failure };

/** Long work: yields events; stops between two of them when the signal aborts. */
export type Task<Options, Event> = (options: Options, signal: AbortSignal) => AsyncGenerator<Event, void>;
