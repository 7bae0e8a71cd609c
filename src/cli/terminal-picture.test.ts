/** @file Pictures for terminals, decoded again by the rules of each protocol. */

// biome-ignore-all lint/suspicious/noControlCharactersInRegex: terminals are steered by control characters

import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import sharp from "sharp";
import { expect, test } from "vitest";
import { fakeShell, screen } from "../../test/cli/fake-shell.ts";
import { pictureBlock, pictureProtocol } from "./terminal-picture.ts";

const WIDTH = 96;
const HEIGHT = 128;
/** Nothing to compress. */
const rgb = new Uint8Array(
  createHash("shake256", { outputLength: 3 * WIDTH * HEIGHT })
    .update("x")
    .digest(),
);
const image = { width: WIDTH, height: HEIGHT, rgb };
const { stderr } = fakeShell({ isTTY: true, columns: 80, rows: 24 });

test.each([
  [{ KITTY_WINDOW_ID: "1" }, "kitty"],
  [{ TERM: "xterm-ghostty" }, "kitty"],
  [{ TERM_PROGRAM: "WezTerm", COLORTERM: "truecolor" }, "iterm2"],
  [{ LC_TERMINAL: "iTerm2" }, "iterm2"],
  [{ KITTY_WINDOW_ID: "1", TMUX: "/tmp/x", COLORTERM: "truecolor" }, "blocks24"],
  [{ COLORTERM: "24bit" }, "blocks24"],
  [{ TERM: "xterm-256color" }, "blocks8"],
  [{ TERM: "dumb" }, undefined],
  [{ NO_COLOR: "1", COLORTERM: "truecolor" }, undefined],
])("%j shows pictures by %s", (env, protocol) => {
  expect(pictureProtocol(fakeShell({ isTTY: true }).stderr, env)).toBe(protocol);
  expect(pictureProtocol(fakeShell({ isTTY: false }).stderr, env)).toBeUndefined();
});

test("kitty: chunks of at most 4096 letters that inflate to the pixels", () => {
  const { text, rows } = pictureBlock(image, "kitty", stderr);
  const commands = [...text.matchAll(/\x1b_G([^;]*);([^\x1b]*)\x1b\\/g)];
  expect(commands.length).toBeGreaterThan(2);
  const first = new Map(commands[0]![1]!.split(",").map((pair) => pair.split("=") as [string, string]));
  expect(Object.fromEntries(first)).toMatchObject({
    a: "T",
    f: "24",
    o: "z",
    s: "96",
    v: "128",
    c: "30",
    r: String(rows),
  });
  expect(commands.map(([, control]) => /m=(\d)/.exec(control!)![1])).toEqual([
    ...commands.slice(1).map(() => "1"),
    "0",
  ]);
  for (const [, , data] of commands) expect(data!.length).toBeLessThanOrEqual(4096);
  expect(new Uint8Array(inflateSync(Buffer.from(commands.map(([, , data]) => data).join(""), "base64")))).toEqual(rgb);
});

test("iTerm2: a PNG of the pixels, of the size that is stated", async () => {
  const { text, rows } = pictureBlock(image, "iterm2", stderr);
  const [, options, data] = /\x1b\]1337;File=([^:]*):([^\x07]*)\x07/.exec(text)!;
  const png = Buffer.from(data!, "base64");
  expect(options).toBe(`inline=1;width=30;height=${rows};preserveAspectRatio=0;size=${png.length}`);
  expect(new Uint8Array(await sharp(png).raw().toBuffer())).toEqual(rgb);
});

test.each(["kitty", "iterm2", "blocks24", "blocks8"] as const)(
  "%s takes the rows that it says, and ends below them",
  (protocol) => {
    const block = pictureBlock(image, protocol, stderr);
    expect(block.rows).toBe(20);
    const lines = screen(`before\n${block.text}after`);
    expect(lines).toHaveLength(22);
    expect([lines[0], lines[21]]).toEqual(["before", "after"]);
    expect(lines.slice(1, 21).join("")).not.toBe("");
  },
);

test("half blocks: two pixels a cell, means of what they cover", () => {
  // Left black, right white; above dark, below bright.
  const two = Uint8Array.from({ length: 3 * 16 }, (_, i) => (Math.floor(i / 3) % 4 < 2 ? 0 : 200) + (i >= 24 ? 55 : 0));
  const small = fakeShell({ isTTY: true, columns: 3, rows: 24 }).stderr;
  const { text } = pictureBlock({ width: 4, height: 4, rgb: two }, "blocks24", small);
  expect(text).toBe("\x1b[38;2;0;0;0;48;2;55;55;55m▀\x1b[38;2;200;200;200;48;2;255;255;255m▀\x1b[0m\n");
  const palette = pictureBlock({ width: 4, height: 4, rgb: two }, "blocks8", small).text;
  // 16 + 36 r + 6 g + b in a cube of six.
  expect(palette).toBe("\x1b[38;5;16;48;5;59m▀\x1b[38;5;188;48;5;231m▀\x1b[0m\n");
});

test("shapes are kept within the terminal", () => {
  const wide = { width: 64, height: 8, rgb: new Uint8Array(3 * 64 * 8) };
  const tiny = fakeShell({ isTTY: true, columns: 21, rows: 5 }).stderr;
  for (const [picture, stream] of [
    [wide, stderr],
    [image, tiny],
    [wide, tiny],
  ] as const) {
    const { text, rows } = pictureBlock(picture, "blocks24", stream);
    const width = Math.max(...screen(text).map((line) => line.length));
    expect(rows).toBeLessThanOrEqual(stream.rows - 3);
    expect(width).toBeLessThan(stream.columns);
    // Within half a cell each way.
    expect(Math.abs(width / (2 * rows) - picture.width / picture.height)).toBeLessThan(
      (2 * picture.width) / picture.height,
    );
  }
});
