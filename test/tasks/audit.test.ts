/** @file Audits from end to end, with real decoding processes: what the table says, and that no accident changes it. */

import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import sharp from "sharp";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { measureColours } from "../../src/colour/index.ts";
import { renderScene, sceneAt } from "../../src/data/scenes/index.ts";
import { type AuditControl, type AuditEvent, type AuditInput, audit, auditReport } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);

let root = "";
let set = "";
/** Of an undisturbed run: what it told, and its files. */
let events: AuditEvent[] = [];
let first: Map<string, string>;
const IMAGES = 23;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "audit-"));
  set = join(root, "set");
  await mkdir(join(set, "more 'quotes\" 初音🎨"), { recursive: true });
  for (let seed = 0; seed < 16; seed++) {
    const { width, height, rgb } = await renderScene(sceneAt(seed, { tones: "none" }), { width: 96, height: 64 });
    const picture = sharp(Buffer.from(rgb), { raw: { width, height, channels: 3 } });
    const name = join(set, seed % 2 === 0 ? "" : "more 'quotes\" 初音🎨", `${String(seed).padStart(2, "0")}\n.`);
    await writeFile(
      `${name}${seed % 3 === 0 ? "jpg" : "png"}`,
      await (seed % 3 === 0 ? picture.jpeg() : picture.png()).toBuffer(),
    );
    await writeFile(`${name}txt`, `scene "${seed}"\nsecond line`);
  }
  const copy = await readFile(join(set, "02\n.png"));
  await writeFile(join(set, "copy.png"), copy);
  await writeFile(join(set, "again.webp"), await sharp(copy).webp({ quality: 90 }).toBuffer());
  await writeFile(join(set, "white.png"), await flat("white"));
  await writeFile(join(set, "broken.png"), copy.subarray(0, copy.length - 90));
  await writeFile(join(set, "text.jpg"), "not a picture");
  const archive = pack();
  archive.entry({ name: "in/a.b.png" }, await flat("black"));
  archive.entry({ name: "in/a.txt" }, "in an archive");
  archive.entry({ name: "in/link.png", type: "symlink", linkname: "/etc/passwd" });
  archive.entry({ name: "in/copy.png" }, copy);
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  await writeFile(join(set, "z.tar"), Buffer.concat(pieces));
  events = await run({ out: join(root, "first") });
  first = await filesOf(join(root, "first"));
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

function flat(background: string): Promise<Buffer> {
  return sharp({ create: { width: 20, height: 10, channels: 3, background } })
    .png()
    .toBuffer();
}

async function run(input: Partial<AuditInput> & { out: string }, control: AuditControl = {}): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  const whole = { paths: [set], workers: 2, workingSide: 48, shard: 5, ...input };
  for await (const event of audit(whole, { entry, ...control })) events.push(event);
  return events;
}

const done = (events: readonly AuditEvent[]) => {
  const last = events.at(-1)!;
  if (last.type !== "done") throw new Error(`ended with ${last.type}`);
  return last;
};

/** All rows, by another package than wrote them. */
async function rowsOf(out: string): Promise<Record<string, unknown>[]> {
  const names = (await readdir(join(out, "table"))).filter((name) => name.startsWith("rows-")).sort();
  const rows: Record<string, unknown>[] = [];
  for (const name of names) rows.push(...(await tableOf(join(out, "table", name))));
  return rows;
}

