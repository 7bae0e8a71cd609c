/** @file Strings in JSON lines: found as a parser finds them, and changed without a byte beside them. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { insertTokens } from "./caption-text.ts";
import { rewriteField, stringFields } from "./json-line.ts";

test("an object's own strings are found as JSON.parse has them", () => {
  const line = String.raw`{"a":{"text":"in"},"te\u0078t":"x \" , }","n":[1,"text",{"text":2}],"text" : "last" ,"b":null}`;
  const fields = stringFields(line);
  expect([...fields.keys()]).toEqual(["text"]);
  const { from, to } = fields.get("text")!;
  expect(line.slice(from, to)).toBe("last");
  expect([...stringFields('{"text":"x","text":3}').keys()]).toEqual([]);
});

const place = { position: "end", separator: ", ", keepTokens: 0 } as const;
/** JSON with other spellings of the same characters. */
const spelled = (text: string, escaped: boolean) =>
  JSON.stringify(text).replace(/[a-zé]/g, (c) => (escaped ? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}` : c));

test("what is put into a string is there, and taken out, the line is as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), fc.boolean(), (caption, other, escaped) => {
      // Escapes of JSON itself, such as \n, are not spelled anew.
      fc.pre(!escaped || !JSON.stringify(caption).includes("\\"));
      const line = ` {"o":${JSON.stringify(other)} ,"text": ${spelled(caption, escaped)}}\r\n`;
      const { text, insertions } = insertTokens(caption, ["dark", 'a "b"'], place);
      const written = rewriteField(line, stringFields(line).get("text")!, [], insertions);
      expect(JSON.parse(written)).toEqual({ o: other, text });
      expect(rewriteField(written, stringFields(written).get("text")!, insertions, [])).toBe(line);
    }),
  );
});
