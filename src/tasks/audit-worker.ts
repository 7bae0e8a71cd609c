/** @file Measuring the chunks of audits on other machines, for programs: `for await (const event of auditWorker({ queue })) …`. */

import type { AuditQueueStatus, AuditWorkerEvent, WorkerControl } from "./audit/worker.ts";
import type { WorkerInput } from "./audit/worker-options.ts";

/**
 * Takes chunk after chunk of whatever audits fill the queue, on any machine that sees the same paths, until the signal aborts. Any number
 * of workers may come and go; the chunk of one that is lost goes to another.
 *
 * @throws IllustriousError `cancelled` after an abort; `bad_option`; `queue_failed` when Redis cannot be reached; `unsupported` when Redis is too old, or a chunk is of
 * another version of the program; `missing_file` when this machine does not see an audit's paths; `write_failed`; `engine_failed` when
 * decoding processes cannot be started
 */
export async function* auditWorker(
  input: WorkerInput,
  control: WorkerControl = {},
): AsyncGenerator<AuditWorkerEvent, void> {
  // Redis is not for programs that never ask for it.
  const { runWorker } = await import("./audit/worker.ts");
  yield* runWorker(input, control);
}

/**
 * How far the audits of a queue are, its workers, and the chunks in it.
 *
 * @param queue such as `redis://host:6379/0`
 * @throws IllustriousError `bad_option`, `queue_failed`, `unsupported`
 */
export async function auditQueueStatus(queue: string): Promise<AuditQueueStatus> {
  const { readStatus } = await import("./audit/worker.ts");
  return readStatus(queue);
}
