/** @file What a run leaves for those who watch it. */

export type { EndReason, LogLine } from "./lines.ts";
export { openRunLog, type PreviewRecord, type RunLog, type RunLogOptions, type StepRecord } from "./run-log.ts";
