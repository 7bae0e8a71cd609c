/** @file A balanced data set out of an audit, for programs: `for await (const event of balanceAudit({ audit, out })) …`. */

import type { BalanceControl, BalanceEvent, BalanceInput } from "./audit/balance.ts";

/**
 * Writes a data set's TOML, as kohya's sd-scripts and `train` read it, in which every image of a finished audit is repeated so often that
 * a measure is spread evenly over its range. No image is dropped, and none is repeated more than `most` times as often as before.
 *
 * @throws IllustriousError `bad_option`; `missing_file` where there is no audit; `bad_file` for a damaged one, and for one without images
 * that a data set can have; `write_failed`; `cancelled` after an abort, when files are as they were
 */
export async function* balanceAudit(
  input: BalanceInput,
  control: BalanceControl = {},
): AsyncGenerator<BalanceEvent, void> {
  const { runBalance } = await import("./audit/balance.ts");
  yield* runBalance(input, control);
}
