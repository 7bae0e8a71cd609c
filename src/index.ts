/** @file The public surface: what a program imports from `illustrious`. Every name is spelled out. */

export { type ErrorCode, IllustriousError } from "./base/error.ts";
export type { AuditComparison, CompareEvent } from "./data/sql/compare.ts";
export type { QueryEvent } from "./data/sql/query.ts";
export type { RgbImage } from "./formats/png/index.ts";
export type { Checkpoint, OpenOptions } from "./models/sdxl/checkpoint.ts";
export type { Inspection } from "./models/sdxl/inspect.ts";
export type { Detection, Evidence } from "./models/sdxl/prediction.ts";
export { loadTokenizer, type Tokenizer } from "./models/sdxl/tokenizer.ts";
export { EngineProcess } from "./runtime/process/engine-process.ts";
export type { AnalysisControl } from "./tasks/audit/analysis.ts";
export {
  type BalanceControl,
  type BalanceEvent,
  type BalanceInput,
  balanceOptions,
} from "./tasks/audit/balance.ts";
export { type CompareInput, compareOptions } from "./tasks/audit/compare.ts";
export type { AuditCounts, AuditEvent } from "./tasks/audit/events.ts";
export { type AuditInput, auditOptions } from "./tasks/audit/options.ts";
export { type QueryInput, queryOptions } from "./tasks/audit/query.ts";
export {
  type AuditReportEvent,
  type AuditReportInput,
  auditReportOptions,
} from "./tasks/audit/report/options.ts";
export type { AuditControl } from "./tasks/audit/run.ts";
export type { AuditQueueStatus, AuditWorkerEvent, WorkerControl } from "./tasks/audit/worker.ts";
export { type WorkerInput, workerOptions } from "./tasks/audit/worker-options.ts";
export { audit } from "./tasks/audit.ts";
export { auditReport } from "./tasks/audit-report.ts";
export { auditQueueStatus, auditWorker } from "./tasks/audit-worker.ts";
export { balanceAudit } from "./tasks/balance-audit.ts";
export { compareAudits } from "./tasks/compare-audits.ts";
export type { Figure, RowResult } from "./tasks/evaluate/figures.ts";
export { type EvaluateInput, evaluateOptions } from "./tasks/evaluate/options.ts";
export type { EvaluateControl, EvaluateEvent, Evaluation, ModelResult } from "./tasks/evaluate/run.ts";
export { evaluationMarkdown, evaluationText } from "./tasks/evaluate/table.ts";
export { evaluate } from "./tasks/evaluate.ts";
export { type ExportEvent, exportModel } from "./tasks/export-model.ts";
export { type ExportInput, exportOptions } from "./tasks/export-options.ts";
export { optionsFromPicture, type PictureOptions } from "./tasks/from-picture.ts";
export { closeEngine, createEngine, type GenerateControl, generate } from "./tasks/generate.ts";
export type { EffectiveSettings, GenerateEvent } from "./tasks/generate-events.ts";
export { type GenerateInput, type GenerateOptions, generateOptions } from "./tasks/generate-options.ts";
export { inspectModel, openCheckpoint } from "./tasks/open-model.ts";
export { queryAudit } from "./tasks/query-audit.ts";
export { type ScenesEvent, type ScenesInput, scenes } from "./tasks/scenes.ts";
export type { LeftReason, TagCounts, TagEvent } from "./tasks/tag/events.ts";
export { type TagInput, tagOptions } from "./tasks/tag/options.ts";
export type { TagControl } from "./tasks/tag/run.ts";
export { tag } from "./tasks/tag.ts";
export { plotRecipes, type RecipeFigure } from "./tasks/train/plot-recipes.ts";
export { type TrainControl, train } from "./tasks/train/train.ts";
export type { TrainEvent } from "./tasks/train/train-events.ts";
export type { TrainInput, TrainRecipe } from "./tasks/train/train-options.ts";
