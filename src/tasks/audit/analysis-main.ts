/** @file What runs in the process that asks audits in SQL: DuckDB, whose crash or hunger for memory is then no one else's. */

import { type CompareRequest, runCompare, runQuery } from "../../data/sql/index.ts";
import { serve } from "../../runtime/process/serve.ts";
import { openVocabulary } from "./vocabulary.ts";

serve({
  query: runQuery,
  compare: (request: CompareRequest, signal: AbortSignal) => runCompare(request, openVocabulary, signal),
});