async function tableOf(path: string): Promise<Record<string, unknown>[]> {
  const bytes = await readFile(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  expect(parquetMetadata(file).row_groups.length).toBe(1);
  return parquetReadObjects({ file });
}

test("figures are those of the table's own rows", async () => {
  const figures = join(root, "first/table/figures.json");
  const text = await readFile(figures, "utf8");
  expect(JSON.parse(text).counts).toMatchObject({ images: IMAGES, measured: IMAGES - 2 });
  await rm(figures);
  for await (const _ of auditReport({ audit: join(root, "first") }));
  expect(await readFile(figures, "utf8")).toBe(text);
});

test("a set's table: a row an image, in order, with what each is", async () => {
  const out = join(root, "first");
  expect(done(events)).toMatchObject({ images: IMAGES, kept: 0, errors: 2, groups: 2, grouped: 6 });
  expect(events.filter(({ type }) => type === "shard")).toHaveLength(5);
  expect(events.find(({ type }) => type === "found")).toMatchObject({ images: 21, archives: 1 });
  const rows = await rowsOf(out);
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: IMAGES }, (_, i) => i));
  const named = new Map(
    rows.map((row) => [`${row.source}`.slice(set.length + 1) + (row.member ? `:${row.member}` : ""), row]),
  );
  expect(named.size).toBe(IMAGES);

  const path = join(set, "02\n.png");
  const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
  const measures = measureColours({ width: info.width, height: info.height, rgb: data }, 48);
  const row = named.get("02\n.png")!;
  expect(row).toMatchObject({
    ...{
      source: path,
      format: "png",
      width: 96,
      height: 64,
      channels: 3,
      greyscale: false,
      has_alpha: false,
      frames: 1,
    },
    ...{ bytes: BigInt((await stat(path)).size), mtime_ms: (await stat(path)).mtimeMs, repeats: 1 },
    ...{ contrast: measures.contrast, brightness: measures.brightness, sharpness: measures.sharpness },
    ...{ dynamic_colours: measures.dynamicColours, colourfulness: measures.colourfulness },
    ...{ saturation: measures.saturation, saturation_deviation: measures.saturationDeviation },
    ...{ white_share: measures.whiteShare, clipped_low_share: measures.clippedLowShare },
    ...{ hues: measures.hues.map(Math.fround), caption: 'scene "2"\nsecond line' },
    sha256: createHash("sha256")
      .update(await readFile(path))
      .digest("hex"),
  });
  expect(named.get("more 'quotes\" 初音🎨/03\n.jpg")).toMatchObject({
    format: "jpeg",
    caption: 'scene "3"\nsecond line',
  });
  expect(named.get("white.png")).toMatchObject({ white_share: 1, greyscale: true, colourful: false });
  expect(named.get("broken.png")).toMatchObject({ error: "broken", format: "png", width: 96 });
  expect(named.get("text.jpg")).toMatchObject({ error: "not_a_picture" });
  expect(named.get("z.tar:in/a.b.png")).toMatchObject({ black_share: 1, caption: "in an archive", member_number: 0 });
  expect(named.get("z.tar:in/copy.png")!.sha256).toBe(row.sha256);
  expect(named.has("z.tar:in/link.png")).toBe(false);

  const near = await tableOf(join(out, "table/near-duplicates.parquet"));
  const idOf = (name: string) => Number(named.get(name)!.id);
  const group = idOf("02\n.png");
  // Scenes 9 and 12 are nobody before one and the same plain ground: flat, so equal by their bytes only.
  const plain = idOf("more 'quotes\" 初音🎨/09\n.jpg");
  expect(near).toEqual(
    [
      { id: idOf("12\n.jpg"), group: Math.min(idOf("12\n.jpg"), plain), distance: null, same_file: true },
      { id: plain, group: Math.min(idOf("12\n.jpg"), plain), distance: null, same_file: true },
      { id: group, group, distance: 0, same_file: true },
      { id: idOf("again.webp"), group, distance: expect.any(Number), same_file: false },
      { id: idOf("copy.png"), group, distance: 0, same_file: true },
      { id: idOf("z.tar:in/copy.png"), group, distance: 0, same_file: true },
    ].sort((a, b) => Number(a.id) - Number(b.id)),
  );
  const manifest = JSON.parse(await readFile(join(out, "table/manifest.json"), "utf8"));
  expect(manifest).toMatchObject({
    complete: true,
    images: IMAGES,
    errors: 2,
    shards: 5,
    settings: { workingSide: 48 },
  });
  expect((await readdir(out)).sort()).toEqual(["table"]);
});

test("stopped while it looks for near-duplicates: all that was measured is kept", async () => {
  const out = join(root, "searching");
  const stop = new AbortController();
  const running = (async () => {
    const whole = { paths: [set], out, workers: 2, workingSide: 48, shard: 5 };
    for await (const event of audit(whole, { entry, signal: stop.signal })) if (event.type === "stage") stop.abort();
  })();
  await expect(running).rejects.toMatchObject({ code: "cancelled" });
  expect(await readdir(out)).not.toContain("table");
  const nothing = new URL("file:///nowhere/decoder.js");
  expect(done(await run({ out }, { entry: nothing }))).toMatchObject({ images: IMAGES, kept: IMAGES });
  expect(await filesOf(out)).toEqual(first);
});

