/** @file An audit's report for tests, with tokens that can be counted by hand. */

import type { CountTokens } from "../../src/data/audit/index.ts";
import { type AuditReport, walkReport } from "../../src/data/audit/report.ts";

/** As many as letters. */
export const letters = async (): Promise<CountTokens> => (text) => text.length;

export async function reportOf(out: string): Promise<AuditReport> {
  const walk = walkReport(out, letters);
  for (;;) {
    const { done, value } = await walk.next();
    if (done) return value;
  }
}
