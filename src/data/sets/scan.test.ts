import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchesOf } from "./epochs.ts";
import { captionFor, loadImage } from "./examples.ts";
import { folderConfig } from "./folder-config.ts";
import { scanned } from "./scan.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sets-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Writes files of a set: pictures given as sides and a colour, anything else as text. */
async function write(files: Record<string, string | [width: number, height: number, colour?: string]>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await writeFile(path, content);
    else {
      const [width, height, background = "red"] = content;
      await sharp({ create: { width, height, channels: 3, background } }).toFile(path);
    }
  }
}

test("a folder with captions beside its images, from names to pixels", async () => {
  await write({
    "plain/b.png": [128, 128],
    "plain/a.jpg": [300, 100, "#00ff00"],
    "plain/a.txt": "a wide green field, \nsecond line",
    "plain/b.caption": "a red square",
    "plain/b.txt": "not this one",
    "plain/notes.md": "no image",
    "plain/.hidden.png": "hidden",
  });
  const set = await scanned(
    await folderConfig(join(root, "plain"), { resolution: 128, bucket_reso_steps: 16, batch_size: 4 }),
  );
  expect(set.items.map(({ image, bucket }) => [image.key, image.caption, bucket.width, bucket.height])).toEqual([
    ["a.jpg", "a wide green field,", 208, 64],
    ["b.png", "a red square", 128, 128],
  ]);
  const batches = batchesOf(set, { seed: 1, epoch: 0 });
  expect(batches.map(({ examples }) => examples.length)).toEqual([1, 1]);
  const wide = batches.find(({ bucket }) => bucket.width === 208)!;
  const moment = { seed: 1, epoch: 0 };
  expect(captionFor(wide.examples[0]!, moment)).toBe("a wide green field,");
  const loaded = await loadImage(wide.examples[0]!, moment);
  // 300 x 100 covers 208 x 64 at 208 x 69.3.
  expect(loaded.sizes).toEqual({
    originalHeight: 100,
    originalWidth: 300,
    cropTop: 2,
    cropLeft: 0,
    targetHeight: 64,
    targetWidth: 208,
  });
  expect(loaded.rgb.length).toBe(3 * 208 * 64);
  // JPEG keeps a flat colour to within its rounding.
  for (const [channel, value] of [0, 255, 0].entries())
    expect(Math.abs(loaded.rgb[channel]! - value)).toBeLessThanOrEqual(2);
});
