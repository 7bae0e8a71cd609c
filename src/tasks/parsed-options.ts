/** @file What a task is asked, checked against its schema. */

import type { z } from "zod";
import { IllustriousError } from "../base/error.ts";

/** Of what stands beside the options: a mistake of programs without types. @throws IllustriousError `bad_option` */
export function checkControl(control: unknown): void {
  if (typeof control === "object" && control !== null) return;
  const message = `control: ${control === null ? "null" : `a ${typeof control}`}: must be an object`;
  throw new IllustriousError("bad_option", message, "Leave it out, or give an object such as { signal }.");
}

/**
 * @param hint the way out, such as the command whose help lists what is allowed
 * @throws IllustriousError `bad_option` that names every field at fault
 */
export function parsedOptions<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  hint: string,
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "options"}: ${message}`);
  throw new IllustriousError("bad_option", faults.join("; "), hint);
}
