/**
 * @file What a queue of jobs is, wherever the jobs are done. A job is done at least once: whoever has it may be lost, and it is then given to
 * another, or be only slow, and both do it. So jobs must be such that doing one twice is doing it once.
 */

export type Queue<Job, Progress> = {
  /** Jobs that are worth having in it at once; more only wait. */
  readonly room: number;
  /** Unless a job of that name is there. */
  add(name: string, job: Job): Promise<void>;
  /**
   * Waits a moment, or until something has happened.
   *
   * @param names of jobs that were added
   * @throws IllustriousError `cancelled` after an abort; `queue_failed`
   */
  look(names: readonly string[]): Promise<Look<Progress>>;
  /** Forgets a job that has ended: one of its name may be added again. */
  forget(name: string): Promise<void>;
  /** Ends what this process does for it. Jobs that others can do stay. */
  close(): Promise<void>;
};

export type Look<Progress> = {
  readonly ended: readonly Ended[];
  /** Told last, of jobs in work. */
  readonly progress: ReadonlyMap<string, Progress>;
  /** Who is there to do jobs, where that can change. */
  readonly workers?: number;
};

export type Ended = {
  readonly name: string;
  /** Who did it. */
  readonly by?: string | undefined;
  /** Why it was given up. */
  readonly failure?: { readonly error: unknown };
};

export type Turn<Progress> = {
  /** How many had this job before and were never heard of again. */
  readonly lost: number;
  /** What was told last, by whoever had it. */
  readonly told: Progress | undefined;
  tell(progress: Progress): Promise<void>;
  readonly signal: AbortSignal;
};

/** Does a job. @throws IllustriousError `cancelled` after an abort: the job is not done, and goes back */
export type Perform<Job, Progress> = (job: Job, turn: Turn<Progress>) => Promise<void>;
