/** @file Control tokens in the captions of a set: which words, where they go, and how they come out again. */

export { type CaptionPlan, planCaption } from "./caption-state.ts";
export { insertTokens, LIST_SEPARATOR, type TokenPlace } from "./caption-text.ts";
export { controlWords, type WordChoice } from "./control-words.ts";
export { fitToAudit } from "./fit-audit.ts";
export { fieldText, rewriteField, type Span, stringFields } from "./json-line.ts";
export { type Ledger, openLedger, sha256, type TagEntry } from "./ledger.ts";
