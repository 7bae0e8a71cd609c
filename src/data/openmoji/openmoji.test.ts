/** @file The emoji's colours, recolouring, captions and held-out pairs, on a small package of the same form drawn here. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COLOUR_NAMES, type ColourName, dominantColour, rgbNumber, SHADES } from "./colour-names.ts";
import { countColours, type Emoji, readEmoji, recoloured, renderEmoji } from "./emoji.ts";
import { planSet, says } from "./plan.ts";
import { type Question, writeEmojiSet } from "./write-set.ts";

/** As OpenMoji draws: flat, shaded on one side, something small in another colour, black lines two units wide. */
const drawing = (main: string, other: string, small: string) =>
  `<svg viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg"><circle cx="36" cy="36" r="26" fill="${main}"/>
  <path d="M48 13 A26 26 0 0 1 48 59 Z" fill="${other.toUpperCase()}"/><rect x="26" y="30" width="12" height="9" fill="${small}"/>
  <circle cx="36" cy="36" r="26" fill="none" stroke="#000" stroke-width="2"/></svg>`;

const OF_TWO = ["ball", "cup", "box", "kite", "lamp", "drum", "door", "boat", "hat", "coat", "leaf", "fish"];

let folder: string;
const entries: object[] = [];

async function add(annotation: string, colour: ColourName, group = "objects") {
  const hexcode = (0x1f000 + entries.length).toString(16).toUpperCase();
  const small = SHADES[COLOUR_NAMES[(COLOUR_NAMES.indexOf(colour) + 3) % 8]!][0];
  const tags = "round, red, thing";
  entries.push({ hexcode, group, subgroups: "any", annotation, tags, openmoji_tags: "", skintone: "" });
  const [main, other] = SHADES[colour];
  await writeFile(join(folder, "color/svg", `${hexcode}.svg`), drawing(other, main, small));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "openmoji-test-"));
  await mkdir(join(folder, "color/svg"), { recursive: true });
  await mkdir(join(folder, "data"));
  for (const [i, name] of OF_TWO.entries()) await add(name, COLOUR_NAMES[i % 8]!);
  for (const colour of ["red", "green", "blue", "purple", "brown"] as const) await add(`${colour} heart`, colour);
  await add("cup with lid", "green");
  await add("blue pear", "green");
  await add("person in suit", "red", "people-body");
  await writeFile(join(folder, "data/openmoji.json"), JSON.stringify(entries));
});
afterAll(() => rm(folder, { recursive: true }));

const plain = (shade: string, side = 8) => {
  const rgb = rgbNumber(shade);
  const pixel = [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
  return { width: side, height: side, rgb: Uint8Array.from({ length: 3 * side * side }, (_, i) => pixel[i % 3]!) };
};

test.each(COLOUR_NAMES)("every shade of %s is named so, and greys are not named", (name) => {
  for (const shade of SHADES[name]) expect(dominantColour(plain(shade)).name).toBe(name);
  for (const grey of ["#000000", "#808080", "#ffffff"]) expect(dominantColour(plain(grey)).name).toBeUndefined();
});

test("what is chosen has one colour, a name that does not contradict it, and is no person", async () => {
  const emoji = await readEmoji(folder);
  expect(emoji.map(({ name }) => name)).toEqual([
    ...OF_TWO,
    ..."x".repeat(5).replaceAll("x", "heart ").trim().split(" "),
    "cup with lid",
  ]);
  for (const { tags } of emoji) expect(tags).toEqual(["round", "thing"]);
});

test("the judge reads the true colour, also of small and blurred pictures, and others at chance", async () => {
  const emoji = await readEmoji(folder);
  const plan = planSet(emoji, { heldOut: 1, recolours: 6 });
  const pictures = [...plan.training, ...plan.heldOut];
  let right = 0;
  let shifted = 0;
  for (const [i, { svg, colour }] of pictures.entries()) {
    const raw = await renderEmoji(svg, i % 2 === 0 ? 128 : 64);
    const soft = await sharp(raw.rgb, { raw: { ...raw, channels: 3 } })
      .blur(1.5)
      .raw()
      .toBuffer();
    const seen = dominantColour({ ...raw, rgb: new Uint8Array(soft) }).name;
    if (seen === colour) right++;
    if (seen === pictures[(i * 7 + 3) % pictures.length]!.colour) shifted++;
  }
  expect(right / pictures.length).toBeGreaterThanOrEqual(0.95);
  // One in eight of about a hundred, with three standard deviations of room.
  expect(Math.abs(shifted / pictures.length - 1 / 8)).toBeLessThan(0.1);
});

test("recolouring leaves nothing of the old colour and counts as the new one", async () => {
  for (const it of (await readEmoji(folder)).slice(0, 8)) {
    for (const to of COLOUR_NAMES.filter((name) => name !== it.colour)) {
      const { counted, shade } = await countColours(recoloured(it, to));
      expect(counted.name).toBe(to);
      expect(shade).toBe(SHADES[to][0]);
      expect(counted.shares[it.colour]).toBe(0);
    }
  }
});

test("no caption has a held-out pair's words, whose name and colour occur apart", async () => {
  const out = join(folder, "set");
  for await (const _ of writeEmojiSet(folder, out, { size: 32, heldOut: 1 }));
  const questions: Question[] = JSON.parse(await readFile(join(out, "held-out.json"), "utf8"));
  const files = (await readdir(join(out, "train"))).filter((name) => name.endsWith(".txt"));
  const captions = await Promise.all(files.map((name) => readFile(join(out, "train", name), "utf8")));
  // One of each colour, and two of the family of hearts.
  expect(questions.length).toBe(10);
  for (const { name, colour, prompt, picture } of questions) {
    expect(says(prompt, name) && says(prompt, colour)).toBe(true);
    expect(captions.some((text) => says(text, name) && says(text, colour))).toBe(false);
    expect(captions.some((text) => says(text, name))).toBe(true);
    expect(captions.some((text) => says(text, colour))).toBe(true);
    expect((await sharp(join(out, picture)).metadata()).width).toBe(32);
  }
});

test("a folder that is not the package is refused", async () => {
  await expect(readEmoji(join(folder, "data"))).rejects.toMatchObject({ code: "missing_file" });
});

test("says finds whole words", () => {
  expect(says("A purple heart, emoji", "heart")).toBe(true);
  expect(says("purple hearts", "heart")).toBe(false);
});

test("a set is the same whatever order its emoji come in", async () => {
  const emoji: Emoji[] = await readEmoji(folder);
  const pairs = (plan: ReturnType<typeof planSet>) =>
    plan.heldOut.map(({ name, colour }) => `${colour} ${name}`).sort();
  const singles = emoji.slice(0, 12);
  expect(pairs(planSet([...singles].reverse()))).toEqual(pairs(planSet(singles)));
});
