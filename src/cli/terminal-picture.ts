/**
 * @file Pictures inside a terminal: by Kitty's graphics protocol, by iTerm2's inline images, or, where neither is known to
 * work, as half blocks in colour. Which one is told from the environment alone; nothing is asked of the terminal.
 *
 * Protocols: https://sw.kovidgoyal.net/kitty/graphics-protocol/ and https://iterm2.com/documentation-images.html
 */

import { deflateSync } from "node:zlib";
import { encodePng, type RgbImage } from "../formats/png/index.ts";
import { hasColour } from "./colour.ts";
import type { Shell, Stream } from "./shell.ts";

export type PictureProtocol = "kitty" | "iterm2" | "blocks24" | "blocks8";

/** Text that draws on `rows` lines, from the first column, and leaves the cursor at the start of the line below. */
export type Block = { readonly text: string; readonly rows: number };

/** How this terminal shows pictures, if it does. */
export function pictureProtocol(stream: Stream, env: Shell["env"]): PictureProtocol | undefined {
  if (!stream.isTTY || !hasColour(stream, env)) return undefined;
  const program = env.TERM_PROGRAM ?? env.LC_TERMINAL ?? "";
  // Multiplexers swallow what they do not know themselves.
  const direct = env.TMUX === undefined && env.STY === undefined && env.ZELLIJ === undefined;
  if (direct && (env.KITTY_WINDOW_ID !== undefined || /kitty|ghostty/.test(env.TERM ?? ""))) return "kitty";
  if (direct && /^(ghostty|kitty)$/i.test(program)) return "kitty";
  if (direct && /^(iTerm\.app|iTerm2|WezTerm|mintty|rio)$/i.test(program)) return "iterm2";
  return /truecolor|24bit/.test(env.COLORTERM ?? "") ? "blocks24" : "blocks8";
}

/** Of a preview: large enough to see what it will be, small enough to leave the terminal's text in sight. */
const MAX_COLUMNS = 48;
const MAX_ROWS = 20;

/** A cell is about twice as high as wide, so that half of one is a square pixel. */
export function pictureBlock(image: RgbImage, protocol: PictureProtocol, stream: Stream): Block {
  const widest = Math.max(1, Math.min(MAX_COLUMNS, stream.columns - 1));
  const highest = Math.max(1, Math.min(MAX_ROWS, stream.rows - 3));
  const scale = Math.min(widest / image.width, (2 * highest) / image.height);
  const columns = Math.max(1, Math.round(image.width * scale));
  const rows = Math.max(1, Math.round((image.height * scale) / 2));
  switch (protocol) {
    case "kitty":
      return reserved(kittyImage(image, columns, rows), rows);
    case "iterm2":
      return reserved(itermImage(image, columns, rows), rows);
    case "blocks24":
      return { text: halfBlocks(image, columns, rows, trueColour), rows };
    case "blocks8":
      return { text: halfBlocks(image, columns, rows, paletteColour), rows };
  }
}

/** Scrolls until there are free lines, draws onto them, and goes below, wherever the drawing leaves the cursor. */
function reserved(drawing: string, rows: number): Block {
  return { text: `${"\n".repeat(rows)}\x1b[${rows}A\x1b7${drawing}\x1b8\x1b[${rows}B\r`, rows };
}

/** One number for all previews, so that each replaces the one before it. */
const KITTY_ID = 3535;
const KITTY_CHUNK = 4096;

function kittyImage({ width, height, rgb }: RgbImage, columns: number, rows: number): string {
  const data = deflateSync(rgb).toString("base64");
  const control = `a=T,f=24,o=z,s=${width},v=${height},c=${columns},r=${rows},i=${KITTY_ID},p=1,q=2`;
  let text = "";
  for (let at = 0; at < data.length; at += KITTY_CHUNK) {
    const more = at + KITTY_CHUNK < data.length ? 1 : 0;
    text += `\x1b_G${at === 0 ? `${control},` : ""}m=${more};${data.slice(at, at + KITTY_CHUNK)}\x1b\\`;
  }
  return text;
}

function itermImage(image: RgbImage, columns: number, rows: number): string {
  const png = Buffer.from(encodePng(image));
  const options = `inline=1;width=${columns};height=${rows};preserveAspectRatio=0;size=${png.length}`;
  return `\x1b]1337;File=${options}:${png.toString("base64")}\x07`;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Upper halves in the writing colour, lower halves in the background's. */
function halfBlocks(image: RgbImage, columns: number, rows: number, colour: (rgb: Rgb) => string): string {
  const pixels = shrunk(image, columns, 2 * rows);
  let text = "";
  for (let y = 0; y < 2 * rows; y += 2) {
    for (let x = 0; x < columns; x++) {
      text += `\x1b[38;${colour(pixels(x, y))};48;${colour(pixels(x, y + 1))}m▀`;
    }
    text += "\x1b[0m\n";
  }
  return text;
}

function trueColour([red, green, blue]: Rgb): string {
  return `2;${red};${green};${blue}`;
}

/** The cube of 6×6×6 colours that starts at 16 in the palette of 256. */
function paletteColour([red, green, blue]: Rgb): string {
  const six = (value: number) => Math.round((value / 255) * 5);
  return `5;${16 + 36 * six(red) + 6 * six(green) + six(blue)}`;
}

/** Each pixel is the mean of what it covers. */
function shrunk({ width, height, rgb }: RgbImage, columns: number, rows: number): (x: number, y: number) => Rgb {
  const span = (at: number, count: number, size: number) => {
    const from = Math.floor((at * size) / count);
    return [from, Math.max(from + 1, Math.floor(((at + 1) * size) / count))] as const;
  };
  return (x, y) => {
    const [left, right] = span(x, columns, width);
    const [top, bottom] = span(y, rows, height);
    const sum = [0, 0, 0];
    for (let v = top; v < bottom; v++) {
      for (let u = left; u < right; u++) for (let c = 0; c < 3; c++) sum[c]! += rgb[3 * (v * width + u) + c]!;
    }
    const area = (right - left) * (bottom - top);
    return sum.map((total) => Math.round(total / area)) as unknown as Rgb;
  };
}
