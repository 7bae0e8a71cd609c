/** @file Audits asked in SQL. */

export { resultPath } from "./audit-database.ts";
export {
  type AuditComparison,
  type CompareEvent,
  type CompareRequest,
  type Mark,
  runCompare,
} from "./compare.ts";
export type { ContentComparison } from "./contents.ts";
export { type QueryEvent, type QueryRequest, runQuery } from "./query.ts";
export type { TagChange, TagComparison } from "./tags.ts";
export type { SqlProgress } from "./with-progress.ts";