test("again, nothing is decoded; what has changed is", async () => {
  const out = join(root, "again");
  await cp(join(root, "first"), out, { recursive: true });
  // A decoder that cannot start would end the audit, were it asked.
  const nothing = new URL("file:///nowhere/decoder.js");
  expect(done(await run({ out }, { entry: nothing }))).toMatchObject({ images: IMAGES, kept: IMAGES, errors: 2 });
  expect(await filesOf(out)).toEqual(first);

  const own = join(root, "changing");
  await cp(set, own, { recursive: true, preserveTimestamps: true });
  const changed = join(root, "changed");
  await run({ out: changed, paths: [own] });
  await writeFile(join(own, "04\n.png"), await flat("red"));
  await writeFile(join(own, "0 new.png"), await flat("blue"));
  await writeFile(join(own, "06\n.txt"), "another caption");
  await rm(join(own, "copy.png"));
  await utimes(join(own, "white.png"), 1, 1);
  const events = await run({ out: changed, paths: [own] });
  expect(done(events)).toMatchObject({ images: IMAGES, kept: IMAGES - 3 });
  const fresh = join(root, "fresh");
  await run({ out: fresh, paths: [own] });
  expect(await filesOf(changed)).toEqual(await filesOf(fresh));
  expect((await rowsOf(changed)).find(({ source }) => source === join(own, "06\n.jpg"))).toMatchObject({
    caption: "another caption",
  });
});

test("stopped at any moment and started again, the table is as if nothing had been", async () => {
  const out = join(root, "stopped");
  let kept = 0;
  for (let stops = 0; ; stops++) {
    const stop = new AbortController();
    const events: AuditEvent[] = [];
    try {
      let measured = 0;
      for await (const event of audit(
        { paths: [set], workers: 1, workingSide: 48, shard: 5, out },
        { entry, signal: stop.signal },
      )) {
        events.push(event);
        // Progress is told a few times a second, which a fast machine may be done in; shards are always told.
        if (event.type === "shard" && stops < 2) stop.abort();
        if (event.type === "progress" && event.images - event.kept > measured) {
          measured = event.images - event.kept;
          if (measured >= 2) stop.abort();
        }
      }
      expect(stops).toBeGreaterThan(0);
      kept = done(events).kept;
      break;
    } catch (error) {
      expect(error).toMatchObject({ code: "cancelled" });
      const left = (await readdir(join(out, "table.next"))).filter((name) => name.endsWith(".tmp"));
      expect(left).toEqual([]);
    }
  }
  expect(kept).toBeGreaterThan(0);
  expect(await filesOf(out)).toEqual(first);
});

test("a decoder that is killed in the middle costs no row", async () => {
  const out = join(root, "killed");
  const killed = new Set<number>();
  for await (const event of audit({ paths: [set], workers: 2, workingSide: 48, shard: 5, out }, { entry })) {
    if (event.type !== "shard") continue;
    for (const pid of await childrenOf(process.pid)) {
      // Three that end before they begin with a file would end the audit, and these may not have begun.
      if (killed.size < 2) process.kill(pid, "SIGKILL");
      killed.add(pid);
    }
  }
  // Others took their place.
  expect(killed.size).toBeGreaterThan(2);
  expect(await filesOf(out)).toEqual(first);
});

async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    const status = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    if (command.includes("decoder-main") && Number(status.split(") ")[1]?.split(" ")[1]) === parent)
      found.push(Number(name));
  }
  return found;
}

test("what is left out is told: archives that nothing reads, and what trainers do not repeat", async () => {
  const paths = [join(root, "partly")];
  await mkdir(join(paths[0]!, "0_never"), { recursive: true });
  await writeFile(
    join(paths[0]!, "0_never/a.jfif"),
    await sharp(await flat("red"))
      .jpeg()
      .toBuffer(),
  );
  for (const name of ["b.tar.zst", "c.zip"]) await writeFile(join(paths[0]!, name), "");
  const events = await run({ out: join(root, "partly-audit"), paths });
  expect(events.filter(({ type }) => type === "warning")).toEqual([
    { type: "warning", message: `${paths[0]}/b.tar.zst and 1 more like it: not read`, hint: expect.any(String) },
    { type: "warning", message: `${paths[0]}/0_never/a.jfif: 0 repeats`, hint: expect.any(String) },
  ]);
  expect(done(events)).toMatchObject({ images: 1, errors: 0 });
  expect(await rowsOf(join(root, "partly-audit"))).toMatchObject([{ repeats: 0, caption: "never", format: "jpeg" }]);
  await rm(join(paths[0]!, "0_never"), { recursive: true });
  await expect(run({ out: join(root, "nothing"), paths })).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringContaining("no images but in"),
    hint: expect.stringContaining(".tar.gz"),
  });
});

