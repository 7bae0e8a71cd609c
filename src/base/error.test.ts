import { expect, test } from "vitest";
import { IllustriousError, internalError } from "./error.ts";

test("an error is an Error with a code, and perhaps a way out and a cause", () => {
  const cause = new Error("disk");
  const error = new IllustriousError("write_failed", "a.png: cannot be written", "Free some space.", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "IllustriousError", code: "write_failed", hint: "Free some space.", cause });
  expect(String(error)).toBe("IllustriousError: a.png: cannot be written");
  expect(new IllustriousError("cancelled", "stopped").hint).toBeUndefined();
});

test("our own mistakes are said to be ours", () => {
  const message = "internal: two and two are five";
  expect(internalError("two and two are five")).toMatchObject({
    code: "internal",
    message,
    hint: expect.stringContaining("bug"),
  });
});
