/** @file Data sets as kohya's sd-scripts itself reads them: `scripts/goldens/kohya_dataset.py` asked it. */

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDatasetConfig } from "./dataset-config.ts";
import { captionFor } from "./examples.ts";
import { scanned } from "./scan.ts";

type Golden = {
  images: { name: string; width: number; height: number; caption: string | null }[];
  configs: Record<
    string,
    {
      options: string;
      images: { path: string; repeats: number; caption: string; bucket: number[]; resized: number[] }[];
    }
  >;
};

const golden = JSON.parse(
  gunzipSync(readFileSync(new URL("../../../test/fixtures/kohya-dataset.json.gz", import.meta.url))).toString(),
) as Golden;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kohya-"));
  await Promise.all(["a", "b"].map((folder) => mkdir(join(root, folder))));
  for (const { name, width, height, caption } of golden.images) {
    const picture = sharp({ create: { width, height, channels: 3, background: "grey" } });
    await picture.png({ compressionLevel: 1 }).toFile(join(root, name));
    if (caption !== null) await writeFile(join(root, name.replace(".png", ".txt")), caption);
  }
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

test.each(Object.entries(golden.configs))("%s", async (_name, { options, images }) => {
  const subsets = ['image_dir = "a"\nnum_repeats = 3', 'image_dir = "b"\nclass_tokens = "grey thing"'];
  const head = ["[general]", 'caption_extension = ".txt"', "[[datasets]]", options, "batch_size = 2"];
  const file = join(root, "set.toml");
  await writeFile(file, [...head, ...subsets.map((subset) => `[[datasets.subsets]]\n${subset}`)].join("\n"));
  const { items } = await scanned(await readDatasetConfig(file));
  const ours = items.map((item) => ({
    path: item.image.key,
    repeats: item.image.repeats,
    caption: captionFor({ item, repeat: 0 }, { seed: 1, epoch: 0 }),
    bucket: [item.bucket.width, item.bucket.height],
    resized: [item.resized.width, item.resized.height],
  }));
  // Sides below 64 pixels, which SDXL has never seen, are left out and told.
  const theirs = images.filter(({ bucket }) => Math.min(...bucket) >= 64);
  expect(ours).toEqual(
    theirs.map(({ path, repeats, caption, bucket, resized }) => ({ path, repeats, caption, bucket, resized })),
  );
});