test("what a folder's metadata.jsonl does not name is told with its number", async () => {
  const folder = join(root, "named");
  await mkdir(folder);
  for (const name of ["010.png", "011.png", "012.png"]) await writeFile(join(folder, name), await flat("red"));
  await writeFile(join(folder, "metadata.jsonl"), '{"file_name":"010.png"}\nbroken\n');
  const events = await run({ out: join(root, "named-audit"), paths: [folder] });
  expect(done(events)).toMatchObject({ images: 1, errors: 0, badSources: 1 });
  const left = `2 images there not named and left out, such as ${join(folder, "011.png")}`;
  expect(events.filter(({ type }) => type === "warning")).toEqual([
    { type: "warning", message: `${join(folder, "metadata.jsonl")}: ${left}`, hint: expect.any(String) },
  ]);
});

test("settings and paths that do not fit the audit that is there are refused, with the way out", async () => {
  const out = join(root, "first");
  await expect(run({ out, workingSide: 64 })).rejects.toMatchObject({
    code: "bad_option",
    message: expect.stringContaining("48"),
  });
  await expect(run({ out, paths: [root] })).rejects.toMatchObject({
    code: "bad_option",
    message: expect.stringContaining(set),
  });
  await expect(run({ out: join(root, "x"), paths: [join(root, "nowhere")] })).rejects.toMatchObject({
    code: "missing_file",
  });
  await mkdir(join(root, "empty"));
  await expect(run({ out: join(root, "x"), paths: [join(root, "empty")] })).rejects.toMatchObject({ code: "bad_file" });
  await expect(run({ out: join(root, "x"), shard: 0 })).rejects.toMatchObject({ code: "bad_option" });
  expect(await filesOf(out)).toEqual(first);
  expect(await readdir(root)).not.toContain("x");
});

test("decoders that never start end the audit, and no image is blamed", async () => {
  const out = join(root, "no-decoder");
  const nothing = new URL("file:///nowhere/decoder.js");
  await expect(run({ out }, { entry: nothing })).rejects.toMatchObject({ code: "engine_failed" });
});

test("a run that was killed between its last two steps is finished by the next", async () => {
  const out = join(root, "between");
  await cp(join(root, "first/table"), join(out, "table.next"), { recursive: true });
  await mkdir(join(out, "table.old"));
  await writeFile(join(out, "table.old/rows-00000.parquet"), "of before");
  const nothing = new URL("file:///nowhere/decoder.js");
  expect(done(await run({ out }, { entry: nothing }))).toMatchObject({ kept: IMAGES });
  expect(await filesOf(out)).toEqual(first);
});

test("a damaged shard is told, and its images are measured again", async () => {
  const out = join(root, "damaged");
  await cp(join(root, "first"), out, { recursive: true });
  await writeFile(join(out, "table/rows-00001.parquet"), "damaged");
  const events = await run({ out });
  expect(events.find(({ type }) => type === "warning")).toMatchObject({
    message: expect.stringContaining("rows-00001"),
  });
  expect(done(events)).toMatchObject({ kept: IMAGES - 5 });
  expect(await filesOf(out)).toEqual(first);
});

test("of two audits into one folder at once, the second is refused, naming the first", async () => {
  const out = join(root, "twice");
  const [one, two] = await Promise.allSettled([run({ out }), run({ out })]);
  const refused = [one, two].filter((each) => each.status === "rejected");
  expect(refused).toHaveLength(1);
  expect(refused[0]!.reason).toMatchObject({
    code: "write_failed",
    message: expect.stringContaining(`illustrious audit, process ${process.pid}`),
  });
  expect(await filesOf(out)).toEqual(first);
});

test("a gzipped archive has the rows of the plain one, and they are kept", async () => {
  const [plain, packed] = [join(root, "plain"), join(root, "packed")];
  const bytes = await readFile(join(set, "z.tar"));
  for (const folder of [plain, packed]) await mkdir(folder);
  await writeFile(join(plain, "z.tar"), bytes);
  await writeFile(join(packed, "z.tar.gz"), gzipSync(bytes));
  const rows = async (path: string, out: string) => {
    await run({ paths: [path], out });
    return (await rowsOf(out)).map(({ source, mtime_ms, ...facts }) => facts);
  };
  const out = join(root, "packed-audit");
  expect(await rows(packed, out)).toEqual(await rows(plain, join(root, "plain-audit")));
  expect(done(await run({ paths: [packed], out }))).toMatchObject({ images: 2, kept: 2 });
});
