/** @file TensorBoard event files: scalars, PNG pictures and texts, appended as a run goes on. */

export { encodeEvent, stepOfEvent, type TensorboardEvent, type TensorboardValue } from "./event.ts";
export { type EventFile, openEventFile } from "./event-files.ts";
export { encodeRecord, readRecords, type StoredRecord } from "./record.ts";
