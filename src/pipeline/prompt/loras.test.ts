import { expect, test } from "vitest";
import { takeTags } from "./loras.ts";

test.each([
  ["<lora:style>", { name: "style", textEncoder: 1, unet: 1 }],
  ["<lora:style:0.8>", { name: "style", textEncoder: 0.8, unet: 0.8 }],
  ["<lora:style:0.8:0.5>", { name: "style", textEncoder: 0.8, unet: 0.5 }],
  ["<lora:style:-1>", { name: "style", textEncoder: -1, unet: -1 }],
  ["<lora:style:unet=0.5>", { name: "style", textEncoder: 1, unet: 0.5 }],
  ["<lora:style:te=0.3:unet=0.5>", { name: "style", textEncoder: 0.3, unet: 0.5 }],
  ["<lora:style:te=0.3>", { name: "style", textEncoder: 0.3, unet: 0.3 }],
  ["<lyco:a b-c_d.v2:0.8>", { name: "a b-c_d.v2", textEncoder: 0.8, unet: 0.8 }],
])("%s", (prompt, lora) => expect(takeTags(prompt)).toEqual({ text: "", loras: [lora], warnings: [] }));

test("tags leave the text, in order; what is no tag stays", () => {
  const { text, loras, warnings } = takeTags("1girl, <lora:a:0.5>solo <lora:b:1>, > < <3 <lora:> <lora:c");
  expect(text).toBe("1girl, solo , > < <3 <lora:> <lora:c");
  expect(loras.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(warnings).toEqual([]);
});

test("what cannot be followed is said", () => {
  expect(takeTags("a <hypernet:x:1> b <lora:y:much> <lora:te=1>")).toEqual({
    text: "a  b  ",
    loras: [{ name: "y", textEncoder: 1, unet: 1 }],
    warnings: [
      "<hypernet:x:1>: only LoRAs can be asked for this way; the tag is left out.",
      '<lora:y:much>: "much" is not a number, 1 is taken.',
      "<lora:te=1> names no LoRA and is left out.",
    ],
  });
});

test("a megabyte of tags that never close takes its time in proportion", () => {
  const began = process.cpuUsage();
  takeTags("<lora:".repeat(160_000));
  takeTags(`${"<lora:".repeat(160_000)}>`);
  // CPU time; 10 ms where this was written; the square of the length would take minutes.
  expect(process.cpuUsage(began).user).toBeLessThan(3_000_000);
});
