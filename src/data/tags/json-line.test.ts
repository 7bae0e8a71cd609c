/** @file Strings in JSON lines: found as a parser finds them, and changed without a byte beside them. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { insertTokens, LIST_SEPARATOR, removeInsertions } from "./caption-text.ts";
import { fieldText, rewriteField, stringFields } from "./json-line.ts";

test("an object's own strings are found as JSON.parse has them", () => {
  const line = String.raw`{"a":{"text":"in"},"te\u0078t":"x \" , }","n":[1,"text",{"text":2}],"text" : "last" ,"b":null}`;
  const fields = stringFields(line);
  expect([...fields.keys()]).toEqual(["text"]);
  expect([...stringFields('{"t":[],"u":["a",1],"v":["a",["b"]],"w":[{"x":"y"}]}').keys()]).toEqual([]);
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

test("what is put into a list of strings are strings of their own at their place; taken out, the line is as it was", () => {
  const texts = fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("dark", 'a "b"', " x\n", "n,")), {
    minLength: 1,
    maxLength: 5,
  });
  const separators = fc.constantFrom('","', '", "', '"\t ,\n"');
  const places = fc.record({ position: fc.constantFrom("start" as const, "end" as const), keepTokens: fc.nat(3) });
  fc.assert(
    fc.property(texts, separators, places, fc.boolean(), (list, parting, where, others) => {
      const spelt = list.map((one) => JSON.stringify(one).slice(1, -1)).join(parting);
      const line = `{"tags": [ "${spelt}" ],"o":[1]}`;
      const place = { ...where, separator: LIST_SEPARATOR };
      const span = () => stringFields(line).get("tags")!;
      const { insertions } = insertTokens(fieldText(line, span()), others ? ["sharp"] : ["zz", "very zz"], place);
      const written = rewriteField(line, span(), [], insertions);
      const at = where.position === "end" || list.length <= where.keepTokens ? list.length : where.keepTokens;
      const now = others ? ["sharp"] : ["zz", "very zz"];
      if (insertions.length === 1 && list.join("") !== "") {
        expect(JSON.parse(written)).toEqual({ tags: list.toSpliced(at, 0, ...now), o: [1] });
      }
      const again = stringFields(written).get("tags")!;
      expect(rewriteField(written, again, insertions, [])).toBe(line);
      const base = removeInsertions(fieldText(written, again), insertions);
      expect(insertTokens(base, now, place)).toEqual({ text: fieldText(written, again), insertions });
    }),
  );
});
